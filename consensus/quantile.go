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
	var below types.Stake // of values known to be smaller than the answer
	for len(values) > 0 {
		low, high, pivot := partition(values)
		under, equal := stakeOf(values[:low]), stakeOf(values[low:high])
		switch {
		case below+under > f:
			values = values[:low]
		case below+under+equal > f:
			return pivot
		default:
			below += under + equal
			values = values[high:]
		}
	}
	return ^uint64(0)
}

// upperQuantile is the largest value such that values from it up carry more than f stake; 0 when all do not. At least
// one of the authors at or above it is honest. It reorders its argument.
func upperQuantile(values []weighted, f types.Stake) uint64 {
	var above types.Stake // of values known to be larger than the answer
	for len(values) > 0 {
		low, high, pivot := partition(values)
		over, equal := stakeOf(values[high:]), stakeOf(values[low:high])
		switch {
		case above+over > f:
			values = values[high:]
		case above+over+equal > f:
			return pivot
		default:
			above += over + equal
			values = values[:low]
		}
	}
	return 0
}

func stakeOf(values []weighted) (sum types.Stake) {
	for _, v := range values {
		sum += v.stake
	}
	return sum
}

// partition orders the values into those below, at and above a pivot, the middle one of three: values[low:high] are
// equal to it.
func partition(values []weighted) (low, high int, pivot uint64) {
	a, b, c := values[0].value, values[len(values)/2].value, values[len(values)-1].value
	pivot = max(min(a, b), min(max(a, b), c))
	high = len(values)
	for i := 0; i < high; {
		switch v := values[i].value; {
		case v < pivot:
			values[low], values[i] = values[i], values[low]
			low++
			i++
		case v > pivot:
			high--
			values[high], values[i] = values[i], values[high]
		default:
			i++
		}
	}
	return low, high, pivot
}
