package pool

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/etherscale/bedrock/types"
)

// running runs a pool in fake time.
func running(t *testing.T, state State, test func(p *Pool, out *press)) {
	synctest.Test(t, func(t *testing.T) {
		var out press
		p := newPool(t, state, func(c *Config) { c.Publish = out.publish })
		ctx, cancel := context.WithCancel(background)
		done := make(chan error)
		go func() { done <- p.Run(ctx) }()
		test(p, &out)
		cancel()
		<-done
	})
}

// What is published again never leaves its predecessors behind: a transaction that is ordered before its predecessor is
// skipped and lost for the epoch.
func TestPublishedAgainWithPredecessors(t *testing.T) {
	w := newWallet(t, 1)
	first, second := w.sign(t, 0), w.sign(t, 1)
	state := newLedger()
	state.set(w.address, 0, ether)
	running(t, state, func(p *Pool, out *press) {
		if err := errors.Join(p.Add(background, first), p.Add(background, second)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3500 * time.Millisecond)
		if a, err := p.AdmitBatch(batchOf(t, first), "peer"); err != nil || !a.Admitted {
			t.Fatal(a, err) // another peer publishes the first one: only the second is due soon
		}
		out.take()
		time.Sleep(time.Second)
		synctest.Wait()
		got := out.take()
		if len(got) != 1 || len(got[0].Txs) != 2 || got[0].Txs[0].Hash != hashOf(first) || got[0].Txs[1].Hash != hashOf(second) {
			t.Errorf("published again: %+v", got)
		}
	})
}

// A batch that the order forgets and lists again every few seconds, because nobody else holds it, is published again all
// the same.
func TestAdmittedAgainIsStillPublishedAgain(t *testing.T) {
	w := newWallet(t, 1)
	state := newLedger()
	state.set(w.address, 0, ether)
	running(t, state, func(p *Pool, out *press) {
		if err := p.Add(background, w.sign(t, 0)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		sent := out.take()
		if len(sent) != 1 {
			t.Fatalf("at first: %+v", sent)
		}
		for range 4 {
			time.Sleep(time.Second)
			if !p.Admits(sent[0].ID, sent[0].Body) {
				t.Fatal("the own batch is refused")
			}
		}
		if got := out.take(); len(got) != 1 || got[0].Attempt != 1 {
			t.Errorf("after 5 s: %+v", got)
		}
	})
}

// A transaction may be in several batches that sequencers have listed, so that none of them waits for the others' receipts
// in vain; but in few, and gossip gets no second one for a while.
func TestListedBatchesMayShareTransactions(t *testing.T) {
	w := newWallet(t, 1)
	state := newLedger()
	state.set(w.address, 0, ether)
	p := newPool(t, state)
	first := w.sign(t, 0)
	bodies := [][]byte{batchOf(t, first)}
	for i := range maxCarriers + 1 { // at least half of each is the known one
		bodies = append(bodies, batchOf(t, first, w.sign(t, 0, value(int64(100+i)))))
	}
	if a, err := p.AdmitBatch(bodies[0], "peer"); err != nil || !a.Admitted {
		t.Fatal(a, err)
	}
	if a, _ := p.AdmitBatch(bodies[1], "peer"); a.Admitted || !errors.Is(a.Reason, ErrAlreadyKnown) {
		t.Errorf("gossip gets known transactions in new clothes through: %+v", a)
	}
	admitted := 1
	for _, body := range bodies[1:] {
		if p.Admits(types.BatchIDOf(body), body) {
			admitted++
		}
	}
	if admitted != maxCarriers {
		t.Errorf("%d batches carry one transaction at a time, want %d", admitted, maxCarriers)
	}
}
