package dht

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/etherscale/bedrock/types"
	"github.com/libp2p/go-libp2p/core/peer"
)

// What goes out in any time is at most rate times that time and one burst, whoever sends.
func TestUplink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line, start := &uplink{rate: 1000}, time.Now()
		done := make(chan struct{})
		for range 4 {
			go func() {
				for range 25 {
					if err := line.wait(context.Background(), 100); err != nil {
						t.Error(err)
					}
				}
				done <- struct{}{}
			}()
		}
		for range 4 {
			<-done
		}
		if took := time.Since(start); took != 9800*time.Millisecond { // all but the last 100 bytes, and a burst of 100
			t.Errorf("10,000 bytes at 1,000 a second took %s", took)
		}
		time.Sleep(time.Hour) // what was not used is lost but for the burst
		start = time.Now()
		for range 3 {
			_ = line.wait(context.Background(), 100)
		}
		if took := time.Since(start); took != 100*time.Millisecond {
			t.Errorf("after a pause 300 bytes took %s", took)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := line.wait(ctx, 5000); err != nil {
			t.Error(err)
		}
		if err := line.wait(ctx, 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("waited for ever: %v", err)
		}
		if err := (&uplink{}).wait(context.Background(), 1<<40); err != nil {
			t.Error(err)
		}
	})
}

// The highest block comes first, each peer has its share, and who gives up leaves no trace.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns(2, 1)
		var order []string
		enter := func(ctx context.Context, h types.Height, p peer.ID, name string) {
			go func() {
				if turns.take(ctx, h, p) == nil {
					order = append(order, name)
				}
			}()
			synctest.Wait()
		}
		ctx, cancel := context.WithCancel(context.Background())
		enter(ctx, 1, "a", "a1")
		enter(ctx, 1, "b", "b1")
		enter(ctx, 1, "c", "c1")
		enter(ctx, 2, "a", "a2")
		enter(ctx, 3, "a", "a3")
		enter(ctx, 2, "c", "c2")
		gone, give := context.WithCancel(context.Background())
		enter(gone, 9, "d", "d9")
		give()
		synctest.Wait()
		leave := func(p peer.ID) { turns.leave(p); synctest.Wait() }
		leave("b") // c2: a has its share, though a3 is higher
		leave("a") // a3
		leave("c") // c1
		leave("a") // a2
		if want := []string{"a1", "b1", "c2", "a3", "c1", "a2"}; !slices.Equal(order, want) {
			t.Errorf("let in: %v, want %v", order, want)
		}
		leave("a")
		leave("c")
		if turns.running != 0 || len(turns.inside) != 0 || len(turns.waiting) != 0 {
			t.Errorf("%+v", turns)
		}
		cancel()
	})
}

// A slow line has fewer offers under way, and one at least.
func TestPacedOffers(t *testing.T) {
	for upload, want := range map[int64]int{0: 16, 16 << 10: 1, 128 << 10: 4, 1_250_000: 16} {
		if got := paced(16, upload); got != want {
			t.Errorf("%d offers under way at %d bytes a second, want %d", got, upload, want)
		}
	}
}

// What waits to be handed on is bounded in rows and blocks; what does not fit is said to be lost.
func TestHandOnQueue(t *testing.T) {
	q := newHandOns()
	job := func(block, rows int) *handOn {
		return &handOn{header: types.Header{Height: types.Height(block), Commitment: types.Hash{byte(block), byte(block >> 8)}}, indices: make([]uint32, rows)}
	}
	for i := range maxHandOnBlocks {
		if work, lost := q.add(job(i, 1)); lost || work != (i < handOnWorkers) {
			t.Fatalf("block %d: work %v, lost %v", i, work, lost)
		}
	}
	if _, lost := q.add(job(maxHandOnBlocks, 1)); !lost {
		t.Error("one block too many")
	}
	if _, lost := q.add(job(0, maxHandOnRows-maxHandOnBlocks)); lost {
		t.Error("no room for the last rows")
	}
	if _, lost := q.add(job(0, 1)); !lost {
		t.Error("one row too many")
	}
	if got := q.next(); got.header.Height != maxHandOnBlocks-1 {
		t.Errorf("block %d comes first", got.header.Height)
	}
	for q.next() != nil {
	}
	if q.rows != 0 || len(q.blocks) != 0 || q.workers != handOnWorkers-1 {
		t.Errorf("%d rows, %d workers", q.rows, q.workers)
	}
}
