package pool

import (
	"errors"
	"testing"
	"time"

	"github.com/etherscale/bedrock/types"
)

// memoryJournal is a Journal that survives the pool, not the test.
type memoryJournal struct {
	kept map[types.Hash][]byte
	fail error
}

func (j *memoryJournal) Keep(hash types.Hash, envelope []byte) error {
	if j.fail == nil {
		j.kept[hash] = envelope
	}
	return j.fail
}

func (j *memoryJournal) Drop(hashes []types.Hash) {
	for _, h := range hashes {
		delete(j.kept, h)
	}
}

func (j *memoryJournal) Each(visit func(types.Hash, []byte)) error {
	for h, e := range j.kept {
		visit(h, e)
	}
	return nil
}

// TestJournalOverARestart: what was acknowledged waits again after a restart, unless it had its turn; what the state does
// not admit any more leaves the journal.
func TestJournalOverARestart(t *testing.T) {
	state, w := newLedger(), newWallet(t, 1)
	state.set(w.address, 0, ether)
	j := &memoryJournal{kept: map[types.Hash][]byte{}}
	journaled := func(c *Config) { c.Journal = j }
	p := newPool(t, state, journaled)
	for nonce := range uint64(3) {
		if err := p.Add(t.Context(), w.sign(t, nonce)); err != nil {
			t.Fatal(err)
		}
	}
	first := hashOf(w.sign(t, 0))
	p.Executed(1, []types.Hash{first})
	if len(j.kept) != 2 || j.kept[first] != nil {
		t.Fatalf("%d transactions kept after one had its turn", len(j.kept))
	}

	state.set(w.address, 2, ether) // nonce 1 was executed while this node was away
	again := newPool(t, state, journaled)
	waiting, err := again.Recover(t.Context())
	if err != nil || waiting != 1 || again.Get(w.sign(t, 2).Hash()) == nil {
		t.Fatalf("%d wait again: %v", waiting, err)
	}
	if len(j.kept) != 1 {
		t.Fatalf("%d transactions kept, one of them executed long ago", len(j.kept))
	}
	if _, envelopes := flushAll(t, again, time.Now().Add(time.Hour)); len(envelopes) != 1 {
		t.Fatalf("%d transactions published", len(envelopes))
	}
}

// TestJournalFails: what could not be kept is not acknowledged.
func TestJournalFails(t *testing.T) {
	state, w := newLedger(), newWallet(t, 1)
	state.set(w.address, 0, ether)
	full := errors.New("disk full")
	p := newPool(t, state, func(c *Config) { c.Journal = &memoryJournal{fail: full} })
	if err := p.Add(t.Context(), w.sign(t, 0)); !errors.Is(err, full) {
		t.Fatalf("acknowledged: %v", err)
	}
}
