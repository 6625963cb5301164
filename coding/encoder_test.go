package coding

import (
	"errors"
	"testing"
)

// TestEncoderForgets: blocks of all sizes, one after the other in the same memory, are those of Encode: nothing of a
// longer block shows up in the padding or the parity of a shorter one.
func TestEncoderForgets(t *testing.T) {
	for name, spread := range spreads {
		e := Encoder{Spread: spread}
		for seed, n := range []int{70000, 1, 9999, 0, 70001, 64, 4097, 4096, 128 << 10, 1000} {
			data := testData(uint64(seed), n)
			got, err := e.Encode(data)
			if err != nil {
				t.Fatal(err)
			}
			sameBlock(t, name, got, mustEncode(t, data))
		}
		if _, err := e.Encode(make([]byte, MaxLength+1)); !errors.Is(err, ErrLength) {
			t.Fatalf("too much data: %v", err)
		}
	}
}
