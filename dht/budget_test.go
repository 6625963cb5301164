package dht

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	ds "github.com/ipfs/go-datastore"
	"github.com/ipfs/go-datastore/query"
	dssync "github.com/ipfs/go-datastore/sync"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// stored sums up the keys and values of a store.
func stored(t *testing.T, s ds.Batching) (bytes int64) {
	t.Helper()
	found, err := s.Query(t.Context(), query.Query{})
	if err != nil {
		t.Fatal(err)
	}
	entries, err := found.Rest()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		bytes += int64(len(e.Key) + len(e.Value))
	}
	return bytes
}

// I3: every byte counts, that of openings, entries, places and keys too, and expiry gives all of it back.
func TestBudgetCountsEveryByte(t *testing.T) {
	s := dssync.MutexWrap(ds.NewMapDatastore())
	r := openTestRows(t, s)
	for height, size := range []int{1, 3000, 70_000, 300_000} {
		b, h := encodeBlock(t, types.Height(height+1), size)
		h.Time = types.Time(height)
		for i := range uint32(b.Params().N) {
			if i%5 == 1 {
				if _, err := putRows(t, r, b, h, i); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := r.notePlaces(t.Context(), &h, b.Params().N); err != nil {
			t.Fatal(err)
		}
		if _, bytes, _ := r.usage(); bytes != stored(t, s) {
			t.Fatalf("%d bytes counted, %d stored", bytes, stored(t, s))
		}
	}
	if _, err := r.expire(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	if _, bytes, blocks := r.usage(); bytes != stored(t, s) || blocks != 2 {
		t.Fatalf("after expiry %d bytes of %d blocks counted, %d stored", bytes, blocks, stored(t, s))
	}
}

// I3: a store filled to its budget stays within it when the power fails at any moment, and counts right after it.
func TestBudgetSurvivesPowerCuts(t *testing.T) {
	blocks, headers := make([]*coding.Block, 3), make([]types.Header, 3)
	for i := range blocks {
		blocks[i], headers[i] = encodeBlock(t, types.Height(i+1), 40_000+i)
		headers[i].Time = types.Time(i + 1)
	}
	p := blocks[0].Params()
	budget := 3*headBytes(p) + placesBytes(p.N) + 100*rowBytes(p)
	disk, rng := vfs.NewCrashableMem(), rand.New(rand.NewPCG(4, 4))
	full := 0
	for cut := range 12 {
		db, err := store.OpenFS(disk, "data", store.Options{Network: testNetwork, MinFree: 1})
		if err != nil {
			t.Fatal(err)
		}
		s := db.Datastore("rows")
		r, err := openRows(t.Context(), s, budget)
		if err != nil {
			t.Fatal(err)
		}
		if bytes := stored(t, s); bytes != r.bytes || bytes > budget {
			t.Fatalf("after power cut %d: %d bytes counted, %d stored, budget %d", cut, r.bytes, bytes, budget)
		}
		full += fillSome(t, r, rng, blocks, headers)
		if rng.IntN(2) == 0 {
			if err := r.sync.wait(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		disk = disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(3) * 50, RNG: rng})
	}
	if full == 0 {
		t.Fatal("the budget was never reached")
	}
}

// fillSome makes random changes and counts those that the budget refused.
func fillSome(t *testing.T, r *rows, rng *rand.Rand, blocks []*coding.Block, headers []types.Header) (full int) {
	t.Helper()
	for range 40 {
		i := rng.IntN(len(blocks))
		var err error
		switch rng.IntN(12) {
		case 0:
			_, err = r.expire(t.Context(), types.Time(1+rng.IntN(2)))
		case 1:
			err = r.notePlaces(t.Context(), &headers[i], blocks[i].Params().N)
		default:
			from := uint32(rng.IntN(blocks[i].Params().N - 6))
			_, err = putRows(t, r, blocks[i], headers[i], from, from+1, from+2, from+5)
		}
		if errors.Is(err, ErrBudget) {
			full++
		} else if err != nil {
			t.Fatal(err)
		}
		if r.bytes > r.budget {
			t.Fatalf("%d bytes, budget %d", r.bytes, r.budget)
		}
	}
	return full
}

// A full server says so before it is sent rows, takes what still fits, and gives up what is past retention, oldest first,
// before it refuses; within retention nothing makes room.
func TestFullServer(t *testing.T) {
	a := newAuthority(t)
	now := time.Now()
	offerOf := func(height types.Height, age time.Duration) (types.CertifiedHeader, *coding.Block) {
		block, header := encodeBlock(t, height, 5000)
		header.Time = types.TimeOf(now.Add(-age))
		return a.certify(header), block
	}
	oldest, oldestBlock := offerOf(1, 3*time.Hour)
	old, oldBlock := offerOf(2, 2*time.Hour)
	young, youngBlock := offerOf(3, 0)
	p := youngBlock.Params()
	n := newNode(t, a, func(c *Config) { c.Budget = blockBytes(p, 10) + blockBytes(p, 12) })
	h := stranger(t, n)
	give := func(ch types.CertifiedHeader, b *coding.Block, rows int) (int, error) {
		return offerByHand(t, h, n, proofCertified, ch.Encode(), b, indices(rows), nil)
	}
	n.TakeRows(false)
	if _, err := give(oldest, oldestBlock, 10); !errors.Is(err, ErrRefused) {
		t.Fatalf("rows were taken that were not to be: %v", err)
	}
	n.TakeRows(true)
	for ch, b := range map[*types.CertifiedHeader]*coding.Block{&oldest: oldestBlock, &old: oldBlock} {
		if got, err := give(*ch, b, 10); got != 10 || err != nil {
			t.Fatalf("stored %d: %v", got, err)
		}
	}
	if _, err := give(young, youngBlock, 5); !errors.Is(err, ErrRefused) {
		t.Fatalf("a newer block displaced one within retention: %v", err)
	}
	if got, err := give(old, oldBlock, 20); got != 2 || err != nil {
		t.Fatalf("stored %d of the 2 rows that fit: %v", got, err)
	}
	n.cfg.Retention = 150 * time.Minute // the oldest is past it
	if got, err := give(young, youngBlock, 11); got != 10 || err != nil {
		t.Fatalf("stored %d of the 10 rows that fit now: %v", got, err)
	}
	for ch, want := range map[*types.CertifiedHeader]int{&oldest: 0, &old: 12, &young: 10} {
		if got := n.Held(ch.Header.Commitment); got != want {
			t.Errorf("%d rows of block %d are left, want %d", got, ch.Header.Height, want)
		}
	}
	if s := n.Stats(); s.Bytes > s.Budget || s.RefusedFull != 2 {
		t.Fatalf("%+v", s)
	}
	if gone, err := n.Expire(context.Background(), types.TimeOf(now)); gone != 12 || err != nil {
		t.Fatalf("gave up %d rows: %v", gone, err)
	}
}
