package dht

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/etherscale/bedrock/store"
	ds "github.com/ipfs/go-datastore"
)

// Rows survive the closing of the real database, and a synced put is what readers then see.
func TestRowsOnDisk(t *testing.T) {
	dir := t.TempDir()
	open := func() (*rows, func()) {
		db, err := store.Open(dir, store.Options{Network: testNetwork, MinFree: 1})
		if err != nil {
			t.Fatal(err)
		}
		return openTestRows(t, db.Datastore("rows")), func() {
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	b, h := encodeBlock(t, 1, 70_000)
	r, closeDB := open()
	if added, err := putRows(t, r, b, h, 1, 5, 255); added != 3 || err != nil {
		t.Fatalf("added %d: %v", added, err)
	}
	if err := r.sync.wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	closeDB()
	r, closeDB = open()
	defer closeDB()
	if count, bytes, blocks := r.usage(); count != 3 || bytes != blockBytes(b.Params(), 3) || blocks != 1 {
		t.Fatalf("%d rows, %d bytes, %d blocks after reopening", count, bytes, blocks)
	}
	value, err := r.record(t.Context(), Key(h.Commitment, 255))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := CheckRecord(Key(h.Commitment, 255), value); err != nil {
		t.Fatal(err)
	}
	if gone, err := r.expire(t.Context(), h.Time+1); gone != 3 || err != nil {
		t.Fatalf("gave up %d: %v", gone, err)
	}
	if count, bytes, blocks := r.usage(); count != 0 || bytes != 0 || blocks != 0 {
		t.Fatalf("%d rows, %d bytes, %d blocks after expiry", count, bytes, blocks)
	}
}

// slowSync is a store whose only virtue is a slow Sync.
type slowSync struct {
	ds.Datastore
	begun []time.Time
}

func (s *slowSync) Sync(context.Context, ds.Key) error {
	s.begun = append(s.begun, time.Now())
	time.Sleep(10 * time.Millisecond)
	return nil
}

// However many ask at once, few syncs serve them, and each is served by one that began after it asked.
func TestGroupSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := &slowSync{}
		g := &groupSync{store: slow}
		var wg sync.WaitGroup
		for i := range 40 {
			wg.Go(func() {
				time.Sleep(time.Duration(i%4) * 3 * time.Millisecond) // 0, 3, 6, 9 ms: while the first sync runs
				asked := time.Now()
				if err := g.wait(t.Context()); err != nil {
					t.Error(err)
				}
				if time.Since(asked) < 10*time.Millisecond {
					t.Error("served by a sync that had begun before")
				}
			})
		}
		wg.Wait()
		synctest.Wait()
		if len(slow.begun) != 2 {
			t.Fatalf("%d syncs", len(slow.begun))
		}
		if err := g.wait(t.Context()); err != nil || len(slow.begun) != 3 {
			t.Fatalf("%d syncs later: %v", len(slow.begun), err)
		}
	})
}
