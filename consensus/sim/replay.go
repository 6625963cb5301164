package sim

import (
	"time"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

// checkReplay: the log gives the same sequence, order and blocks again, whatever its pieces.
func (e *era) checkReplay(n *node) {
	w := e.w
	f, err := e.follow(n.disk.order, 7)
	if err != nil {
		w.fail(n, "S8", "the log cannot be replayed: %v", err)
		return
	}
	if len(f.appended) < n.view.appended || len(f.closed) < n.view.closed {
		w.fail(n, "S8", "the replay gives %d vertices and %d blocks, not %d and %d", len(f.appended), len(f.closed), n.view.appended, n.view.closed)
	}
	for i := range min(len(f.appended), len(e.truth.appended)) {
		if f.appended[i] != e.truth.appended[i] {
			w.fail(n, "S8", "the replay has another vertex at %d", i)
			return
		}
	}
	for i := range min(len(f.released), len(e.truth.released)) {
		if !equalReleased(&f.released[i], &e.truth.released[i]) {
			w.fail(n, "S8", "the replay has another release at %d", i)
			return
		}
	}
	for i := range min(len(f.closed), len(e.truth.closed)) {
		if f.closed[i].Header.Digest() != e.truth.closed[i].Header.Digest() {
			w.fail(n, "S8", "the replay has another header %d", i+1)
			return
		}
	}
}

// followed is what a core that only follows says about a log.
type followed struct {
	appended []consensus.Appended
	released []consensus.Released
	closed   []consensus.Closed
	after    []int // length of the sequence after each piece
}

func (e *era) follow(log []*types.Vertex, piece int) (*followed, error) {
	core, err := consensus.New(e.config(-1))
	if err != nil {
		return nil, err
	}
	out := &followed{}
	var step func(consensus.Event)
	step = func(ev consensus.Event) {
		fx := core.Step(e.w.now.Add(time.Hour), ev)
		out.appended = append(out.appended, fx.Appended...)
		out.released = append(out.released, fx.Released...)
		out.closed = append(out.closed, fx.Closed...)
		for _, id := range fx.Recall {
			b := e.w.byID[id]
			step(consensus.BatchHeld{ID: b.id, Txs: b.txs, Size: b.size, From: -1})
		}
		for _, x := range fx.Encode {
			step(encodingOf(x))
		}
		if fx.AskNextEpoch > 0 {
			step(e.answer())
		}
	}
	for i := 0; i < len(log); i += piece {
		part := log[i:min(i+piece, len(log))]
		for _, v := range part {
			for _, r := range v.Body().Receipts {
				b := e.w.byID[r.Batch]
				step(consensus.BatchHeld{ID: b.id, Txs: b.txs, Size: b.size, From: -1})
			}
		}
		step(consensus.Restored{Vertices: part})
		out.after = append(out.after, len(out.appended))
	}
	return out, core.Err()
}
