package consensus

import "github.com/etherscale/bedrock/types"

// maxTime is later than every real time; it stands for "absent" and for the watermark of an excluded author.
const maxTime = ^types.Time(0)

// weighted is one author's value.
type weighted struct {
	value uint64
	stake types.Stake
}

// quantile is Q: the smallest value such that values up to it carry more than f stake; the largest uint64 when all of
// them together do not. It reorders its argument.
func quantile(values []weighted, f types.Stake) uint64 {
	sortWeighted(values)
	var sum types.Stake
	for _, v := range values {
		if sum += v.stake; sum > f {
			return v.value
		}
	}
	return ^uint64(0)
}

// upperQuantile is the largest value such that values from it up carry more than f stake; 0 when all do not. At least
// one of the authors at or above it is honest. It reorders its argument.
func upperQuantile(values []weighted, f types.Stake) uint64 {
	sortWeighted(values)
	var sum types.Stake
	for i := len(values) - 1; i >= 0; i-- {
		if sum += values[i].stake; sum > f {
			return values[i].value
		}
	}
	return 0
}

// sortWeighted is an insertion sort: committees are small and the values come almost in order.
func sortWeighted(values []weighted) {
	for i := 1; i < len(values); i++ {
		for j := i; j > 0 && values[j].value < values[j-1].value; j-- {
			values[j], values[j-1] = values[j-1], values[j]
		}
	}
}
