package coding

import (
	"errors"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func TestParamsTable(t *testing.T) {
	for _, c := range []struct {
		length  uint64
		k, size int
	}{
		{0, 0, 0},
		{1, 16, 64},
		{1024, 16, 64},
		{1025, 16, 128},
		{4096, 16, 256},
		{4097, 32, 192},
		{64 << 10, 64, 1 << 10},
		{128 << 10, 128, 1 << 10},
		{1 << 20, 256, 4 << 10},
		{1<<20 + 1, 512, 2112},
		{2 << 20, 512, 4 << 10},
		{8 << 20, 1024, 8 << 10},
		{32 << 20, 2048, 16 << 10},
		{MaxLength, 4096, 64 << 10},
	} {
		p, err := ParamsFor(c.length)
		if err != nil {
			t.Fatal(err)
		}
		if p.K != c.k || p.RowSize != c.size || p.N != Expansion*c.k || p.Length != c.length {
			t.Errorf("ParamsFor(%d) = %+v, want K %d, row %d", c.length, p, c.k, c.size)
		}
	}
	for _, length := range []uint64{MaxLength + 1, math.MaxUint64} {
		if _, err := ParamsFor(length); !errors.Is(err, ErrLength) {
			t.Errorf("ParamsFor(%d): %v", length, err)
		}
	}
}

// TestI2ShapeFollowsFromLength holds the definition of the shape against the integers it is computed with.
func TestI2ShapeFollowsFromLength(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		length := rapid.Uint64Range(1, MaxLength).Draw(t, "length") >> rapid.IntRange(0, 27).Draw(t, "shift")
		if length == 0 {
			return
		}
		p, err := ParamsFor(length)
		if err != nil {
			t.Fatal(err)
		}
		enough := func(k int) bool { // k >= sqrt(length)/4
			x := big.NewInt(int64(4 * k))
			return x.Mul(x, x).Cmp(new(big.Int).SetUint64(length)) >= 0
		}
		if p.K&(p.K-1) != 0 || p.K < MinK || p.K > MaxK {
			t.Fatalf("K = %d", p.K)
		}
		if !enough(p.K) && p.K != MaxK || p.K > MinK && enough(p.K/2) {
			t.Fatalf("K = %d is not the smallest for %d bytes", p.K, length)
		}
		if p.RowSize%RowUnit != 0 || p.RowSize > MaxRowSize || uint64(p.K*p.RowSize) < length || uint64(p.K*(p.RowSize-RowUnit)) >= length {
			t.Fatalf("rows of %d bytes for %d bytes", p.RowSize, length)
		}
	})
}

func TestI2OtherShapesAreRefused(t *testing.T) {
	block := mustEncode(t, testData(1, 5000))
	shard := mustShard(t, block, 1)
	standalone, err := block.Standalone(1)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Params){
		"K":        func(p *Params) { p.K *= 2 },
		"K zero":   func(p *Params) { p.K = 0 },
		"K minus":  func(p *Params) { p.K = -1 },
		"N":        func(p *Params) { p.N /= 2 },
		"row":      func(p *Params) { p.RowSize += 64 },
		"row zero": func(p *Params) { p.RowSize = 0 },
		"row odd":  func(p *Params) { p.RowSize++ },
		"length":   func(p *Params) { p.Length = MaxLength + 1 },
		"half":     func(p *Params) { p.Length /= 4 },
	} {
		p := block.Params()
		change(&p)
		wrong := func(err error) bool { return errors.Is(err, ErrParams) || errors.Is(err, ErrLength) }
		if err := p.Validate(); !wrong(err) {
			t.Errorf("%s: Validate: %v", name, err)
		}
		if _, err := NewVerifier(p, block.Commitment(), block.RowRoot(), block.Y()); !wrong(err) {
			t.Errorf("%s: NewVerifier: %v", name, err)
		}
		if err := VerifyStandalone(block.Commitment(), p, standalone); !wrong(err) {
			t.Errorf("%s: VerifyStandalone: %v", name, err)
		}
		if _, err := ReconstructVerified(p, []Shard{shard}); !wrong(err) {
			t.Errorf("%s: ReconstructVerified: %v", name, err)
		}
		if _, err := UnmarshalShard(make([]byte, 400), p); err == nil {
			t.Errorf("%s: UnmarshalShard accepts", name)
		}
	}
}

// TestRowsOfRange compares with asking every row; RangeOfRow is its inverse.
func TestRowsOfRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, err := ParamsFor(rapid.Uint64Range(0, 20000).Draw(t, "length"))
		if err != nil {
			t.Fatal(err)
		}
		a := rapid.Uint64Range(0, p.Length).Draw(t, "a")
		b := rapid.Uint64Range(a, p.Length).Draw(t, "b")
		first, end, err := p.RowsOfRange(a, b)
		if err != nil {
			t.Fatal(err)
		}
		for i := range uint32(p.N) {
			from, to := p.RangeOfRow(i)
			holds := max(a, from) < min(b, to)
			if holds != (first <= i && i < end) {
				t.Fatalf("%+v: [%d, %d) gives rows [%d, %d); row %d holds [%d, %d)", p, a, b, first, end, i, from, to)
			}
		}
	})
	p, _ := ParamsFor(100)
	for _, r := range [][2]uint64{{2, 1}, {0, 101}, {101, 101}, {math.MaxUint64, math.MaxUint64}} {
		if _, _, err := p.RowsOfRange(r[0], r[1]); err == nil {
			t.Errorf("RowsOfRange(%d, %d) of 100 bytes is accepted", r[0], r[1])
		}
	}
}
