package coding

import (
	"bytes"
	"testing"
)

// TestExtendMatchesLeopard compares the coset encoder with the library's encoder, its slow twin, byte by byte.
func TestExtendMatchesLeopard(t *testing.T) {
	for k := MinK; k <= MaxK; k *= 2 {
		for _, size := range []int{64, 192, 640} {
			if k >= 1024 && size > 64 {
				continue
			}
			rows := randomRows(k, size)
			want := make([][]byte, len(rows))
			for i := range rows {
				want[i] = bytes.Clone(rows[i])
			}
			extendRows(nil, rows)
			again := cutRows(testData(uint64(k+size), Expansion*k*size), Expansion*k)
			(&kernel{}).extendStripe(again, 0, size, func(int, int) {}) // by the library's multiplication
			if err := newLeopard(t, k).Encode(want); err != nil {
				t.Fatal(err)
			}
			for i := range rows {
				if !bytes.Equal(rows[i], want[i]) || !bytes.Equal(again[i], want[i]) {
					t.Fatalf("K=%d size=%d: row %d differs", k, size, i)
				}
			}
		}
	}
}

// randomRows lays random data rows; the parity rows hold rubbish that extendRows must overwrite.
func randomRows(k, size int) [][]byte {
	return cutRows(testData(uint64(k+size), Expansion*k*size), Expansion*k)
}
