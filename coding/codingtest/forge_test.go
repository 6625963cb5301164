package codingtest

import (
	"errors"
	"testing"

	"github.com/etherscale/bedrock/coding"
)

// TestForge: an unspoilt block is coding's own, and of a spoilt one exactly the spoilt rows convict.
func TestForge(t *testing.T) {
	data := make([]byte, 3000)
	for i := range data {
		data[i] = byte(i * i)
	}
	honest, err := coding.Encode(data)
	if err != nil {
		t.Fatal(err)
	}
	same := Forge(t, data, func(coding.Params, [][]byte) {})
	if same.Commitment != honest.Commitment() {
		t.Fatal("an unspoilt block has another commitment than coding gives it")
	}
	for name, c := range map[string]struct {
		spoil func(coding.Params, [][]byte)
		wrong func(p coding.Params, i int) bool
	}{
		"one row": {SpoilRow(-1), func(p coding.Params, i int) bool { return i == p.N-1 }},
		"parity":  {SpoilParity, func(p coding.Params, i int) bool { return i >= p.K }},
		"padding": {func(p coding.Params, rows [][]byte) { rows[p.K-1][p.RowSize-1] ^= 1 },
			func(p coding.Params, i int) bool { return i >= p.K-1 }}, // a changed data row also falsifies all parity
	} {
		f := Forge(t, data, c.spoil)
		v, err := coding.NewVerifier(f.Params, f.Commitment, f.Opening.RowRoot, f.Opening.Y)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for i := range f.Params.N {
			var bad *coding.BadEncodingError
			err := v.Verify(f.Shard(uint32(i)))
			if wrong := c.wrong(f.Params, i); wrong != errors.As(err, &bad) || (!wrong && err != nil) {
				t.Fatalf("%s: row %d: %v", name, i, err)
			}
		}
	}
}
