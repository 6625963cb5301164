package devnet

import (
	"strings"
	"testing"
	"time"

	"github.com/etherscale/bedrock/node"
	"github.com/etherscale/bedrock/types"
)

func certified(h types.Height, signers int) node.Certified {
	return node.Certified{Header: types.Header{Height: h, DataLength: 10}, Signers: signers, Committee: 4}
}

// TestBoardLine: a line waits until every part of it is known, then says all of it once.
func TestBoardLine(t *testing.T) {
	liar, honest := types.PublicKey{1}, types.PublicKey{2}
	b := newBoard(map[types.PublicKey]string{liar: "dishonest-prover", honest: "peer-0"}, 1, 1, 6)
	b.liar, b.payees = liar, map[[20]byte]string{{2}: "peer-0"}
	start := time.Unix(1000, 0)
	b.take("sequencer-0", certified(7, 3), start)
	b.take("sequencer-1", certified(7, 4), start)
	b.take("peer-0", node.Executed{Height: 7, Transactions: 5, Skipped: 1}, start)
	for range 2 { // told twice, counted once
		b.take("sequencer-0", node.Published{Height: 7, Rows: 16, Stored: 48}, start)
	}
	b.take("light-0", node.Sampled{Height: 7, Verdict: "available", Asked: 33, Answered: 33, MissLog2: -66}, start)
	if lines := b.settle(start, time.Second); len(lines) != 0 {
		t.Fatalf("line before the assertion: %q", lines)
	}
	b.take("prover-0", node.Asserted{From: 7, To: 7, Prover: honest}, start)
	b.take("prover-0", node.Asserted{From: 7, To: 7, Prover: liar}, start)
	if lines := b.settle(start, time.Second); len(lines) != 0 {
		t.Fatalf("line before the lie is refuted: %q", lines)
	}
	for range 2 {
		b.take("light-0", node.Refuted{Height: 7, Kind: "wrong-state", Accused: liar, Challenger: [20]byte{2}, Took: 80 * time.Millisecond,
			Size: 2000, Verify: time.Millisecond, Differences: []string{"state root"}}, start)
	}
	lines := b.settle(start, time.Second)
	if len(lines) != 1 {
		t.Fatalf("lines: %q", lines)
	}
	for _, want := range []string{"7", "5 txs", "certified 4 of 4", "rows   16x3.0", "available 1-2^-66", "REFUTED dishonest-prover by peer-0 after 80 ms: state root", "1 skipped"} {
		if !strings.Contains(lines[0], want) {
			t.Errorf("%q lacks %q", lines[0], want)
		}
	}
	b.take("sequencer-0", certified(7, 4), start)
	if len(b.rows) != 0 {
		t.Error("a shown row came back")
	}
}

// TestBoardGoesOn: a block whose facts were lost, or that stays incomplete, does not hold up the others.
func TestBoardGoesOn(t *testing.T) {
	b := newBoard(nil, 1, 1, 0)
	b.liar = types.PublicKey{1}
	start := time.Unix(1000, 0)
	b.take("sequencer-0", certified(2, 3), start)
	if lines := b.settle(start, time.Second); len(lines) != 0 {
		t.Fatalf("%q", lines)
	}
	if lines := b.settle(start.Add(2*time.Second), time.Second); len(lines) != 1 || !strings.Contains(lines[0], "certified 3 of 4") {
		t.Fatalf("%q", lines)
	}
}

// TestBoardSlash: the block that takes a bond says whose, for what, and who is paid.
func TestBoardSlash(t *testing.T) {
	liar := types.PublicKey{1}
	b := newBoard(map[types.PublicKey]string{liar: "dishonest-prover"}, 0, 0, 6)
	b.payees = map[[20]byte]string{{2}: "peer-0"}
	fact := certified(7, 3)
	fact.Header.Verdicts = []types.Verdict{{Kind: 1, Accused: liar, Payee: [20]byte{2}}}
	start := time.Unix(1000, 0)
	b.take("sequencer-0", fact, start)
	b.take("sequencer-1", fact, start)
	b.take("peer-0", node.Executed{Height: 7, Transactions: 5}, start)
	lines := b.settle(start, time.Second)
	if len(lines) != 1 || strings.Count(lines[0], "SLASHED dishonest-prover for a wrong-state: a tenth of its bond to peer-0") != 1 {
		t.Fatalf("%q", lines)
	}
}
