package wan

import "github.com/etherscale/bedrock/types"

// happening is something that is to happen at a node.
type happening struct {
	at    types.Time
	order uint64 // of scheduling; breaks ties
	what  kind
	to    types.Member
	from  types.Member
	load  any // *message, *request, *batch or nil
}

// kind is what happens.
type kind uint8

const (
	wakes     kind = iota // the time a core asked for has come
	submitted             // a client hands over a batch
	gossiped              // a batch arrives by gossip
	pushed                // a message arrives
	asked                 // a request arrives
	answered              // an answer arrives
)

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
