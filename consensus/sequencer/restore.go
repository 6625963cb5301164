package sequencer

import (
	"bytes"
	"context"
	"fmt"
	"sort"
	"time"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

const (
	restoreChunk    = 256     // vertices handed over at once
	maxUnsettled    = 1 << 16 // bodies remembered for asking the pool again; further ones are not
	readmissionRoom = 1 << 17 // bodies that wait to be asked about; further ones are dropped
	unsettledFor    = 30 * time.Second
	readmitEvery    = 300 * time.Millisecond
	readmitPortion  = 1024 // bodies asked about after a block
)

// restore replays the log into the core and starts it. No own vertex is made up to the bound.
func (s *Sequencer) restore(bound types.Round) error {
	var chunk []*types.Vertex
	flush := func() error {
		if len(chunk) == 0 {
			return nil
		}
		vertices := chunk
		chunk = nil
		if err := s.step(consensus.Restored{Vertices: vertices}); err != nil {
			return err
		}
		return s.awaitBlocks()
	}
	from, below, err := s.resume()
	if err != nil {
		return err
	}
	position := from
	s.lost = below == 0 && from > 0 // the log's beginning is gone, and no cut stands for it
	err = s.cfg.Log.Replay(from, s.restoreBody, func(_ types.Hash, encoded []byte) error {
		v, err := types.DecodeVertex(bytes.Clone(encoded))
		if err != nil {
			return err
		}
		if int(v.Author()) == s.self {
			s.own.raise(v)
		}
		s.starts.note(v.Round(), position)
		position++
		if s.lost || v.Round() <= below {
			return nil
		}
		if chunk = append(chunk, v); len(chunk) < restoreChunk {
			return nil
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	if err != nil {
		return fmt.Errorf("sequencer: replay of the vertex log: %w", err)
	}
	s.live, s.before = true, max(s.own.round, bound)
	s.blocks.replayed()
	s.log.Info("vertex log replayed", "vertices", position-from, "after_round", below, "own_round", s.own.round)
	if err := s.checkCopy(); err != nil {
		return err
	}
	if err := s.checkTwin(); err != nil {
		return err
	}
	// The own newest vertex may lie below what was replayed.
	if err := s.step(consensus.Start{Above: max(bound, s.own.round)}); err != nil {
		return err
	}
	s.readmit()
	return nil
}

func (s *Sequencer) restoreBody(id types.BatchID, body []byte) error {
	held, err := s.heldBefore(id, body)
	if err != nil {
		return err
	}
	s.noteAdmission(held)
	return s.step(held)
}

// recall tells the core again of bodies that it had for an earlier vertex of the log. One that is no longer there is
// fetched when the replay has ended.
func (s *Sequencer) recall(wanted []types.BatchID) (answers []consensus.Event) {
	for _, id := range wanted {
		body, err := s.bodies.get(id)
		if err != nil {
			continue
		}
		if txs, err := s.infos(body); err == nil {
			answers = append(answers, consensus.BatchHeld{ID: id, Txs: txs, Size: uint64(len(body)), Time: now(), From: -1})
		}
	}
	return answers
}

// heldBefore tells of a body from the log.
func (s *Sequencer) heldBefore(id types.BatchID, body []byte) (consensus.BatchHeld, error) {
	txs, err := s.infos(body)
	if err != nil {
		return consensus.BatchHeld{}, fmt.Errorf("batch %s: %w", id, err)
	}
	return consensus.BatchHeld{ID: id, Txs: txs, Size: uint64(len(body)), Time: now(), From: -1}, nil
}

// infos describes the transactions of a body that was checked before it was stored.
func (s *Sequencer) infos(body []byte) ([]consensus.TxInfo, error) {
	if trusted, ok := s.cfg.Batches.(TrustedBatches); ok {
		return trusted.Infos(body)
	}
	return s.cfg.Batches.Check(body)
}

// awaitBlocks waits until the block worker has done what the replay ordered so far, so that the replay of a long log
// does not pile up orders.
func (s *Sequencer) awaitBlocks() error {
	done := make(chan struct{})
	s.blocks.do(func() error { close(done); return nil })
	for {
		select {
		case <-s.ctx.Done():
			return s.ctx.Err()
		case <-s.results.signal:
			if err := s.takeResults(); err != nil {
				return err
			}
		case <-done:
			return s.takeResults()
		}
	}
}

// unsettled is a body that the own pool has not admitted.
type unsettled struct {
	order uint64    // of being noted or asked about last
	until time.Time // when it is given up
}

// noteAdmission remembers bodies that the own pool did not admit, for asking again: the state may have been behind, or a
// predecessor may have come later.
func (s *Sequencer) noteAdmission(held consensus.BatchHeld) {
	if held.Admitted {
		delete(s.unsettled, held.ID)
		return
	}
	if _, ok := s.unsettled[held.ID]; !ok && len(s.unsettled) < maxUnsettled {
		s.noted++
		s.unsettled[held.ID] = unsettled{s.noted, time.Now().Add(unsettledFor)}
	}
}

// readmit asks the own pool about all bodies that are neither admitted nor released, oldest first: after a restart or a
// time away they may be in nobody's receipts.
func (s *Sequencer) readmit() { s.askAgain(time.Now(), maxUnsettled) }

// readmitSome is readmit in small portions, each time another one, for when a block has been executed: what was refused
// on an older state, or before its predecessor was here, is not refused for ever.
func (s *Sequencer) readmitSome(now time.Time) {
	if len(s.unsettled) == 0 || now.Sub(s.lastReadmit) < readmitEvery || s.pool.asked.length() > 0 {
		return
	}
	s.lastReadmit = now
	s.askAgain(now, readmitPortion)
}

func (s *Sequencer) askAgain(now time.Time, most int) {
	ids := make([]types.BatchID, 0, len(s.unsettled))
	for id, u := range s.unsettled {
		if now.After(u.until) {
			delete(s.unsettled, id)
		}
		ids = append(ids, id) // what is given up is asked about once more
	}
	sort.Slice(ids, func(i, j int) bool { return s.unsettled[ids[i]].order < s.unsettled[ids[j]].order })
	ids = ids[:min(len(ids), most)]
	for _, id := range ids {
		if u, ok := s.unsettled[id]; ok {
			s.noted++
			s.unsettled[id] = unsettled{s.noted, u.until}
		}
	}
	s.pool.ask(ids)
}

// readmission tells the core again of bodies it was told of before, off the loop: of those that the own pool admits now,
// and of those that the core has forgotten and wants again.
type readmission struct {
	s     *Sequencer
	asked *mailbox[heldBody]
}

type heldBody struct {
	id     types.BatchID
	always bool // tell the core even if the pool does not admit it
}

func newReadmission(s *Sequencer) *readmission {
	return &readmission{s: s, asked: newMailbox[heldBody]()}
}

// ask has the pool asked about the bodies. Beyond readmissionRoom the newest are dropped.
func (r *readmission) ask(ids []types.BatchID) {
	if r.s.self < 0 {
		return
	}
	for _, id := range ids {
		r.put(heldBody{id: id})
	}
}

// tell has the core told of a body in any case.
func (r *readmission) tell(id types.BatchID) { r.put(heldBody{id: id, always: true}) }

func (r *readmission) put(b heldBody) {
	if r.asked.length() < readmissionRoom {
		r.asked.put(b)
	}
}

func (r *readmission) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-r.asked.signal:
		}
		for _, b := range r.asked.take() {
			if err := r.report(ctx, b); err != nil {
				return err
			}
		}
	}
}

// report tells the core of the body if the pool admits it or the core must know; its error is only ever ctx's.
func (r *readmission) report(ctx context.Context, b heldBody) error {
	body, ok := r.s.body(b.id)
	if !ok {
		return ctx.Err()
	}
	held := consensus.BatchHeld{ID: b.id, Size: uint64(len(body)), From: -1}
	var failed error
	err := r.s.onCPU(ctx, func() {
		held.Admitted = r.s.self >= 0 && r.s.cfg.Batches.Admits(b.id, body)
		if held.Admitted || b.always {
			held.Txs, failed = r.s.infos(body)
		}
	})
	if err != nil || failed != nil || !held.Admitted && !b.always {
		return ctx.Err()
	}
	if held.Admitted {
		r.s.stats.readmitted.Add(1)
	}
	held.Time = now()
	return r.s.submit(ctx, input{event: held, body: body, again: true})
}
