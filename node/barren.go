package node

import (
	"time"

	"github.com/etherscale/bedrock/types"
)

// mostBarren is the longest pause between two questions for assertions that nobody had. Provers assert nothing while the ledger is
// idle, and each question is to several peers.
const mostBarren = 2 * time.Minute

// barren remembers that nobody had an assertion of a block, so that it is asked for again with growing pauses. A block with data is
// a reason to ask at once: somebody will assert it. It has one owner.
type barren struct {
	next   types.Height // the first block without an assertion
	looked types.Height // up to where blocks were looked at for data
	pause  time.Duration
	until  time.Time // not asked before
}

// waits reports whether nothing speaks for asking now. last is the newest block whose assertion could be there, holds tells whether
// a block has data.
func (b *barren) waits(next, last types.Height, now time.Time, holds func(types.Height) bool) bool {
	if next != b.next {
		*b = barren{next: next, looked: last}
		return false
	}
	for b.looked < last {
		b.looked++
		if holds(b.looked) {
			*b = barren{next: next, looked: last}
			return false
		}
	}
	return now.Before(b.until)
}

// again notes that the question was in vain.
func (b *barren) again(now time.Time) {
	b.pause = min(max(2*b.pause, inquireEvery), mostBarren)
	b.until = now.Add(b.pause)
}
