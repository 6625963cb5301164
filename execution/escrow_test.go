package execution_test

import (
	"math/big"
	"testing"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/types"
)

// TestEscrowFollowsCommitments: what the node commits to is what the contract looks for: of two challengers of one bond the
// first to commit is paid, whoever was listed first.
func TestEscrowFollowsCommitments(t *testing.T) {
	s := exectest.New(t, exectest.Bonded)
	accused := exectest.PublicKey(5)
	late, early := [20]byte(exectest.Address(1)), [20]byte(exectest.Address(2))
	ofLate, ofEarly := types.BatchIDOf([]byte("late")), types.BatchIDOf([]byte("early"))
	s.Apply(s.Send(2, new(big.Int), execution.CommitCall(execution.Commitment(early, ofEarly))))
	s.Apply(s.Send(1, new(big.Int), execution.CommitCall(execution.Commitment(late, ofLate))))
	first, in, err := s.Chain.Committed(execution.Commitment(early, ofEarly))
	if err != nil || in != 1 {
		t.Fatal(in, err)
	}
	second, in, err := s.Chain.Committed(execution.Commitment(late, ofLate))
	if err != nil || in != 2 || first.Cmp(second) >= 0 {
		t.Fatal(first, second, in, err)
	}
	if _, in, err := s.Chain.Committed(types.Hash{1}); err != nil || in != 0 {
		t.Fatal("never committed:", in, err)
	}
	list := func(id types.BatchID, payee [20]byte) {
		s.ApplyHeader(func(h *types.Header) {
			h.Verdicts = []types.Verdict{{Challenge: id, Kind: 1, Accused: accused, Payee: payee}}
		})
	}
	list(ofLate, late)
	if e, err := s.Chain.Escrow(accused); err != nil || e.Payee != late || e.Order.Cmp(second) != 0 || e.Until != 3+execution.CommitBlocks {
		t.Fatal(e, err)
	}
	list(ofEarly, early)
	e, err := s.Chain.Escrow(accused)
	if err != nil || e.Payee != early || e.Order.Cmp(first) != 0 || e.Amount.Sign() == 0 {
		t.Fatal(e, err)
	}
	if bond, err := s.Chain.Bond(accused); err != nil || bond.Status != execution.BondSlashed {
		t.Fatal(bond, err)
	}
}
