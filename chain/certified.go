package chain

import (
	"errors"
	"fmt"
	"time"

	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// AddCertified checks a certified header and stores it, with those that waited for it. nil: it is stored, was known, or
// waits for the headers before it, which Run fetches. Peers' lies: types.ErrCertificate, types.ErrMalformed, ErrInvalid.
// Nobody's fault: ErrAhead, ErrOld. The quorum's: a *ConflictError, now and ever after. Others are the store's.
func (c *Chain) AddCertified(ch types.CertifiedHeader) error {
	_, err := c.AddHeaders([]types.CertifiedHeader{ch})
	return err
}

// AddHeaders is AddCertified for several headers and one write to disk. It stops at the first error; added counts the
// headers by which the head moved, also then.
func (c *Chain) AddHeaders(list []types.CertifiedHeader) (added int, err error) {
	unverified := make([]offered, len(list))
	for i := range list {
		unverified[i].CertifiedHeader = list[i]
	}
	return c.addHeaders(unverified)
}

func (c *Chain) addHeaders(list []offered) (added int, err error) {
	c.write.Lock()
	defer c.write.Unlock()
	if err := errors.Join(c.Err(), c.Fresh(time.Now())); err != nil {
		return 0, err
	}
	if c.unanchored() {
		return 0, fmt.Errorf("the checkpoint's header comes first: %w", ErrAhead)
	}
	s := newStage(c)
	for i := range list {
		if err = s.offer(list[i]); err != nil {
			break
		}
	}
	if commitErr := s.commit(); commitErr != nil {
		return 0, commitErr
	}
	if errors.Is(err, ErrCheckpoint) {
		c.mu.Lock()
		c.stopped = err
		c.mu.Unlock()
		c.signals.notify()
	}
	var conflict *ConflictError
	if errors.As(err, &conflict) {
		err = errors.Join(conflict, c.stop(conflict))
	}
	return s.added(), err
}

// stop keeps the evidence and ends following.
func (c *Chain) stop(conflict *ConflictError) error {
	c.mu.Lock()
	c.stopped = conflict
	c.mu.Unlock()
	c.signals.notify()
	c.cfg.Logger.Error("chain_conflict", "error", conflict)
	return c.store.Set(store.SpaceEvidence, conflictKey, conflict.Encode(), store.Synced)
}

// stage collects headers that extend the chain until they are written together. It is used under Chain.write.
type stage struct {
	c        *Chain
	batch    *store.Batch
	progress progress
	head     types.CertifiedHeader
	digest   types.Hash
	staged   map[types.Height]types.CertifiedHeader
	epochs   map[types.Epoch]*types.Committee
	rules    uint64 // version in force after head
	stopped  error
}

func newStage(c *Chain) *stage {
	return &stage{c: c, batch: c.store.Batch(), progress: c.progress, head: c.head, digest: c.headDigest,
		staged: make(map[types.Height]types.CertifiedHeader), epochs: make(map[types.Epoch]*types.Committee),
		rules: c.rules}
}

func (s *stage) added() int { return len(s.staged) }

// offer finds the place of a header: behind, at, or ahead of the next height.
func (s *stage) offer(ch offered) error {
	if s.stopped != nil {
		return s.stopped
	}
	h := &ch.Header
	if h.Network != s.c.network {
		return fmt.Errorf("header %d is of network %s: %w", h.Height, h.Network, ErrInvalid)
	}
	next := s.head.Header.Height + 1
	switch {
	case h.Height < next:
		return s.compare(ch.CertifiedHeader)
	case h.Height == next:
		return s.extend(ch)
	}
	return s.keepAhead(ch.CertifiedHeader)
}

// compare meets a header of a height that is stored.
func (s *stage) compare(ch types.CertifiedHeader) error {
	known, ok := s.staged[ch.Header.Height]
	if !ok {
		var err error
		if known, err = s.c.readHeader(ch.Header.Height); errors.Is(err, ErrUnknown) {
			return fmt.Errorf("header %d is below the checkpoint: %w", ch.Header.Height, ErrOld)
		}
		if err != nil {
			return err
		}
	}
	if known.Header.Digest() == ch.Header.Digest() {
		return nil
	}
	if ch.Header.Height == 0 {
		return fmt.Errorf("a header of height 0 is not the genesis header: %w", ErrInvalid)
	}
	if err := s.verify(ch, known.Header.Epoch); err != nil {
		return err
	}
	// Members of old committees may have their stake back: what they sign now is worth nothing (C4).
	if s.head.Header.Time-known.Header.Time > types.Time(s.c.cfg.Genesis.UnbondingDelay) {
		return fmt.Errorf("header %d: %w", ch.Header.Height, ErrOld)
	}
	return &ConflictError{Kind: ConflictTwoHeaders, Known: known, Other: ch}
}

// extend meets a header of the next height, and afterwards those that waited for it.
func (s *stage) extend(ch offered) error {
	if err := s.verifyOffered(ch, nextEpoch(&s.head.Header)); err != nil {
		return err
	}
	if err := s.appendVerified(ch.CertifiedHeader); err != nil {
		return err
	}
	for {
		waiting, ok := s.c.pending[s.head.Header.Height+1]
		if !ok || s.stopped != nil {
			return nil
		}
		if waiting.Header.Epoch != nextEpoch(&s.head.Header) {
			// Its signers are no committee of this height after all.
			s.c.forgetPending(waiting.Header.Height)
			return nil
		}
		if err := s.appendVerified(waiting); err != nil {
			return err
		}
	}
}

// appendVerified puts a header with a good certificate behind the head, or finds the quorum guilty.
func (s *stage) appendVerified(ch types.CertifiedHeader) error {
	h := &ch.Header
	if h.Parent != s.digest {
		return &ConflictError{Kind: ConflictParent, Known: s.head, Other: ch}
	}
	if checkpoint := s.c.cfg.Checkpoint; checkpoint != nil {
		if err := checkpointError(checkpoint, h); err != nil {
			return err
		}
	}
	if err := s.checkRules(h); err != nil {
		return &ConflictError{Kind: ConflictRule, Known: s.head, Other: ch, Detail: err.Error()}
	}
	if waiting, ok := s.c.pending[h.Height]; ok && waiting.Header.Epoch == h.Epoch && waiting.Header.Digest() != h.Digest() {
		return &ConflictError{Kind: ConflictTwoHeaders, Known: waiting, Other: ch}
	}
	own, err := s.c.readOwn(h.Height)
	if err == nil && own.Digest() != h.Digest() {
		return &ConflictError{Kind: ConflictOwn, Known: types.CertifiedHeader{Header: own}, Other: ch}
	}
	if err != nil && !errors.Is(err, ErrUnknown) {
		return err
	}
	return s.put(ch)
}

// checkRules is the rules of rules.go for a header after the head, whose certificate was verified.
func (s *stage) checkRules(h *types.Header) error {
	if err := checkRules(s.c.cfg.Genesis, &s.head.Header, h); err != nil || h.Next == nil {
		return err
	}
	committee, err := s.committee(h.Epoch)
	if err != nil {
		return err
	}
	return checkEnd(h.Next, committee.Len(), s.rules)
}

func (s *stage) put(ch types.CertifiedHeader) error {
	h := &ch.Header
	key := store.BigEndian(h.Height)
	s.batch.Set(store.SpaceHeaders, key, ch.Encode())
	s.batch.Delete(store.SpaceOwn, key)
	if h.DataLength > 0 {
		s.batch.Set(store.SpaceCommitments, h.Commitment[:], key)
	}
	if len(h.Verdicts) > 0 {
		s.batch.Set(store.SpaceVerdicts, key, nil)
	}
	if h.Next != nil {
		committee, err := types.NewCommittee(h.Next.Committee)
		if err != nil {
			return err
		}
		s.epochs[h.Epoch+1], s.rules = committee, h.Next.RuleVersion
		s.batch.Set(store.SpaceMeta, epochKey(h.Epoch+1), key)
		if h.Next.RuleVersion > s.c.cfg.RuleVersion {
			s.stopped = ruleVersionError(h, s.c.cfg.RuleVersion)
		}
	}
	s.staged[h.Height] = ch
	s.head, s.digest, s.progress.head = ch, h.Digest(), h.Height
	return nil
}

// keepAhead keeps a certified header until the gap before it is filled.
func (s *stage) keepAhead(ch types.CertifiedHeader) error {
	h := &ch.Header
	wake(s.c.hint)
	epoch := nextEpoch(&s.head.Header)
	if h.Height > s.head.Header.Height+MaxPending || h.Epoch != epoch {
		return fmt.Errorf("header %d of epoch %d, the head is %d: %w", h.Height, h.Epoch, s.head.Header.Height, ErrAhead)
	}
	waiting, ok := s.c.pending[h.Height]
	if ok && waiting.Header.Digest() == h.Digest() {
		return nil
	}
	if err := s.verify(ch, epoch); err != nil {
		return err
	}
	if ok && waiting.Header.Epoch == h.Epoch {
		return &ConflictError{Kind: ConflictTwoHeaders, Known: waiting, Other: ch}
	}
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.c.pending[h.Height] = ch
	return nil
}

// verifyOffered is verify, where it was not done by the same committee before.
func (s *stage) verifyOffered(ch offered, epoch types.Epoch) error {
	if committee, err := s.committee(epoch); err == nil && ch.by == committee && ch.Header.Epoch == epoch {
		return nil
	}
	return s.verify(ch.CertifiedHeader, epoch)
}

// verify checks the certificate by the committee of the epoch that the header must be of.
func (s *stage) verify(ch types.CertifiedHeader, epoch types.Epoch) error {
	if ch.Header.Epoch != epoch {
		return fmt.Errorf("header %d of epoch %d, want epoch %d: %w", ch.Header.Height, ch.Header.Epoch, epoch, ErrInvalid)
	}
	committee, err := s.committee(epoch)
	if err != nil {
		return err
	}
	return ch.Verify(s.c.network, committee)
}

func (s *stage) committee(epoch types.Epoch) (*types.Committee, error) {
	if committee, ok := s.epochs[epoch]; ok {
		return committee, nil
	}
	if committee, ok := s.c.Committee(epoch); ok {
		return committee, nil
	}
	return nil, fmt.Errorf("committee of epoch %d: %w", epoch, ErrUnknown)
}

// commit makes what was staged durable, then visible.
func (s *stage) commit() error {
	if s.added() == 0 {
		return nil
	}
	if err := s.c.advanceBodies(&s.progress, s.staged); err != nil {
		return err
	}
	s.batch.Set(store.SpaceMeta, progressKey, s.progress.encode())
	if err := s.batch.Commit(store.Synced); err != nil {
		return err
	}
	for h, ch := range s.staged {
		s.c.headers.Add(h, ch)
	}
	s.c.publish(s)
	s.c.signals.notify()
	return nil
}

func (c *Chain) publish(s *stage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.progress, c.head, c.headDigest, c.rules = s.progress, s.head, s.digest, s.rules
	for e, committee := range s.epochs {
		c.committees[e] = committee
	}
	for h := range c.pending {
		if h <= c.progress.head {
			delete(c.pending, h)
		}
	}
	if s.stopped != nil {
		c.stopped = s.stopped
	}
}

func (c *Chain) forgetPending(h types.Height) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.pending, h)
}
