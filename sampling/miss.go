package sampling

import (
	"math"
	"math/big"

	"github.com/etherscale/bedrock/coding"
)

// Certain is the MissLog2 of a block whose data was decoded (or that has none): what is left is the chance of a broken
// hash or of a wrong row passing its combination.
const Certain = -128

// MissLog2 is log2 of the exact chance that a block of shape p passes rule stage (0 or 1) of r, or one before it, although
// only K-1 of its rows can be had, which do not suffice to rebuild it. Rows are drawn without replacement.
func (r Rules) MissLog2(p coding.Params, stage int) float64 {
	if p.K <= DecodeK {
		return Certain
	}
	miss := tail(p.N, p.K-1, r[0].Samples, r[0].Accept)
	if stage > 0 {
		miss.Add(miss, r.second(p.N, p.K-1))
	}
	return log2(miss)
}

// second is the chance to fail the first rule and pass the second one, of whose rows the first ones are a part.
func (r Rules) second(n, good int) *big.Rat {
	sum := new(big.Rat)
	more := r[1].Samples - r[0].Samples
	for x := range r[0].Accept {
		first := exactly(n, good, r[0].Samples, x)
		then := tail(n-r[0].Samples, good-x, more, r[1].Accept-x)
		sum.Add(sum, first.Mul(first, then))
	}
	return sum
}

// tail is the chance that at least want of draws rows are good, out of n rows of which good ones are.
func tail(n, good, draws, want int) *big.Rat {
	sum := new(big.Rat)
	for x := max(0, want); x <= min(draws, good); x++ {
		sum.Add(sum, exactly(n, good, draws, x))
	}
	return sum
}

// exactly is the hypergeometric chance that exactly x of draws rows are good.
func exactly(n, good, draws, x int) *big.Rat {
	if x > good || draws-x > n-good {
		return new(big.Rat)
	}
	ways := new(big.Int).Binomial(int64(good), int64(x))
	ways.Mul(ways, new(big.Int).Binomial(int64(n-good), int64(draws-x)))
	return new(big.Rat).SetFrac(ways, new(big.Int).Binomial(int64(n), int64(draws)))
}

// log2 of a rational; Certain at least, so that it stays a number.
func log2(x *big.Rat) float64 {
	if x.Sign() <= 0 {
		return Certain
	}
	f := new(big.Float).SetRat(x)
	exp := f.MantExp(f)
	mant, _ := f.Float64()
	return max(Certain, float64(exp)+math.Log2(mant))
}
