package sampling

import (
	"bytes"
	"math"
	"math/big"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/etherscale/bedrock/coding"
	"pgregory.net/rapid"
)

func shape(t *testing.T, k int) coding.Params {
	t.Helper()
	p, err := coding.ParamsFor(uint64(16 * k * k))
	if err != nil || p.K != k {
		t.Fatalf("shape with K = %d: %+v, %v", k, p, err)
	}
	return p
}

// The published table: chance that K-1 rows of 4K pass a rule, and that 62.5 % of the rows pass the strict ones.
func TestMissTable(t *testing.T) {
	for _, c := range []struct {
		n, good, samples, accept int
		want, within             float64
	}{
		{256, 63, 33, 28, -48, 0.5},
		{1024, 255, 33, 28, -41.8, 0.06},
		{4096, 1023, 33, 28, -40.5, 0.06},
		{16384, 4095, 33, 28, -40.2, 0.06},
		{16384, 4095, 44, 34, -40.9, 0.06},
		{16384, 10240, 59, 59, -40.1, 0.06},
		{16384, 10240, 92, 87, -40.5, 0.06},
	} {
		if got := log2(tail(c.n, c.good, c.samples, c.accept)); math.Abs(got-c.want) > c.within {
			t.Errorf("%d of %d rows pass %d of %d with 2^%.2f, want 2^%.1f", c.good, c.n, c.accept, c.samples, got, c.want)
		}
	}
	if tail(64, 15, 33, 28).Sign() != 0 {
		t.Error("15 rows pass 28 of 33")
	}
}

// Both rules together stay at or below 2^-39 for every shape that is sampled; the strict ones far below.
func TestMissBound(t *testing.T) {
	for k := 2 * DecodeK; k <= coding.MaxK; k *= 2 {
		p := shape(t, k)
		first, both := Default.MissLog2(p, 0), Default.MissLog2(p, 1)
		if both > -39 || first > both {
			t.Errorf("K = %d: 2^%.2f, with escalation 2^%.2f", k, first, both)
		}
		if s := Strict.MissLog2(p, 1); s > -100 {
			t.Errorf("K = %d strict: 2^%.2f", k, s)
		}
	}
	if Default.MissLog2(shape(t, DecodeK), 0) != Certain {
		t.Error("a decoded block leaves something to chance")
	}
}

// exactly against counting all subsets.
func TestExactlyAgainstCounting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "n")
		good, draws := rapid.IntRange(0, n).Draw(t, "good"), rapid.IntRange(1, n).Draw(t, "draws")
		counts, total := make(map[int]int64), int64(0)
		for set := range uint(1) << n {
			if bits.OnesCount(set) == draws {
				total++
				counts[bits.OnesCount(set&(1<<good-1))]++
			}
		}
		for x := range draws + 1 {
			if exactly(n, good, draws, x).Cmp(big.NewRat(counts[x], total)) != 0 {
				t.Fatalf("exactly(%d, %d, %d, %d)", n, good, draws, x)
			}
		}
	})
}

// second against going through both stages of every possible draw, in a small case.
func TestSecondAgainstCounting(t *testing.T) {
	r := Rules{{3, 3}, {5, 4}}
	const n, good = 8, 4
	pass, total := int64(0), int64(0)
	for a := range uint(1) << n {
		if bits.OnesCount(a) != r[0].Samples {
			continue
		}
		for b := range uint(1) << n {
			if bits.OnesCount(b) != r[1].Samples-r[0].Samples || a&b != 0 {
				continue
			}
			total++
			x := bits.OnesCount(a & (1<<good - 1))
			if x < r[0].Accept && x+bits.OnesCount(b&(1<<good-1)) >= r[1].Accept {
				pass++
			}
		}
	}
	if got := r.second(n, good); got.Cmp(big.NewRat(pass, total)) != 0 {
		t.Fatalf("second = %v, counted %d of %d", got, pass, total)
	}
}

// I1: distinct, in range, and no row likelier than another.
func TestDraw(t *testing.T) {
	chance := chacha(7)
	const n, count, rounds = 64, 16, 4000
	hits := make([]int, n)
	for range rounds {
		got, err := drawDistinct(chance, n, count)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range got {
			hits[i]++
		}
		slices.Sort(got)
		if len(slices.Compact(got)) != count || got[count-1] >= n {
			t.Fatalf("drawn %v", got)
		}
	}
	mean := float64(rounds*count) / n
	for i, h := range hits {
		if math.Abs(float64(h)-mean) > 6*math.Sqrt(mean) {
			t.Errorf("row %d was drawn %d times, mean %.0f", i, h, mean)
		}
	}
	if _, err := drawDistinct(bytes.NewReader(nil), n, 1); err == nil {
		t.Error("rows were drawn without chance")
	}
	if all, err := drawDistinct(chance, 5, 5); err != nil || len(all) != 5 {
		t.Errorf("all rows: %v, %v", all, err)
	}
}

func chacha(seed byte) *rand.ChaCha8 { return rand.NewChaCha8([32]byte{seed}) }

// Which answers pass which rule.
func TestPassed(t *testing.T) {
	marks := func(first, more int) []bool {
		out := make([]bool, 44)
		for i := range first {
			out[i] = true
		}
		for i := range more {
			out[33+i] = true
		}
		return out
	}
	for _, c := range []struct {
		first, more, stage int
		ok                 bool
	}{{33, 0, 0, true}, {28, 0, 0, true}, {27, 0, 0, false}, {27, 6, 0, false}, {27, 7, 1, true}, {23, 11, 1, true}, {22, 11, 0, false}} {
		if stage, ok := Default.passed(marks(c.first, c.more)); ok != c.ok || stage != c.stage {
			t.Errorf("%d of 33 and %d of 11 more: rule %d, %v", c.first, c.more, stage, ok)
		}
	}
}
