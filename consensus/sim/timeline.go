package sim

import "github.com/etherscale/bedrock/types"

// happening is something that is to happen.
type happening struct {
	at    types.Time
	order uint64 // of scheduling; breaks ties
	do    func()
}

func (a *happening) before(b *happening) bool {
	return a.at < b.at || a.at == b.at && a.order < b.order
}

// timeline is a heap of happenings, earliest first.
type timeline []happening

func (q *timeline) push(h happening) {
	*q = append(*q, h)
	s := *q
	for i := len(s) - 1; i > 0; {
		parent := (i - 1) / 2
		if !s[i].before(&s[parent]) {
			return
		}
		s[i], s[parent] = s[parent], s[i]
		i = parent
	}
}

func (q *timeline) pop() happening {
	s := *q
	first, last := s[0], len(s)-1
	s[0], s[last] = s[last], happening{}
	s = s[:last]
	*q = s
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if s[child].before(&s[least]) {
				least = child
			}
		}
		if least == i {
			return first
		}
		s[i], s[least] = s[least], s[i]
		i = least
	}
}
