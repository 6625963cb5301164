package coding

import "iter"

// Spread lets a caller run the parts of a computation side by side, for the package starts no goroutine itself: it calls
// do(0) .. do(parts-1), each exactly once, in any order or at the same time, and returns when all have returned. The result
// is the same to the byte whatever it does. The nil Spread runs the parts in order.
type Spread func(parts int, do func(part int))

// spreadParts is into how many parts rows are cut: enough that two, four or eight workers end at about the same time.
const spreadParts = 16

// rows calls do for ranges of equal size that together are 0..n-1, n a power of two, and says how many there were.
func (s Spread) rows(n int, do func(from, to int)) (parts int) {
	if s == nil {
		do(0, n)
		return 1
	}
	parts = min(n, spreadParts)
	s(parts, func(part int) { do(part*n/parts, (part+1)*n/parts) })
	return parts
}

// Widths of stripes of columns, in bytes. A transform of K rows in whole would not stay in the cache; narrower stripes than
// these lose more to the calls of the kernel than they win.
const (
	wideStripe   = 4 << 10
	narrowStripe = 1 << 9
)

// columns calls do for ranges of columns that together are 0..rowSize-1, multiples of RowUnit all. It is for do to work
// on stripes of each; see stripes.
func (s Spread) columns(rowSize int, do func(from, to int)) {
	if s == nil {
		do(0, rowSize)
		return
	}
	half := (rowSize/2 + RowUnit - 1) / RowUnit * RowUnit // at least two parts
	width := min(wideStripe, max(half, narrowStripe))
	s((rowSize+width-1)/width, func(part int) { do(part*width, min((part+1)*width, rowSize)) })
}

// stripes are the stripes of a range of columns: from and end of each.
func stripes(from, to int) iter.Seq2[int, int] {
	return func(yield func(int, int) bool) {
		for ; from < to; from += wideStripe {
			if !yield(from, min(from+wideStripe, to)) {
				return
			}
		}
	}
}
