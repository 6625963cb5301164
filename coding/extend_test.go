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
			if err := newLeopard(t, k).Encode(want); err != nil {
				t.Fatal(err)
			}
			for i := range rows {
				if !bytes.Equal(rows[i], want[i]) {
					t.Fatalf("K=%d size=%d: row %d differs", k, size, i)
				}
			}
		}
	}
}

// randomRows lays random data rows; the parity rows are zero.
func randomRows(k, size int) [][]byte {
	rows := newRows(Expansion*k, size)
	data := testData(uint64(k+size), k*size)
	for i := range k {
		copy(rows[i], data[i*size:])
	}
	return rows
}

func TestInverse(t *testing.T) {
	c := newCombiner([32]byte{}, 64)
	for _, x := range []uint16{1, 2, 4, 5, 6, 0xACCA, 0xFFFF} {
		var product uint16
		for bit := range 16 { // x * inverse(x), multiplied by the combiner's tables
			if inverse(x)>>bit&1 == 1 {
				product ^= uint16(c.timesBasis(bit, vector{uint64(x)})[0])
			}
		}
		if product != 1 {
			t.Errorf("%#x times its inverse is %#x", x, product)
		}
	}
}
