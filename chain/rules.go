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
//
// When an epoch ends is the ordering's affair: followers take the committee's word for it.
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
	if h.Next != nil {
		if _, err := types.NewCommittee(h.Next.Committee); err != nil {
			return fmt.Errorf("next committee: %w", err)
		}
	}
	return nil
}
