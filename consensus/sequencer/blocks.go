package sequencer

import (
	"context"
	"fmt"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/coding/parallel"
	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

const (
	blockQueue = 1024 // orders waiting for the block worker at which the loop takes no new input
	// republish is how many of the newest blocks certified before a restart have their rows published again.
	republish    = 8
	publishQueue = 64 // certified blocks whose rows wait; beyond it a block's rows are left to the others
	// keptBlocks is how many encoded blocks wait for their certificate in memory; older ones are encoded again.
	keptBlocks = 4
	// encodeWorkers encode a block together: everybody waits for its signature, which waits for its commitment. No more than
	// two, for the order, the pool and execution need the other cores.
	encodeWorkers = 2
)

// blockWorker encodes, stores and certifies blocks in the order the core asks for, off the loop.
type blockWorker struct {
	s       *Sequencer
	orders  *mailbox[func() error]
	publish chan certified

	// Owned by the worker's goroutine.
	encoded map[types.Height]*builtBlock // encoded or closed, not certified yet
	kept    []types.Height               // those that have their encoding in memory, oldest first
	recent  []certified                  // newest certified during the replay
}

// builtBlock is a block on its way from Encode to its certificate.
type builtBlock struct {
	refs  []consensus.TxRef
	data  []byte
	block *coding.Block // nil: encode again when needed
}

// certified is a block whose rows are to be published.
type certified struct {
	header types.Header
	built  *builtBlock
}

func newBlockWorker(s *Sequencer) *blockWorker {
	return &blockWorker{
		s: s, orders: newMailbox[func() error](), publish: make(chan certified, publishQueue),
		encoded: make(map[types.Height]*builtBlock),
	}
}

// run carries out orders until ctx ends. An error ends the sequencer: a block that cannot be built or stored must not
// be signed, and the next ones build on it.
func (w *blockWorker) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-w.orders.signal:
		}
		for _, order := range w.orders.take() {
			if err := order(); err != nil {
				return err
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}
}

// behind reports whether so many orders wait that no new input should be taken.
func (w *blockWorker) behind() bool { return w.orders.length() > blockQueue }

// do queues an order.
func (w *blockWorker) do(order func() error) { w.orders.put(order) }

func (w *blockWorker) encode(e consensus.Encode) {
	w.do(func() error {
		built, err := w.s.build(e.Transactions)
		if err != nil {
			return fmt.Errorf("sequencer: encode block %d: %w", e.Height, err)
		}
		w.encoded[e.Height] = built
		w.keep(e.Height)
		answer := consensus.Encoded{Height: e.Height, DataLength: uint64(len(built.data)), Commitment: built.block.Commitment()}
		w.s.results.put(func() error { return w.s.step(answer) })
		return nil
	})
}

// keep bounds the encodings in memory.
func (w *blockWorker) keep(h types.Height) {
	w.kept = append(w.kept, h)
	if len(w.kept) <= keptBlocks {
		return
	}
	if old := w.encoded[w.kept[0]]; old != nil {
		old.data, old.block = nil, nil
	}
	w.kept = w.kept[1:]
}

func (w *blockWorker) store(b consensus.Closed, digest types.Hash) {
	w.do(func() error {
		built := w.encoded[b.Header.Height]
		if built == nil || built.block == nil || built.block.Commitment() != b.Header.Commitment {
			var err error
			if built, err = w.s.build(b.Transactions); err != nil {
				return fmt.Errorf("sequencer: block %d: %w", b.Header.Height, err)
			}
		}
		if built.block.Commitment() != b.Header.Commitment {
			return fmt.Errorf("%w: block %d does not encode to its header's commitment", ErrHalted, b.Header.Height)
		}
		built.refs = b.Transactions
		w.encoded[b.Header.Height] = built
		if err := w.s.cfg.Blocks.Closed(b.Header, built.data, built.block, b.Transactions); err != nil {
			return fmt.Errorf("sequencer: store block %d: %w", b.Header.Height, err)
		}
		w.s.results.put(func() error { return w.s.stored(digest) })
		return nil
	})
}

// remember notes what a block stored in an earlier life is made of.
func (w *blockWorker) remember(b consensus.Closed) {
	w.do(func() error {
		w.encoded[b.Header.Height] = &builtBlock{refs: b.Transactions}
		return nil
	})
}

func (w *blockWorker) certify(ch types.CertifiedHeader, live bool) {
	w.do(func() error {
		if err := w.s.cfg.Blocks.Certified(ch); err != nil {
			return fmt.Errorf("sequencer: certificate of block %d: %w", ch.Header.Height, err)
		}
		done := certified{header: ch.Header, built: w.encoded[ch.Header.Height]}
		delete(w.encoded, ch.Header.Height)
		if done.built == nil || ch.Header.DataLength == 0 {
			return nil
		}
		if live {
			w.queueRows(done)
			return nil
		}
		if w.recent = append(w.recent, done); len(w.recent) > republish {
			w.recent = w.recent[1:]
		}
		return nil
	})
}

// replayed ends the replay: rows of the newest blocks are published again.
func (w *blockWorker) replayed() {
	w.do(func() error {
		for _, c := range w.recent {
			w.queueRows(c)
		}
		w.recent = nil
		return nil
	})
}

func (w *blockWorker) queueRows(c certified) {
	if len(w.publish) >= keptBlocks { // keep what waits small: only the transactions' places
		c.built = &builtBlock{refs: c.built.refs}
	}
	select {
	case w.publish <- c:
	default:
		w.s.stats.rowsDropped.Add(1)
	}
}

// publishRows pushes rows, one block at a time.
func (w *blockWorker) publishRows(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case c := <-w.publish:
			if err := w.publishOne(ctx, c); err != nil && ctx.Err() == nil {
				w.s.stats.rowsFailed.Add(1)
				w.s.log.Warn("rows of a block were not all published", "height", c.header.Height, "err", err)
			}
		}
	}
}

func (w *blockWorker) publishOne(ctx context.Context, c certified) error {
	block := c.built.block
	if block == nil {
		built, err := w.s.build(c.built.refs)
		if err != nil {
			return err
		}
		block = built.block
	}
	return w.s.cfg.Rows.Publish(ctx, c.header, block)
}

// build lays out and encodes the transactions; their bodies are in the log, since every released batch was receipted.
func (s *Sequencer) build(refs []consensus.TxRef) (*builtBlock, error) {
	envelopes := make([][]byte, 0, len(refs))
	batches := make(map[types.BatchID]*types.Batch)
	for _, ref := range refs {
		batch := batches[ref.Batch]
		if batch == nil {
			body, err := s.bodies.get(ref.Batch)
			if err != nil {
				return nil, err
			}
			if batch, err = types.DecodeBatch(body); err != nil {
				return nil, fmt.Errorf("batch %s: %w", ref.Batch, err)
			}
			batches[ref.Batch] = batch
		}
		if int(ref.Index) >= len(batch.Envelopes) {
			return nil, fmt.Errorf("batch %s has no transaction %d", ref.Batch, ref.Index)
		}
		envelopes = append(envelopes, batch.Envelopes[ref.Index])
	}
	data := types.EncodeBlockData(envelopes)
	block, err := parallel.Workers(encodeWorkers).Encode(data)
	if err != nil {
		return nil, err
	}
	return &builtBlock{refs: refs, data: data, block: block}, nil
}
