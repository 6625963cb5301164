package execution_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/types"
)

// TestReceiptsNameTheirPlaces: the claim of a block with a skipped transaction commits to which transactions have receipts.
func TestReceiptsNameTheirPlaces(t *testing.T) {
	s := exectest.New(t, nil)
	skipped := s.CallAt(1, 7, nil, 0, 21000, nil) // a nonce from the future
	result := s.Apply(s.Transfer(0, 2, 1), skipped, s.Transfer(2, 0, 1))
	if len(result.Receipts) != 2 || len(result.Skipped) != 1 {
		t.Fatalf("%d receipts, %d skipped", len(result.Receipts), len(result.Skipped))
	}
	root := func(places ...uint64) types.Hash {
		f := execution.Frontier{}
		for i, place := range places {
			leaf, err := execution.ReceiptLeaf(place, result.Receipts[i])
			if err != nil {
				t.Fatal(err)
			}
			f = f.Append(leaf)
		}
		return f.Root()
	}
	claimed := result.Claims[len(result.Claims)-1].Receipts
	if root(0, 2) != claimed || root(0, 1) == claimed {
		t.Errorf("claim %s, places 0 and 2 give %s, 0 and 1 give %s", claimed, root(0, 2), root(0, 1))
	}
}

// TestReceiptLeafIsStrict: a leaf is read as it was written, and nothing shorter or longer is one.
func TestReceiptLeafIsStrict(t *testing.T) {
	s := exectest.New(t, nil)
	leaf, err := execution.ReceiptLeaf(9, s.Apply(s.Transfer(0, 2, 1)).Receipts[0])
	if err != nil {
		t.Fatal(err)
	}
	place, r, err := execution.DecodeReceiptLeaf(leaf)
	if err != nil || place != 9 || r.Status != 1 || r.CumulativeGasUsed != 21000 {
		t.Errorf("place %d, %+v, %v", place, r, err)
	}
	for _, bad := range [][]byte{nil, leaf[:7], leaf[:8], leaf[:len(leaf)-1], append(slices.Clone(leaf), 0)} {
		if _, _, err := execution.DecodeReceiptLeaf(bad); !errors.Is(err, types.ErrMalformed) {
			t.Errorf("%d bytes: %v", len(bad), err)
		}
	}
}
