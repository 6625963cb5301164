package sequencer

import (
	"fmt"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

const (
	// pushBudget is where a push stops taking ancestors and bodies: what is left of a message is for the lists' prefixes.
	pushBudget = types.MaxMessageBytes - 16
	// itemPrefix is what the encoding adds to an item, at most.
	itemPrefix = 4
)

// perform does what a step asks for and returns the events that answer it at once.
func (s *Sequencer) perform(e consensus.Effects) ([]consensus.Event, error) {
	if err := s.persist(e.Persist); err != nil {
		return nil, err
	}
	if len(e.Send) > 0 || s.unsent.Load() != nil {
		if err := s.sync(); err != nil {
			return nil, err
		}
	}
	s.send(e.Send)
	if err := s.closed(e.Closed); err != nil {
		return nil, err
	}
	answers := s.sign(e.Sign)
	answers = append(answers, s.recall(e.Recall)...)
	answers = append(answers, s.encode(e.Encode)...)
	s.certified(e.Certified)
	s.fetch(e.Fetch)
	s.askNextEpoch(e.AskNextEpoch)
	s.explain(e)
	if err := s.noteSequenced(e.Appended); err != nil {
		return nil, err
	}
	s.pool.ask(e.Forgotten)
	s.keepCut(e.Cut)
	return answers, nil
}

// send pushes vertices and bodies. What does not fit a message is left to be fetched.
func (s *Sequencer) send(sends []consensus.Send) {
	encoded := make(map[types.Hash][]byte)
	for _, m := range sends {
		push := s.buildPush(m, encoded)
		if s.cfg.Streams.Push(m.To, push) {
			s.stats.pushesSent.Add(1)
		} else {
			s.stats.pushesLost.Add(1)
		}
	}
}

func (s *Sequencer) buildPush(m consensus.Send, encoded map[types.Hash][]byte) *types.Push {
	push, used := &types.Push{Epoch: s.cfg.Core.Epoch}, 0
	first := len(m.Vertices) // the own vertex comes last and goes first into the budget
	for first > 0 {
		v := m.Vertices[first-1]
		if encoded[v.Digest()] == nil {
			encoded[v.Digest()] = v.Encode()
		}
		if used += len(encoded[v.Digest()]) + itemPrefix; used > pushBudget {
			break
		}
		first--
	}
	for _, v := range m.Vertices[first:] {
		push.Vertices = append(push.Vertices, encoded[v.Digest()])
	}
	for _, id := range m.Batches {
		body, err := s.bodies.get(id)
		if err != nil || used+len(body)+itemPrefix > pushBudget {
			continue
		}
		used += len(body) + itemPrefix
		push.Batches = append(push.Batches, body)
	}
	return push
}

// sign answers at once, but for headers whose block is not stored yet (D3): those are signed when it is.
func (s *Sequencer) sign(digests []types.Hash) (answers []consensus.Event) {
	if s.self < 0 {
		return nil
	}
	for _, digest := range digests {
		if _, waits := s.unstored[digest]; waits {
			s.unstored[digest] = true
			continue
		}
		answers = append(answers, s.signed(digest))
	}
	return answers
}

func (s *Sequencer) signed(digest types.Hash) consensus.Event {
	if !s.headers.has(digest) {
		s.mine[digest] = struct{}{}
	}
	return consensus.Signed{Digest: digest, Signature: types.SignDigest(s.cfg.Key, digest)}
}

// stored ends the wait for a block: now its header may be signed.
func (s *Sequencer) stored(digest types.Hash) error {
	wanted := s.unstored[digest]
	delete(s.unstored, digest)
	if !wanted {
		return nil
	}
	return s.step(s.signed(digest))
}

// encode answers from the store what was encoded in an earlier life, and orders the rest.
func (s *Sequencer) encode(wanted []consensus.Encode) (answers []consensus.Event) {
	for _, e := range wanted {
		if header, ok := s.cfg.Blocks.Header(e.Height); ok {
			s.known[e.Height] = header.Digest()
			answers = append(answers, consensus.Encoded{Height: e.Height, DataLength: header.DataLength, Commitment: header.Commitment})
			continue
		}
		s.blocks.encode(e)
	}
	return answers
}

// closed orders blocks to be stored; one stored in an earlier life must be the same again (D5).
func (s *Sequencer) closed(blocks []consensus.Closed) error {
	for _, b := range blocks {
		digest := b.Header.Digest()
		s.headers.add(b.Header.Height, digest)
		stored, ok := s.known[b.Header.Height]
		delete(s.known, b.Header.Height)
		if !ok {
			s.unstored[digest] = false
			s.blocks.store(b, digest)
			continue
		}
		if stored != digest {
			return fmt.Errorf("%w: block %d is %s in the store and %s by the log; keep the data directory and report it",
				ErrHalted, b.Header.Height, stored, digest)
		}
		s.blocks.remember(b)
	}
	return nil
}

// certified passes certificates on. During the replay only the newest blocks' rows are published again: a crash may
// have come between certificate and rows.
func (s *Sequencer) certified(headers []types.CertifiedHeader) {
	for _, ch := range headers {
		s.blocks.certify(ch, s.live)
		s.stats.certified.Add(1)
	}
}

// explain passes on what others want to know of the order.
func (s *Sequencer) explain(e consensus.Effects) {
	for _, r := range e.Released {
		delete(s.unsettled, r.Batch)
	}
	s.stats.appended.Add(uint64(len(e.Appended)))
	s.stats.released.Add(uint64(len(e.Released)))
	if s.cfg.Ordered != nil && len(e.Released) > 0 {
		s.cfg.Ordered(e.Released)
	}
	if s.cfg.Audit != nil && len(e.Appended)+len(e.Released) > 0 {
		s.blocks.do(func() error {
			if len(e.Appended) > 0 {
				s.cfg.Audit.Appended(e.Appended)
			}
			if len(e.Released) > 0 {
				s.cfg.Audit.Released(e.Released)
			}
			return nil
		})
	}
	if len(e.Equivocations) > 0 {
		s.stats.equivocations.Add(uint64(len(e.Equivocations)))
		for i := range e.Equivocations {
			s.log.Warn("a sequencer signed two vertices of one round", "member", e.Equivocations[i].Accused(),
				"round", e.Equivocations[i].First.ID.Round)
		}
		if s.cfg.Equivocations != nil {
			s.cfg.Equivocations(e.Equivocations)
		}
	}
	for _, r := range e.Rejected {
		s.stats.rejected.Add(1)
		s.log.Debug("vertex rejected", "from", r.From, "author", r.Vertex.Author, "round", r.Vertex.Round, "reason", r.Reason)
	}
}

// headerRing knows the digests of the newest headers, so that signing a header is told from signing a vertex.
type headerRing struct{ digests [256]types.Hash }

func (r *headerRing) add(h types.Height, digest types.Hash) {
	r.digests[uint64(h)%uint64(len(r.digests))] = digest
}

func (r *headerRing) has(digest types.Hash) bool {
	for i := range r.digests {
		if r.digests[i] == digest {
			return true
		}
	}
	return false
}
