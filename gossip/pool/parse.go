package pool

import (
	"container/list"
	"fmt"
	"sync"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

// parsed is a structurally valid batch.
type parsed struct {
	id  types.BatchID
	txs []*transaction
}

func (p *parsed) infos() []consensus.TxInfo {
	infos := make([]consensus.TxInfo, len(p.txs))
	for i, t := range p.txs {
		infos[i] = t.info
	}
	return infos
}

// parser reads batches, recovering senders on a bounded number of goroutines, and remembers the last ones: a batch is
// usually looked at twice, for its structure and for its admission.
type parser struct {
	structure structure
	slots     chan struct{} // capacity Workers: one for each goroutine that recovers

	mu    sync.Mutex
	known map[types.BatchID]*list.Element
	order *list.List // of *remembered, newest first
	bytes int
}

// parseCacheBytes bounds the bodies of the batches remembered.
const parseCacheBytes = 8 << 20

// parseAlone is up to how many transactions one goroutine handles: below it, splitting costs more than it saves.
const parseAlone = 8

func newParser(chainID uint64, workers int) *parser {
	return &parser{structure: newStructure(chainID), slots: make(chan struct{}, workers),
		known: make(map[types.BatchID]*list.Element), order: list.New()}
}

// batch decodes a body. The result shares its memory with body.
func (p *parser) batch(id types.BatchID, body []byte, admit func(transactions int) error) (*parsed, error) {
	if b := p.recall(id); b != nil {
		return b, nil
	}
	decoded, err := types.DecodeBatch(body)
	if err != nil {
		return nil, err
	}
	if err := admit(len(decoded.Envelopes)); err != nil {
		return nil, err
	}
	b := &parsed{id: id, txs: make([]*transaction, len(decoded.Envelopes))}
	if err := p.readAll(b, decoded.Envelopes); err != nil {
		return nil, fmt.Errorf("batch %s: %w: %w", id, types.ErrMalformed, err)
	}
	p.remember(b, len(body))
	return b, nil
}

// readAll reads the envelopes in parallel; of several errors it reports the first by place.
func (p *parser) readAll(b *parsed, envelopes [][]byte) error {
	parts := min(cap(p.slots), (len(envelopes)+parseAlone-1)/parseAlone)
	errs := make([]error, parts)
	var wg sync.WaitGroup
	for part := range parts {
		from, to := part*len(envelopes)/parts, (part+1)*len(envelopes)/parts
		wg.Go(func() {
			p.slots <- struct{}{}
			defer func() { <-p.slots }()
			errs[part] = p.readRange(b, envelopes, from, to)
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) readRange(b *parsed, envelopes [][]byte, from, to int) error {
	for i := from; i < to; i++ {
		t, err := p.structure.read(envelopes[i])
		if err != nil {
			return fmt.Errorf("transaction %d: %w", i, err)
		}
		b.txs[i] = t
	}
	return nil
}

func (p *parser) recall(id types.BatchID) *parsed {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.known[id]; e != nil {
		p.order.MoveToFront(e)
		return e.Value.(*remembered).batch
	}
	return nil
}

type remembered struct {
	batch *parsed
	size  int
}

func (p *parser) remember(b *parsed, size int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known[b.id] != nil {
		return
	}
	p.known[b.id] = p.order.PushFront(&remembered{b, size})
	for p.bytes += size; p.bytes > parseCacheBytes; {
		last := p.order.Remove(p.order.Back()).(*remembered)
		delete(p.known, last.batch.id)
		p.bytes -= last.size
	}
}
