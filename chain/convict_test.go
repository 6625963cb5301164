package chain

import (
	"errors"
	"testing"

	"github.com/etherscale/bedrock/types"
)

// TestC4ConvictionsEndFollowing: what a challenge proved stops the chain below the guilty header, also after a restart, and
// whether or not that header had come here.
func TestC4ConvictionsEndFollowing(t *testing.T) {
	n := newNetwork(t).grow(5)
	twin := n.at(3)
	twin.VertexIndex++
	for _, c := range []struct {
		name  string
		e     ConflictError
		sound types.Height
	}{
		{"mis-encoded and stored", ConflictError{Kind: ConflictEncoding, Known: n.list[3], Other: n.list[3]}, 2},
		{"mis-encoded and ahead", ConflictError{Kind: ConflictEncoding, Known: n.list[5], Other: n.list[5]}, 4},
		{"two headers", ConflictError{Kind: ConflictTwoHeaders, Known: n.list[3], Other: n.signers.certify(twin, 0, 1, 2)}, 2},
		{"the first block", ConflictError{Kind: ConflictEncoding, Known: n.list[1], Other: n.list[1]}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			node := n.node()
			_, err := node.AddHeaders(n.list[1:5])
			noError(t, err)
			must(t, node.Sound() == 4, "sound up to %d before", node.Sound())
			noError(t, node.Convict(&c.e))
			noError(t, node.Convict(&c.e))
			again := n.reopen(node)
			if err := again.AddCertified(n.list[5]); !errors.Is(err, ErrConflict) {
				t.Fatalf("followed on: %v", err)
			}
			var conflict *ConflictError
			if !errors.As(again.Err(), &conflict) || conflict.Kind != c.e.Kind || conflict.Other.Header.Digest() != c.e.Other.Header.Digest() {
				t.Fatalf("the evidence after a restart: %v", again.Err())
			}
			must(t, again.Sound() == c.sound, "sound up to %d, want %d", again.Sound(), c.sound)
		})
	}
}

// TestC4RetiredStakeConvictsNobody: a header that is not of this chain, from stake that may be free again, stops nobody, alone
// or as the twin of a true one; of the own chain any header does.
func TestC4RetiredStakeConvictsNobody(t *testing.T) {
	n := newNetwork(t).grow(2)
	foreign := n.at(2)
	foreign.VertexIndex++
	h := n.next(nil)
	h.Time += types.Time(n.genesis.UnbondingDelay) / interval * interval
	n.push(h, nil)
	n.grow(2)
	node := n.node()
	_, err := node.AddHeaders(n.list[1:])
	noError(t, err)
	old := n.signers.certify(foreign, 0, 1, 2, 3)
	for _, e := range []*ConflictError{
		{Kind: ConflictEncoding, Known: old, Other: old},
		{Kind: ConflictTwoHeaders, Known: n.list[2], Other: old}, {Kind: ConflictTwoHeaders, Known: old, Other: n.list[2]},
	} {
		if err := node.Convict(e); !errors.Is(err, ErrOld) || node.Err() != nil {
			t.Fatalf("%s: %v, stopped: %v", e.Kind, err, node.Err())
		}
	}
	noError(t, node.Convict(&ConflictError{Kind: ConflictEncoding, Known: n.list[1], Other: n.list[1]}))
	must(t, node.Err() != nil && node.Sound() == 0, "the own chain's block convicts nobody")
}
