package node

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/etherscale/bedrock/chain"
	"github.com/etherscale/bedrock/fraud"
	"github.com/etherscale/bedrock/node/docket"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// A corrupt quorum can take a bond by listing a challenge that proves nothing. Everybody compares what headers list with the
// challenge itself, and keeps what does not hold for others to see: the certified header names who signed it.
const (
	compareEvery = 2 * time.Second
	// mostOpen bounds the verdicts that wait for their challenge: more are read when these are decided.
	mostOpen = 256
	// mostTries is how often a challenge is asked for, with pauses that double up to a minute, before it counts as not shown.
	mostTries = 8
	mostPause = time.Minute
	// mostFalse bounds the false verdicts kept: one is proof enough, and a corrupt quorum lists any number.
	mostFalse = 256
)

// listed is the sender of the challenges that headers list, as to its share of the court.
var listed = docket.Sender{Group: "listed"}

// openVerdict is a listed verdict that is not compared yet.
type openVerdict struct {
	chain.Listed
	tries int
	next  time.Time
}

// comparison follows the listed verdicts; compare owns it.
type comparison struct {
	read types.Height // listed verdicts up to here are read
	open map[types.Verdict]*openVerdict
}

// compare looks at every verdict that certified headers list until ctx ends.
func (c *court) compare(ctx context.Context) error {
	signal, cancel := c.n.chain.Subscribe()
	defer cancel()
	tick := time.NewTicker(compareEvery)
	defer tick.Stop()
	state := comparison{read: c.p.ledger.listedTo(), open: make(map[types.Verdict]*openVerdict)}
	for {
		if err := c.readListed(&state); err != nil {
			return err
		}
		for v, o := range state.open {
			if time.Now().After(o.next) && c.compareOne(ctx, o) {
				delete(state.open, v)
			}
		}
		if err := c.p.ledger.keepListedTo(state.done()); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-signal:
		}
	}
}

// done is the height up to which everything is compared.
func (s *comparison) done() types.Height {
	done := s.read
	for _, o := range s.open {
		done = min(done, o.Height-1)
	}
	return done
}

func (c *court) readListed(s *comparison) error {
	for len(s.open) < mostOpen {
		list, err := c.n.chain.Verdicts(s.read+1, types.MaxHeaderVerdicts)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, l := range list {
			s.read = l.Height
			if err := c.p.ledger.dropVote(&l.Verdict); err != nil {
				return err
			}
			c.counts.noteListed()
			if c.keepsChallengesOf(l.Height) {
				s.open[l.Verdict] = &openVerdict{Listed: l}
			}
		}
	}
	return nil
}

// keepsChallengesOf reports whether peers still keep the challenges that a block lists.
func (c *court) keepsChallengesOf(h types.Height) bool {
	ch, ok := c.n.chain.Header(h)
	return ok && ch.Header.Time+types.Time(c.n.cfg.Genesis.Retention) >= c.n.chain.Head().Header.Time
}

// compareOne reports whether a verdict is decided: true, false, or not to be decided here.
func (c *court) compareOne(ctx context.Context, o *openVerdict) bool {
	o.tries++
	o.next = time.Now().Add(min(compareEvery<<o.tries, mostPause))
	encoded, err := c.obtainListed(ctx, &o.Verdict)
	if err == nil {
		err = c.contradiction(ctx, &o.Verdict, encoded)
	}
	switch {
	case err == nil:
		return true
	case errors.Is(err, errFalse), isLie(err):
		c.keepFalse(o, encoded, err)
		return true
	case errors.Is(err, errAbsent) && o.tries >= mostTries:
		c.keepFalse(o, nil, err)
		return true
	}
	c.n.log.Debug("listed verdict not compared yet", "height", o.Height, "challenge", o.Verdict.Challenge, "error", err)
	return o.tries >= 2*mostTries
}

// errFalse says that a header lists something else than its challenge says.
var errFalse = errors.New("the challenge says something else")

func (c *court) obtainListed(ctx context.Context, v *types.Verdict) ([]byte, error) {
	timed, cancel := context.WithTimeout(ctx, fetchPatience)
	defer cancel()
	encoded, err := c.p.fetchChallenge(timed, v.Challenge)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errAbsent, err)
	}
	return encoded, nil
}

// contradiction is nil if a challenge is valid and proves what a header lists. One that is news is acted upon.
func (c *court) contradiction(ctx context.Context, v *types.Verdict, encoded []byte) error {
	challenge, err := fraud.DecodeChallenge(encoded)
	if err != nil {
		return err
	}
	if uint64(challenge.Kind) != v.Kind || challenge.Payee != v.Payee {
		return fmt.Errorf("kind %s, paid to 0x%x: %w", challenge.Kind, challenge.Payee, errFalse)
	}
	if accused := fraud.Describe(challenge).Accused; len(accused) > 0 && !slices.Contains(accused, v.Accused) {
		return fmt.Errorf("it accuses others than %s: %w", v.Accused.PeerID(), errFalse)
	}
	place, err := c.docket.Enter(listed)
	if err != nil {
		return errBusy
	}
	var cost time.Duration
	defer func() { place.Leave(cost) }()
	if err := c.wait(ctx, place); err != nil {
		return err
	}
	start := time.Now()
	finding, child, err := c.verify(ctx, challenge)
	took := time.Since(start)
	cost = took - child.Wall + child.CPU
	if err != nil {
		return err
	}
	if !slices.Contains(finding.Accused, v.Accused) {
		return fmt.Errorf("it accuses others than %s: %w", v.Accused.PeerID(), errFalse)
	}
	if _, known := c.p.ledger.challenge(v.Challenge); !known {
		c.uphold(challenge, encoded, finding, took)
	}
	return nil
}

// keepFalse keeps a false verdict and says so, once. It stops nobody: verification runs under limits of time and memory, which
// peers reach differently, and what a header lists is a quorum's word, not a fact that others must agree on.
func (c *court) keepFalse(o *openVerdict, encoded []byte, reason error) {
	record := rpc.FalseVerdict{Height: rpc.Height(o.Height), Challenge: o.Verdict.Challenge.String(), Kind: fraud.Kind(o.Verdict.Kind).String(),
		Accused: o.Verdict.Accused.PeerID(), Payee: fmt.Sprintf("0x%x", o.Verdict.Payee), Reason: reason.Error(), Shown: encoded != nil}
	kept, err := c.p.ledger.addFalse(o, &record, encoded)
	if err != nil {
		c.n.log.Error("false verdict not stored", "error", err)
	}
	if !kept {
		return
	}
	c.n.log.Error("a certified header lists a verdict that its challenge does not bear out: the members that signed it are corrupt, or at fault",
		"height", o.Height, "accused", record.Accused, "challenge", record.Challenge, "reason", reason)
}

func falseKey(o *openVerdict) []byte {
	return append(append(heightKey(keyFalse, o.Height), o.Verdict.Challenge[:]...), o.Verdict.Accused[:]...)
}

// addFalse stores a false verdict with its challenge, if that was shown; false if it was known, or there is no room.
func (l ledger) addFalse(o *openVerdict, record *rpc.FalseVerdict, encoded []byte) (bool, error) {
	known, err := l.db.Has(store.SpaceFraud, falseKey(o))
	if err != nil || known {
		return false, err
	}
	list, err := l.falseVerdicts()
	if err != nil || len(list) >= mostFalse {
		return false, err
	}
	value, err := json.Marshal(record)
	if err != nil {
		return false, fmt.Errorf("false verdict: %w", err)
	}
	batch := l.db.Batch()
	batch.Set(store.SpaceFraud, falseKey(o), value)
	if encoded != nil {
		batch.Set(store.SpaceFraud, append([]byte{keyFalseBody}, o.Verdict.Challenge[:]...), encoded)
	}
	return true, batch.Commit(store.Synced)
}

// falseVerdicts lists what headers list falsely, ascending by height.
func (l ledger) falseVerdicts() (out []rpc.FalseVerdict, err error) {
	err = l.db.Scan(store.SpaceFraud, store.Range{From: []byte{keyFalse}, To: []byte{keyFalse + 1}}, func(_, value []byte) error {
		var record rpc.FalseVerdict
		if err := json.Unmarshal(value, &record); err != nil {
			return fmt.Errorf("stored false verdict: %w: %w", store.ErrBroken, err)
		}
		out = append(out, record)
		return nil
	})
	return out, err
}

// falseChallenge is a challenge that is listed and proves nothing.
func (l ledger) falseChallenge(id types.BatchID) ([]byte, bool) {
	body, err := l.db.Get(store.SpaceFraud, append([]byte{keyFalseBody}, id[:]...))
	return body, err == nil
}

// listedTo is the height up to which listed verdicts were compared before a restart.
func (l ledger) listedTo() types.Height {
	stored, err := l.db.Get(store.SpaceFraud, []byte{keyListed})
	if err != nil || len(stored) != 8 {
		return 0
	}
	return types.Height(binary.BigEndian.Uint64(stored))
}

func (l ledger) keepListedTo(h types.Height) error {
	if h == l.listedTo() {
		return nil
	}
	return l.db.Set(store.SpaceFraud, []byte{keyListed}, store.BigEndian(h), store.Unsynced)
}
