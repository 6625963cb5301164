package pool

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/etherscale/bedrock/types"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// press collects what a pool publishes.
type press struct {
	mu   sync.Mutex
	outs []Outgoing
}

func (p *press) publish(_ context.Context, out Outgoing) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.outs = append(p.outs, out)
}

func (p *press) take() []Outgoing {
	p.mu.Lock()
	defer p.mu.Unlock()
	outs := p.outs
	p.outs = nil
	return outs
}

func TestRunCoalescesWithinTheDelay(t *testing.T) {
	w, other := newWallet(t, 1), newWallet(t, 2)
	first, second, late := w.sign(t, 0), other.sign(t, 0), w.sign(t, 1)
	synctest.Test(t, func(t *testing.T) {
		state := newLedger()
		state.set(w.address, 0, ether)
		state.set(other.address, 0, ether)
		var out press
		p := newPool(t, state, func(c *Config) { c.Publish = out.publish })
		ctx, cancel := context.WithCancel(background)
		done := make(chan error)
		go func() { done <- p.Run(ctx) }()
		synctest.Wait()
		add := func(err error) {
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		add(p.Add(ctx, first))
		time.Sleep(4 * time.Millisecond)
		add(p.Add(ctx, second))
		if got := out.take(); len(got) != 0 {
			t.Fatal("published before the delay")
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		got := out.take()
		if len(got) != 1 || len(got[0].Txs) != 2 || got[0].Attempt != 0 || got[0].Time != types.TimeOf(time.Now()) {
			t.Fatalf("after 5 ms: %+v", got)
		}
		add(p.Add(ctx, late))
		time.Sleep(49 * time.Millisecond)
		synctest.Wait()
		if got := out.take(); len(got) != 0 {
			t.Fatal("the account's next batch follows too closely")
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if got := out.take(); len(got) != 1 || got[0].Txs[0].Hash != hashOf(late) {
			t.Fatalf("after the spacing: %+v", got)
		}
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
}

// I4: what is not executed is published again with growing pauses, one account per batch, until it is or expires.
func TestRunPublishesAgain(t *testing.T) {
	w, other := newWallet(t, 1), newWallet(t, 2)
	a0, a1, b0 := w.sign(t, 0), w.sign(t, 1), other.sign(t, 0)
	synctest.Test(t, func(t *testing.T) {
		state := newLedger()
		state.set(w.address, 0, ether)
		state.set(other.address, 0, ether)
		var out press
		p := newPool(t, state, func(c *Config) { c.Publish = out.publish })
		ctx, cancel := context.WithCancel(background)
		done := make(chan error)
		go func() { done <- p.Run(ctx) }()
		for _, err := range []error{p.Add(ctx, a0), p.Add(ctx, a1), p.Add(ctx, b0)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if got := out.take(); len(got) != 1 || len(got[0].Txs) != 3 {
			t.Fatalf("at first: %+v", got)
		}
		time.Sleep(4 * time.Second)
		synctest.Wait()
		got := out.take()
		if len(got) != 2 || len(got[0].Txs)+len(got[1].Txs) != 3 || got[0].Attempt != 1 || got[1].Attempt != 1 {
			t.Fatalf("after 4 s: %+v", got)
		}
		for _, o := range got {
			if len(o.Txs) == 2 && (o.Txs[0].Hash != hashOf(a0) || o.Txs[1].Hash != hashOf(a1)) {
				t.Fatal("published again out of order")
			}
		}
		state.set(w.address, 2, ether)
		p.Executed(1, []types.Hash{hashOf(a0), hashOf(a1)})
		time.Sleep(9 * time.Second)
		synctest.Wait()
		if got := out.take(); len(got) != 1 || len(got[0].Txs) != 1 || got[0].Attempt != 2 || got[0].Txs[0].Hash != hashOf(b0) {
			t.Fatalf("after 8 s more: %+v", got)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if n := len(out.take()); n < 5 || n > 20 {
			t.Fatalf("published %d times in 10 minutes", n)
		}
		if s := p.Stats(); s.Transactions != 0 {
			t.Fatalf("after the expiry the pool holds %+v", s)
		}
		cancel()
		<-done
	})
}

// While nobody listens nothing leaves; then all of it does, in order of nonce.
func TestRunWaitsUntilReady(t *testing.T) {
	w := newWallet(t, 1)
	txs := many(t, w, 0, 3)
	synctest.Test(t, func(t *testing.T) {
		state := newLedger()
		state.set(w.address, 0, ether)
		var out press
		var ready atomic.Bool
		p := newPool(t, state, func(c *Config) { c.Publish, c.Ready = out.publish, ready.Load })
		ctx, cancel := context.WithCancel(background)
		done := make(chan error)
		go func() { done <- p.Run(ctx) }()
		for _, tx := range txs {
			if err := p.Add(ctx, tx); err != nil {
				t.Fatal(err)
			}
			time.Sleep(5 * time.Second)
		}
		if len(out.take()) != 0 {
			t.Fatal("published to nobody")
		}
		ready.Store(true)
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		got := out.take()
		if len(got) != 1 || len(got[0].Txs) != 3 || got[0].Txs[0].Hash != hashOf(txs[0]) || got[0].Txs[2].Hash != hashOf(txs[2]) {
			t.Fatalf("%+v", got)
		}
		cancel()
		<-done
	})
}

func TestForeignTransactionsExpireSilently(t *testing.T) {
	w := newWallet(t, 1)
	body := batchOf(t, w.sign(t, 0))
	synctest.Test(t, func(t *testing.T) {
		state := newLedger()
		state.set(w.address, 0, ether)
		var out press
		p := newPool(t, state, func(c *Config) { c.Publish = out.publish })
		ctx, cancel := context.WithCancel(background)
		done := make(chan error)
		go func() { done <- p.Run(ctx) }()
		if a, err := p.AdmitBatch(body, "peer"); err != nil || !a.Admitted {
			t.Fatal(a, err)
		}
		time.Sleep(59 * time.Second)
		if s := p.Stats(); s.Transactions != 1 {
			t.Fatal("gone too early")
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if s := p.Stats(); s.Transactions != 0 || len(out.take()) != 0 {
			t.Fatal("kept, or published by a peer that is not its entry")
		}
		cancel()
		<-done
	})
}

// Publishing what others relay back, adding and executing at once, under the race detector.
func TestConcurrentUse(t *testing.T) {
	w := newWallet(t, 1)
	state := newLedger()
	state.set(w.address, 0, ether)
	p := newPool(t, state, func(c *Config) { c.Publish = func(context.Context, Outgoing) {}; c.FlushDelay = time.Millisecond })
	ctx, cancel := context.WithCancel(background)
	var wg sync.WaitGroup
	wg.Go(func() { _ = p.Run(ctx) })
	var bodies [][]byte
	for nonce := range uint64(16) {
		bodies = append(bodies, batchOf(t, w.sign(t, nonce)))
	}
	for range 4 {
		wg.Go(func() {
			for _, body := range bodies {
				_, _ = p.AdmitBatch(body, "peer")
				_ = p.Admits(types.BatchIDOf(body), body)
			}
		})
		wg.Go(func() {
			for _, body := range bodies {
				b, _ := types.DecodeBatch(body)
				_, _ = p.AddEnvelope(ctx, b.Envelopes[0])
				_, _ = p.Content()
				p.PendingNonce(w.address)
				p.Executed(1, nil)
			}
		})
	}
	time.Sleep(20 * time.Millisecond)
	cancel()
	wg.Wait()
	if got := p.PendingNonce(w.address); got != 16 {
		t.Fatalf("pending nonce %d", got)
	}
}

func TestOpaque(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out press
		p, err := NewOpaque(OpaqueConfig{Publish: out.publish})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(background)
		done := make(chan error)
		go func() { done <- p.Run(ctx) }()
		for _, e := range []string{"one", "two", "three"} {
			if _, err := p.AddEnvelope(ctx, []byte(e)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := p.AddEnvelope(ctx, []byte("two")); !errors.Is(err, ErrAlreadyKnown) {
			t.Fatal(err)
		}
		for _, size := range []int{0, types.MaxLoneTransactionBytes + 1} {
			if _, err := p.AddEnvelope(ctx, make([]byte, size)); !errors.Is(err, ErrOversized) {
				t.Fatal(err)
			}
		}
		time.Sleep(5 * time.Millisecond)
		synctest.Wait()
		outs := out.take()
		if len(outs) != 1 || len(outs[0].Txs) != 3 {
			t.Fatalf("%+v", outs)
		}
		if infos, err := p.Check(outs[0].Body); err != nil || !slices.Equal(infos, outs[0].Txs) {
			t.Fatal(err)
		}
		far, err := NewOpaque(OpaqueConfig{Publish: out.publish, PeerBytes: 20})
		if err != nil {
			t.Fatal(err)
		}
		if a, err := far.AdmitBatch(outs[0].Body, "peer"); err != nil || !a.Admitted || !far.Admits(outs[0].ID, outs[0].Body) {
			t.Fatal(a, err)
		}
		again, err := types.EncodeBatch([][]byte{[]byte("one"), []byte("two")})
		if err != nil {
			t.Fatal(err)
		}
		if a, err := far.AdmitBatch(again, "peer"); err != nil || a.Admitted {
			t.Fatal("known bytes in another batch", a, err)
		}
		if _, err := far.AdmitBatch([]byte{0xc0}, "other"); !errors.Is(err, ErrInvalid) {
			t.Fatal(err)
		}
		for range 20 {
			_, err = far.AdmitBatch(outs[0].Body, "peer")
		}
		if !errors.Is(err, ErrRateLimited) {
			t.Fatal(err)
		}
		cancel()
		<-done
	})
}
