// Package timeline keeps what is still to happen in a simulation, in order of virtual time.
package timeline

import "github.com/etherscale/bedrock/types"

// Queue is a heap of what is to happen, earliest first; of what is scheduled for one time, in order of scheduling. The
// zero value is empty.
type Queue[T any] struct {
	heap  []entry[T]
	order uint64
}

type entry[T any] struct {
	at    types.Time
	order uint64 // of scheduling; breaks ties
	what  T
}

func (a *entry[T]) before(b *entry[T]) bool {
	return a.at < b.at || a.at == b.at && a.order < b.order
}

// Push schedules something.
func (q *Queue[T]) Push(at types.Time, what T) {
	q.order++
	q.heap = append(q.heap, entry[T]{at, q.order, what})
	s := q.heap
	for i := len(s) - 1; i > 0; {
		parent := (i - 1) / 2
		if !s[i].before(&s[parent]) {
			return
		}
		s[i], s[parent] = s[parent], s[i]
		i = parent
	}
}

// Due reports whether something is scheduled for end or before.
func (q *Queue[T]) Due(end types.Time) bool { return len(q.heap) > 0 && q.heap[0].at <= end }

// Pop takes what comes next, with its time. The queue must not be empty.
func (q *Queue[T]) Pop() (types.Time, T) {
	s := q.heap
	first, last := s[0], len(s)-1
	s[0], s[last] = s[last], entry[T]{}
	s = s[:last]
	q.heap = s
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if s[child].before(&s[least]) {
				least = child
			}
		}
		if least == i {
			return first.at, first.what
		}
		s[i], s[least] = s[least], s[i]
		i = least
	}
}
