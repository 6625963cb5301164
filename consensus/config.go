package consensus

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/etherscale/bedrock/types"
)

// Horizon is how many rounds below a committed vertex its ancestors are still appended, how old a weak parent may be,
// and after how many rounds of slots a batch that did not open is void.
const Horizon = types.WeakDepth

// Rules are what all members must agree on, from the genesis file.
type Rules struct {
	Interval    uint64 // microseconds between block boundaries
	Heartbeat   uint64 // microseconds after which an empty block closes
	BlockBytes  uint64 // block data of one block, laid out
	BlockGas    uint64 // declared gas of one block
	EpochLength uint64 // blocks: an epoch's last height is a multiple of it; 0: the epoch does not end
	RuleVersion uint64 // in force in epoch 0; later ones have theirs from the header before
}

// RulesOf reads the rules of a genesis file.
func RulesOf(g *types.Genesis) Rules {
	return Rules{
		Interval:    g.BlockInterval,
		Heartbeat:   g.Heartbeat,
		BlockBytes:  g.BlockBytes,
		BlockGas:    g.BlockGas,
		EpochLength: g.EpochLength,
		RuleVersion: g.RuleVersion,
	}
}

// Pacing is this node's own timing; members may differ in it. A zero field means its default.
type Pacing struct {
	MinRound       time.Duration // least time between own vertices, on average over a burst of three; default 40 ms
	Wait           time.Duration // least wait for expected authors after a quorum; default 20 ms
	MaxWait        time.Duration // most that the wait adapts to, before it escalates; default 50 ms
	HeartbeatRound time.Duration // time between own vertices when there is nothing to order; default 1 s
	FetchDelay     time.Duration // how long a missing item may still arrive by itself; default 30 ms
	FetchRetry     time.Duration // until the next member is asked, doubling up to 16 times; default 300 ms
	Resend         time.Duration // until the own vertex is sent again while its round lacks a quorum; default 500 ms
	MaxDrift       time.Duration // how far ahead of local time a vertex may be before it is held back; default 500 ms
}

func (p Pacing) withDefaults() Pacing {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&p.MinRound, 40 * time.Millisecond},
		{&p.Wait, 20 * time.Millisecond},
		{&p.MaxWait, 50 * time.Millisecond},
		{&p.HeartbeatRound, time.Second},
		{&p.FetchDelay, 30 * time.Millisecond},
		{&p.FetchRetry, 300 * time.Millisecond},
		{&p.Resend, 500 * time.Millisecond},
		{&p.MaxDrift, maxDrift},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	return p
}

// maxDrift is the default of MaxDrift: honest clocks differ by less, and a liar moves its times by no more.
const maxDrift = 500 * time.Millisecond

// Config is what a core needs to know of its epoch and of itself.
type Config struct {
	Network   types.NetworkID
	Epoch     types.Epoch
	Committee *types.Committee
	Seed      types.Hash   // epoch seed: order of slots, ties of fair times
	Self      int          // own member index; -1: only follow
	Parent    types.Header // last header of the previous epoch; epoch 0: the genesis header
	Rules     Rules
	// RuleVersion is the newest version of the rules this program knows; own vertices announce it. 0: that of Rules.
	RuleVersion uint64
	Pacing      Pacing
	Windows     Windows
}

// rulesInForce is the rule version of the epoch.
func (c *Config) rulesInForce() uint64 {
	if c.Parent.Next != nil {
		return c.Parent.Next.RuleVersion
	}
	return c.Rules.RuleVersion
}

// knownRules is the newest rule version of this program.
func (c *Config) knownRules() uint64 {
	if c.RuleVersion > 0 {
		return c.RuleVersion
	}
	return c.Rules.RuleVersion
}

// Validate returns all problems of the configuration, joined, each naming its field.
func (c *Config) Validate() error {
	var problems []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf("consensus config: "+format, args...))
		}
	}
	need(c.Committee != nil, "Committee is missing")
	if c.Committee != nil {
		need(c.Self >= -1 && c.Self < c.Committee.Len(), "Self %d is not in -1..%d", c.Self, c.Committee.Len()-1)
	}
	need(c.Rules.Interval > 0, "Rules.Interval must be above 0")
	need(c.Rules.Heartbeat >= c.Rules.Interval, "Rules.Heartbeat %d is below Interval", c.Rules.Heartbeat)
	need(c.Rules.BlockBytes > 0 && c.Rules.BlockGas > 0, "Rules.BlockBytes and BlockGas must be above 0")
	need(c.Rules.EpochLength == 0 || c.Rules.EpochLength > CommitteeLookback,
		"Rules.EpochLength %d is not above %d", c.Rules.EpochLength, CommitteeLookback)
	need(c.Windows.Transactions >= 0 && c.Windows.Repeats < maxRound && c.Windows.Cuts < maxRound, "Windows are not in 0..%d", uint64(maxRound))
	need(c.Parent.Network == c.Network, "Parent is a header of another network")
	problems = append(problems, c.checkParent()...)
	for _, d := range []time.Duration{c.Pacing.MinRound, c.Pacing.Wait, c.Pacing.MaxWait, c.Pacing.HeartbeatRound,
		c.Pacing.FetchDelay, c.Pacing.FetchRetry, c.Pacing.Resend, c.Pacing.MaxDrift} {
		need(d >= 0, "Pacing has a negative duration %s", d)
	}
	return errors.Join(problems...)
}

// checkParent checks what an epoch above 0 has from the last header before it.
func (c *Config) checkParent() (problems []error) {
	if c.Epoch == 0 {
		return nil
	}
	next := c.Parent.Next
	if next == nil || c.Parent.Epoch+1 != c.Epoch {
		return []error{fmt.Errorf("consensus config: Parent is not the last header of epoch %d", c.Epoch-1)}
	}
	if c.Committee != nil && !slices.Equal(c.Committee.Members(), next.Committee) {
		problems = append(problems, errors.New("consensus config: Committee is not the one that Parent names"))
	}
	if c.Seed != types.EpochSeed(c.Parent.Encode()) {
		problems = append(problems, errors.New("consensus config: Seed does not follow from Parent"))
	}
	if next.RuleVersion > c.knownRules() {
		problems = append(problems, fmt.Errorf("%w: version %d, this program knows %d: update it", ErrRuleVersion,
			next.RuleVersion, c.knownRules()))
	}
	return problems
}
