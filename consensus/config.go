package consensus

import (
	"errors"
	"fmt"
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
	RuleVersion uint64 // newest rule version this program knows; announced in own vertices
}

// RulesOf reads the rules of a genesis file.
func RulesOf(g *types.Genesis) Rules {
	return Rules{
		Interval:    g.BlockInterval,
		Heartbeat:   g.Heartbeat,
		BlockBytes:  g.BlockBytes,
		BlockGas:    g.BlockGas,
		RuleVersion: g.RuleVersion,
	}
}

// Pacing is this node's own timing; members may differ in it. A zero field means its default.
type Pacing struct {
	MinRound       time.Duration // least time between two own vertices; default 40 ms
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
		{&p.MaxDrift, 500 * time.Millisecond},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	return p
}

// Config is what a core needs to know of its epoch and of itself.
type Config struct {
	Network   types.NetworkID
	Epoch     types.Epoch
	Committee *types.Committee
	Seed      types.Hash   // epoch seed: order of slots, ties of fair times
	Self      int          // own member index; -1: only follow
	Parent    types.Header // last header of the previous epoch; epoch 0: the genesis header
	Rules     Rules
	Pacing    Pacing
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
	need(c.Parent.Network == c.Network, "Parent is a header of another network")
	for _, d := range []time.Duration{c.Pacing.MinRound, c.Pacing.Wait, c.Pacing.MaxWait, c.Pacing.HeartbeatRound,
		c.Pacing.FetchDelay, c.Pacing.FetchRetry, c.Pacing.Resend, c.Pacing.MaxDrift} {
		need(d >= 0, "Pacing has a negative duration %s", d)
	}
	return errors.Join(problems...)
}
