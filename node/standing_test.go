package node

import (
	"strings"
	"testing"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/types"
)

// Status says of a bond what its owner has to know or do, and nothing where all is well.
func TestBondNote(t *testing.T) {
	sequencer := execution.Bond{Role: types.BondSequencer, Status: execution.BondActive}
	stand := func(change func(*execution.Standing)) execution.Standing {
		s := execution.Standing{Bond: sequencer, Epoch: 2, Clock: 50_000_000}
		change(&s)
		return s
	}
	for _, c := range []struct {
		what string
		role config.Role
		s    execution.Standing
		told string // why it could not announce to be ready
		want string
	}{
		{what: "serves", role: config.Sequencer, s: stand(func(s *execution.Standing) { s.Serves = true })},
		{what: "no bond", role: config.Sequencer, s: stand(func(s *execution.Standing) { s.Bond = execution.Bond{} }), want: "`bedrock bond`"},
		{what: "slashed", role: config.Sequencer, s: stand(func(s *execution.Standing) { s.Status = execution.BondSlashed }), want: "proven dishonest"},
		{what: "released", role: config.Prover, s: stand(func(s *execution.Standing) { s.Status = execution.BondReleased }), want: "`bedrock withdraw`"},
		{what: "leaving in its last epoch", role: config.Sequencer, s: stand(func(s *execution.Standing) { s.Status, s.Serves = execution.BondLeaving, true }), want: "serves until block 300"},
		{what: "leaving", role: config.Sequencer, s: stand(func(s *execution.Standing) { s.Status, s.Until = execution.BondLeaving, 45_000_000 }), want: "another 15 s"},
		{what: "released when somebody asks", role: config.Sequencer, s: stand(func(s *execution.Standing) { s.Status, s.Until = execution.BondLeaving, 30_000_000 }), want: "the delay is over: `bedrock withdraw`"},
		{what: "cannot announce", role: config.Sequencer, s: stand(func(*execution.Standing) {}), told: "no ether", want: "no ether"},
		{what: "a sequencer's bond at a peer", role: config.Peer, s: stand(func(*execution.Standing) {}), want: "this node runs as a peer"},
		{what: "a prover's bond at a sequencer", role: config.Sequencer, s: stand(func(s *execution.Standing) { s.Role = types.BondProver }), want: "bonded as a prover"},
	} {
		n := &Node{cfg: Config{Role: c.role, Genesis: &types.Genesis{EpochLength: 100, UnbondingDelay: 20_000_000}}, ready: &readiness{problem: c.told}}
		if have := n.bondNote(c.s); have == "" != (c.want == "") || !strings.Contains(have, c.want) {
			t.Errorf("%s: %q, want %q", c.what, have, c.want)
		}
	}
}
