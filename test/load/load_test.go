package load

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

// TestSmallRun checks on real nodes that every transaction that was taken is found again, ordered before certified.
func TestSmallRun(t *testing.T) {
	f := opaqueTrial(t, trial{rate: 40, warm: 500 * time.Millisecond, length: 2500 * time.Millisecond, drain: 10 * time.Second},
		consensus.Pacing{HeartbeatRound: 100 * time.Millisecond}) // so that the first block comes soon
	if f.taken != 80 || f.refused != 0 || f.lost != 0 {
		t.Fatalf("taken %d, refused %d, lost %d, want 80, 0, 0: %v", f.taken, f.refused, f.lost, f.refusals)
	}
	if len(f.ordered) != 80 || len(f.certified) != 80 {
		t.Fatalf("%d ordered and %d certified of 80", len(f.ordered), len(f.certified))
	}
	for i := range f.ordered {
		// Both lists ascend, and each transaction is ordered before it is certified: so does each rank.
		if f.ordered[i] <= 0 || f.ordered[i] > f.certified[i] {
			t.Fatalf("rank %d: ordered after %s, certified after %s", i, f.ordered[i], f.certified[i])
		}
	}
	if f.cpu <= 0 || f.rounds <= 0 || f.fsyncs <= 0 {
		t.Fatalf("cpu %s, %.1f rounds/s, %.1f fsyncs/s", f.cpu, f.rounds, f.fsyncs)
	}
}

// TestGeneratorIsOpenLoop: a system that never answers does not slow down what is due, and latency counts from then.
func TestGeneratorIsOpenLoop(t *testing.T) {
	slow := func(ctx context.Context, entry int, _ []byte) (types.Hash, error) {
		time.Sleep(300 * time.Millisecond)
		return types.Hash{byte(entry)}, nil
	}
	g := &generator{entries: 2, rate: 200, work: &opaque{size: 16}, submit: slow}
	start := time.Now()
	g.run(context.Background(), start, 500*time.Millisecond)
	if len(g.taken) != 100 {
		t.Fatalf("%d taken, want 100", len(g.taken))
	}
	last := start
	for _, tx := range g.taken {
		if at := tx.due.Sub(start); at%(5*time.Millisecond) != 0 || at >= 500*time.Millisecond {
			t.Fatalf("due %s after the start", at)
		}
		if tx.due.After(last) {
			last = tx.due
		}
	}
	if last.Sub(start) != 495*time.Millisecond {
		t.Fatalf("last due %s after the start", last.Sub(start))
	}
}

func TestRefusalsAreCounted(t *testing.T) {
	g := &generator{entries: 1, rate: 100, work: &opaque{size: 16}, submit: func(context.Context, int, []byte) (types.Hash, error) {
		return types.Hash{}, errors.New("pool is full: 7 wait")
	}}
	g.run(context.Background(), time.Now(), 100*time.Millisecond)
	if len(g.taken) != 0 || len(g.refused) != 10 || g.refusal["pool is full"] != 10 {
		t.Fatalf("taken %d, refused %d, %v", len(g.taken), len(g.refused), g.refusal)
	}
}

// TestTransfersRetryTheRefused: nonces of an account are sent without a gap.
func TestTransfersRetryTheRefused(t *testing.T) {
	w, alloc := newTransfers(t, 1, 1, 2)
	if len(alloc) != 1 {
		t.Fatalf("%d accounts funded", len(alloc))
	}
	first, done := w.next(0)
	done(errors.New("refused"))
	again, done := w.next(0)
	done(nil)
	if string(first) != string(again) {
		t.Fatal("another transaction after a refusal")
	}
	if second, done := w.next(0); string(second) == string(first) || second == nil {
		t.Fatal("the same transaction after it was taken")
	} else {
		done(nil)
	}
	if spent, _ := w.next(0); spent != nil {
		t.Fatal("a third transaction of two")
	}
}

func TestQuantile(t *testing.T) {
	var list []time.Duration
	for i := range 100 {
		list = append(list, time.Duration(i))
	}
	for q, want := range map[float64]time.Duration{0: 0, 0.5: 50, 0.99: 99, 1: 99} {
		if got := quantile(list, q); got != want {
			t.Errorf("quantile %v is %d, want %d", q, got, want)
		}
	}
	if quantile(nil, 0.5) != 0 {
		t.Error("quantile of nothing")
	}
}
