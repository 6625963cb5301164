package fraud

import (
	"errors"
	"slices"
	"testing"

	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/types"
)

// I5: a value whose window is over settles only when peers were asked for challenges against it, and not before it is due.
func TestSettlementWaitsForTheAnswersOfPeers(t *testing.T) {
	s := exectest.New(t, nil)
	tr := trackerOf(t, s, nil)
	asked := map[types.Height]bool{}
	tr.config.Unchallenged = func(h types.Height) bool { return asked[h] }
	follow(t, s, tr, 3)
	add(t, tr, honest(t, s, 0, 2))
	follow(t, s, tr, 19) // 9.5 s of a window of 10 s
	if due := tr.Due(8); len(due) != 0 {
		t.Fatal("due early", due)
	}
	follow(t, s, tr, 1)
	if due := tr.Due(8); !slices.Equal(due, []types.Height{1, 2}) || tr.Settled().Height != 0 {
		t.Fatal(due, tr.Settled().Height)
	}
	if due := tr.Due(1); !slices.Equal(due, []types.Height{1}) {
		t.Fatal(due)
	}
	asked[1] = true
	tr.Settle()
	if tr.Settled().Height != 1 {
		t.Fatal(tr.Settled().Height)
	}
	asked[2] = true
	tr.Settle()
	if tr.Settled().Height != 2 || len(tr.Due(8)) != 0 {
		t.Fatal(tr.Settled().Height, tr.Due(8))
	}
}

// A step that was refuted before a restart stays so when the assertion is learnt again.
func TestRefutationsSurviveRestarts(t *testing.T) {
	s := exectest.New(t, nil)
	tr := trackerOf(t, s, nil)
	follow(t, s, tr, 2)
	signed := honest(t, s, 0, 2)
	add(t, tr, signed)
	tr.Refute(signed.Assertion.Step(1), 2)
	if tr.Asserted().Height != 1 || !tr.Refuted(signed.Assertion.Step(1)) {
		t.Fatal(tr.Asserted().Height)
	}
	follow(t, s, tr, 25)
	if tr.Settled().Height != 1 {
		t.Fatal("a refuted step settled")
	}
}

// A window of half an hour holds 3600 blocks, and an honest prover may assert each by itself: none is refused. What a
// prover says beyond maxUnsettledBlocks is.
func TestProverMayAssertEveryBlockOfALongWindow(t *testing.T) {
	s := exectest.New(t, nil)
	tr := trackerOf(t, s, nil)
	tr.config.Window = 1 << 60
	const blocks = 600
	for range blocks {
		s.Apply()
		h, err := s.Chain.Header(s.Chain.Height())
		if err != nil {
			t.Fatal(err)
		}
		tr.AddHeader(&h)
		add(t, tr, honest(t, s, s.Chain.Height()-1, s.Chain.Height()))
	}
	if tr.Asserted().Height != blocks {
		t.Fatal(tr.Asserted().Height)
	}
	p := tr.provers[honest(t, s, 0, 1).Assertion.Prover]
	p.blocks = maxUnsettledBlocks
	if _, _, err := tr.AddAssertion(honest(t, s, 0, blocks/2)); !errors.Is(err, ErrTooMany) {
		t.Fatal(err)
	}
}
