package execution_test

import (
	"slices"
	"testing"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/execution/exectest"
)

// A challenge shows a chunk's calldata beside its witness, so both count against ChunkBytes (64 KiB here): without that,
// cheap calldata of zeros beside a full budget of slots makes a chunk that no challenge of legal size can prove.
func TestCalldataCountsAgainstTheChunk(t *testing.T) {
	s := exectest.New(t, nil)
	to := exectest.Address(1)
	call := func(from, bytes int) []byte { return s.Call(from, &to, 0, 2_000_000, make([]byte, bytes)) }
	for _, c := range []struct {
		name   string
		bytes  []int
		places []uint64 // after each chunk
	}{
		{"four small ones fill the places", []int{0, 0, 0, 0, 0}, []uint64{4, 5}},
		{"three fit with their calldata", []int{18 << 10, 18 << 10, 18 << 10, 18 << 10}, []uint64{3, 4}},
		{"one above the limit is alone and runs", []int{0, 100 << 10, 0}, []uint64{1, 2, 3}},
		{"skipped ones count as well", []int{-30 << 10, -30 << 10, -30 << 10}, []uint64{2, 3}},
	} {
		var envelopes [][]byte
		for i, bytes := range c.bytes {
			if bytes < 0 { // a nonce from the future
				envelopes = append(envelopes, s.CallAt(i, 1000, &to, 0, 2_000_000, make([]byte, -bytes)))
				continue
			}
			envelopes = append(envelopes, call(i, bytes))
		}
		r := s.Apply(envelopes...)
		if got := placesOf(r.Claims); !slices.Equal(got, c.places) {
			t.Errorf("%s: chunks end at places %v, want %v", c.name, got, c.places)
		}
		for i, receipt := range r.Receipts {
			if receipt.Status != 1 {
				t.Errorf("%s: transaction %d failed", c.name, i)
			}
		}
	}
}

func placesOf(claims []execution.Claim) (places []uint64) {
	for _, c := range claims {
		places = append(places, c.Place)
	}
	return places
}
