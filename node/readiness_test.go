package node

import (
	"testing"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/types"
)

// Who is bonded and does not serve announces itself once an epoch, in time for the state that decides; nobody else does.
func TestLacksReadiness(t *testing.T) {
	active := execution.Bond{Role: types.BondSequencer, Status: execution.BondActive}
	with := func(change func(*execution.Bond)) execution.Bond {
		b := active
		change(&b)
		return b
	}
	for _, c := range []struct {
		what string
		bond execution.Bond
		h    types.Height
		want bool
	}{
		{"just bonded", active, 3, true},
		{"no bond", execution.Bond{}, 3, false},
		{"a prover", with(func(b *execution.Bond) { b.Role = types.BondProver }), 3, false},
		{"leaving", with(func(b *execution.Bond) { b.Status = execution.BondLeaving }), 3, false},
		{"slashed", with(func(b *execution.Bond) { b.Status = execution.BondSlashed }), 3, false},
		{"serves", with(func(b *execution.Bond) { b.Served = 1 }), 3, false},
		{"served in the epoch before", with(func(b *execution.Bond) { b.Served = 1 }), 100, true},
		{"announced", with(func(b *execution.Bond) { b.ReadyFor = 1 }), 3, false},
		{"announced in the epoch before, not chosen", with(func(b *execution.Bond) { b.ReadyFor = 1 }), 100, true},
		{"the last block that still decides comes next", active, 91, true},
		{"that block is over", active, 92, false},
		{"the epoch's last block but one", active, 99, false},
		{"the epoch's last block begins the next one", active, 100, true},
	} {
		if have := lacksReadiness(c.bond, c.h, 100); have != c.want {
			t.Errorf("%s at %d: %v", c.what, c.h, have)
		}
	}
}
