package chain

import (
	"fmt"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
)

// nextEpoch is the epoch of the header after parent.
func nextEpoch(parent *types.Header) types.Epoch {
	if parent.Next != nil {
		return parent.Epoch + 1
	}
	return parent.Epoch
}

// checkRules returns what is wrong with a header as the one after parent, beyond its height, parent digest, epoch and
// certificate. A quorum that signs such a header is corrupt.
func checkRules(g *types.Genesis, parent, h *types.Header) error {
	if uint64(h.Time)%g.BlockInterval != 0 {
		return fmt.Errorf("time %d is no multiple of the block interval of %d us", h.Time, g.BlockInterval)
	}
	if h.Time <= parent.Time {
		return fmt.Errorf("time %d is not after the parent's %d", h.Time, parent.Time)
	}
	if _, err := coding.ParamsFor(h.DataLength); err != nil {
		return fmt.Errorf("data length %d: %w", h.DataLength, err)
	}
	if err := checkVerdicts(h.Verdicts); err != nil {
		return err
	}
	if ends := uint64(h.Height)%g.EpochLength == 0; ends != (h.Next != nil) {
		return fmt.Errorf("an epoch has %d blocks, and this one ends it: %t", g.EpochLength, h.Next != nil)
	}
	return nil
}

// checkEnd returns what is wrong with what an epoch's last header says of the next one. members and rules are the
// committee's size and the rule version of the epoch that ends.
func checkEnd(end *types.EpochEnd, members int, rules uint64) error {
	if _, err := types.NewCommittee(end.Committee); err != nil {
		return fmt.Errorf("next committee: %w", err)
	}
	if len(end.Rewards) != members {
		return fmt.Errorf("%d reward counts for %d members", len(end.Rewards), members)
	}
	if end.RuleVersion < rules {
		return fmt.Errorf("rule version %d after %d", end.RuleVersion, rules)
	}
	return nil
}
