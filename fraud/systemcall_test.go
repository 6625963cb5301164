package fraud

import (
	"errors"
	"math/big"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/types"
)

// A prover that lies about what the bonding contract's system calls did (a slash, an admission, an epoch's rewards) is
// refuted in a child process that knows the header and the witness alone; one that tells the truth is not.
func TestLieAboutSystemCallIsRefuted(t *testing.T) {
	s := exectest.New(t, exectest.Bonded)
	s.Apply(s.Bond(8, 8, types.BondSequencer, big.NewInt(exectest.Ether)), s.Bond(9, 8, types.BondProver, big.NewInt(exectest.Ether)))
	s.ApplyHeader(func(h *types.Header) { // admits one request, refuses the other, slashes; no transaction
		h.Verdicts = []types.Verdict{{Accused: exectest.PublicKey(7), Payee: [20]byte{1}}}
	})
	s.ApplyHeader(func(h *types.Header) {
		h.Next = &types.EpochEnd{Committee: s.Genesis.Committee, Rewards: []uint64{3, 2, 1, 0}}
	})
	box := sandbox(t, "verify", Limits{})
	for block := range types.Height(3) {
		signed := honest(t, s, block, block+1)
		c, err := BuildWrongState(s.Chain, s, signed, Place{}, [20]byte{1})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Verify(c, trustOf(s)); !errors.Is(err, ErrInvalid) {
			t.Fatalf("the truth about block %d: %v", block+1, err)
		}
		lie := outcome(t, s, block, block+1)
		lie.Claims[0] = slices.Clone(lie.Claims[0])
		lie.Claims[0][0].Root = common.Hash{1} // as after a system call that did something else
		told := sign(t, s, lie.Assertion(exectest.PublicKey(4)))
		made := challenge(t, s, told)
		received, err := DecodeChallenge(made.Encode())
		if err != nil {
			t.Fatal(err)
		}
		finding, err := box.Judge(t.Context(), received, trustOf(s))
		if err != nil || finding.Chunk != 0 || !slices.Equal(finding.Differences, []string{"state root"}) {
			t.Fatalf("block %d: %+v, %v", block+1, finding, err)
		}
		t.Logf("block %d: %d bytes", block+1, len(made.Encode()))
	}
}
