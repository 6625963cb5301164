package sequencer

import (
	"container/list"
	"sync"

	"github.com/etherscale/bedrock/types"
)

// parked holds bodies that came by gossip and that the own pool refused, within a bound: when it is full the oldest leave.
// The core is not told of them, and they never go to the log on their own: else a stranger whose transactions nobody will
// ever order could fill the disk. They are here to be asked about again, and for vertices that receipt them all the same.
// The loop puts and removes; anyone reads.
type parked struct {
	limit int // bytes

	mu     sync.Mutex
	bodies map[types.BatchID]*list.Element
	order  *list.List // of parkedBody, oldest first
	bytes  int
}

type parkedBody struct {
	id   types.BatchID
	body []byte
}

// parkedOverhead is what a small body costs beside its bytes, about.
const parkedOverhead = 256

func newParked(limit int) *parked {
	return &parked{limit: limit, bodies: make(map[types.BatchID]*list.Element), order: list.New()}
}

func (p *parked) put(id types.BatchID, body []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bodies[id] != nil || len(body)+parkedOverhead > p.limit {
		return
	}
	p.bodies[id] = p.order.PushBack(parkedBody{id, body})
	for p.bytes += len(body) + parkedOverhead; p.bytes > p.limit; {
		p.drop(p.order.Front())
	}
}

func (p *parked) get(id types.BatchID) ([]byte, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.bodies[id]
	if e == nil {
		return nil, false
	}
	return e.Value.(parkedBody).body, true
}

func (p *parked) remove(id types.BatchID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.bodies[id]; e != nil {
		p.drop(e)
	}
}

func (p *parked) drop(e *list.Element) {
	gone := p.order.Remove(e).(parkedBody)
	delete(p.bodies, gone.id)
	p.bytes -= len(gone.body) + parkedOverhead
}

// body finds a body wherever the driver keeps it.
func (s *Sequencer) body(id types.BatchID) ([]byte, bool) {
	if body, err := s.bodies.get(id); err == nil {
		return body, true
	}
	return s.parked.get(id)
}
