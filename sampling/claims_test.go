package sampling

import (
	"math"
	"math/big"
	"testing"

	"github.com/etherscale/bedrock/coding"
)

// exact is the chance that a block of which good rows can be had passes the rules.
func exact(r Rules, n, good int) float64 {
	sum := tail(n, good, r[0].Samples, r[0].Accept)
	return log2(sum.Add(sum, r.second(n, good)))
}

// The claims of docs/availability.md about withholding and mis-encoding, for every shape, as exact sums: each rule below
// 2^-40, both together below 2^-39.
func TestClaimedChances(t *testing.T) {
	for k := 2 * DecodeK; k <= coding.MaxK; k *= 2 {
		n := coding.Expansion * k
		fitting := n * 5 / 8 // a word within 3/8 of whose rows no two codewords lie has at most so many that fit another
		for _, c := range []struct {
			name string
			got  float64
			most float64
		}{
			{"28 of 33, K-1 rows", log2(tail(n, k-1, 33, 28)), -40},
			{"34 of 44 alone, K-1 rows", log2(tail(n, k-1, 44, 34)), -40},
			{"default, K-1 rows", exact(Default, n, k-1), -39},
			{"59 of 59, 62.5 % fit", log2(tail(n, fitting, 59, 59)), -40},
			{"87 of 92 alone, 62.5 % fit", log2(tail(n, fitting, 92, 87)), -40},
			{"strict, 62.5 % fit", exact(Strict, n, fitting), -39},
			{"strict, K-1 rows", exact(Strict, n, k-1), -100},
		} {
			if c.got > c.most {
				t.Errorf("K = %d: %s: 2^%.2f, claimed is 2^%.0f", k, c.name, c.got, c.most)
			}
		}
		if d := exact(Default, n, fitting); d < -6 {
			t.Errorf("K = %d: the default passes 62.5 %% of fitting rows with 2^%.1f: better than the page says", k, d)
		}
	}
}

// One row more for the withholder never lowers his chance, and with everything served the block passes for sure.
func TestChanceGrowsWithRows(t *testing.T) {
	const n = 512
	for _, r := range []Rules{Default, Strict} {
		last := math.Inf(-1)
		for good := 0; good <= n; good += 16 {
			now := exact(r, n, good)
			if now < last-1e-9 {
				t.Fatalf("%v: %d rows pass with 2^%f, fewer with 2^%f", r, good, now, last)
			}
			last = now
		}
		if last != 0 {
			t.Fatalf("%v: a whole block passes with 2^%f", r, last)
		}
	}
}

// The table of docs/availability.md: an honest block of which each row is lost with the cube of the share of dead peers.
func TestHonestBlockPasses(t *testing.T) {
	for _, c := range []struct {
		dead                   float64
		first, both, strictest float64
	}{{0.2, 1, 1, 1}, {0.33, 0.999, 1, 0.886}, {0.5, 0.775, 0.983, 0.021}} {
		alive := 1 - math.Pow(c.dead, 3)
		first, both := chanceOf(Default, alive)
		_, strict := chanceOf(Strict, alive)
		if math.Abs(first-c.first) > 0.0006 || math.Abs(both-c.both) > 0.0006 || math.Abs(strict-c.strictest) > 0.0006 {
			t.Errorf("%.0f %% dead: %.4f, %.4f, strict %.4f", 100*c.dead, first, both, strict)
		}
	}
}

// chanceOf is the chance to pass the first rule, and either, when each row comes with chance q.
func chanceOf(r Rules, q float64) (first, both float64) {
	more := r[1].Samples - r[0].Samples
	for x := range r[0].Samples + 1 {
		p := binomial(r[0].Samples, x, q)
		if x >= r[0].Accept {
			first += p
			continue
		}
		for y := max(0, r[1].Accept-x); y <= more; y++ {
			both += p * binomial(more, y, q)
		}
	}
	return first, first + both
}

func binomial(n, k int, q float64) float64 {
	ways, _ := new(big.Float).SetInt(new(big.Int).Binomial(int64(n), int64(k))).Float64()
	return ways * math.Pow(q, float64(k)) * math.Pow(1-q, float64(n-k))
}

// A withholder that knows each client's rows and gives no more than it must fools as many clients as the page says, and
// then K rows are out.
func TestChosenClientsFooled(t *testing.T) {
	for _, c := range []struct{ k, want int }{{128, 5}, {256, 11}, {512, 22}, {1024, 43}} {
		n, chance := coding.Expansion*c.k, chacha(byte(c.k/7))
		const rounds = 40
		fooled := 0
		for range rounds {
			out := make(map[uint32]bool)
			for {
				rows, err := drawDistinct(chance, n, Default[0].Samples)
				if err != nil {
					t.Fatal(err)
				}
				if giveAway(out, rows, Default[0].Accept); len(out) >= c.k {
					break
				}
				fooled++
			}
		}
		formula := float64(n) / 33 * math.Log(1/(1-float64(c.k)/float64(n)*33/28))
		if mean := float64(fooled) / rounds; math.Abs(mean-formula) > 1 || math.Abs(mean-float64(c.want)) > 1.5 {
			t.Errorf("n = %d: %.1f clients fooled, the formula says %.1f, the page %d", n, mean, formula, c.want)
		}
	}
}

// giveAway reveals as few of the rows as pass, those that are out already first.
func giveAway(out map[uint32]bool, rows []uint32, accept int) {
	missing := accept
	for _, i := range rows {
		if out[i] {
			missing--
		}
	}
	for _, i := range rows {
		if missing > 0 && !out[i] {
			out[i] = true
			missing--
		}
	}
}
