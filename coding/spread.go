package coding

// Spread lets a caller run the parts of a computation side by side, for the package starts no goroutine itself: it calls
// do(0) .. do(parts-1), each exactly once, in any order or at the same time, and returns when all have returned. The result
// is the same to the byte whatever it does. The nil Spread runs the parts in order.
type Spread func(parts int, do func(part int))

func (s Spread) run(parts int, do func(part int)) {
	if s != nil {
		s(parts, do)
		return
	}
	for part := range parts {
		do(part)
	}
}

// spreadParts is into how many parts rows are cut: enough that two, four or eight workers end at about the same time.
const spreadParts = 16

// rows calls do for ranges that together are 0..n-1, n a power of two.
func (s Spread) rows(n int, do func(from, to int)) {
	if s == nil {
		do(0, n)
		return
	}
	parts := min(n, spreadParts)
	s(parts, func(part int) { do(part*n/parts, (part+1)*n/parts) })
}

// Widths of stripes of columns, in bytes. A transform of K rows in whole would not stay in the cache; narrower stripes than
// these lose more to the calls of the kernel than they win.
const (
	wideStripe   = 4 << 10
	narrowStripe = 1 << 9
)

// stripes calls do for ranges of columns that together are 0..rowSize-1, multiples of RowUnit all.
func (s Spread) stripes(rowSize int, do func(from, to int)) {
	width := wideStripe
	if s != nil { // at least two
		half := (rowSize/2 + RowUnit - 1) / RowUnit * RowUnit
		width = min(width, max(half, narrowStripe))
	}
	s.run((rowSize+width-1)/width, func(part int) {
		do(part*width, min((part+1)*width, rowSize))
	})
}
