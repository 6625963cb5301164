package dht

import (
	"context"
	"errors"
	"testing"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
	ds "github.com/ipfs/go-datastore"
	"github.com/ipfs/go-datastore/query"
	dssync "github.com/ipfs/go-datastore/sync"
	recpb "github.com/libp2p/go-libp2p-record/pb"
	"github.com/multiformats/go-base32"
	"google.golang.org/protobuf/proto"
)

func openTestRows(t *testing.T, store ds.Batching) *rows {
	t.Helper()
	r, err := openRows(t.Context(), store, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func putRows(t *testing.T, r *rows, b *coding.Block, h types.Header, indices ...uint32) (int, error) {
	t.Helper()
	shards := make(map[uint32][]byte)
	for _, i := range indices {
		s, err := b.Shard(i)
		if err != nil {
			t.Fatal(err)
		}
		if shards[i], err = s.MarshalBinary(); err != nil {
			t.Fatal(err)
		}
	}
	added, err := r.put(t.Context(), &h, b.Opening(), shards)
	return len(added), err
}

// What is held is known again after a restart, and expiry leaves nothing of a block behind.
func TestRowsRestartAndExpire(t *testing.T) {
	store := dssync.MutexWrap(ds.NewMapDatastore())
	r := openTestRows(t, store)
	old, oldHeader := encodeBlock(t, 1, 3000)
	young, youngHeader := encodeBlock(t, 2, 70_000)
	oldHeader.Time, youngHeader.Time = 1000, 2000
	for _, n := range []uint32{1, 2, 3, 2} {
		if _, err := putRows(t, r, old, oldHeader, n, n+1); err != nil {
			t.Fatal(err)
		}
	}
	if added, err := putRows(t, r, young, youngHeader, 0, 200); added != 2 || err != nil {
		t.Fatalf("added %d: %v", added, err)
	}
	count, bytes, blocks := r.usage()
	if count != 6 || blocks != 2 || bytes != blockBytes(old.Params(), 4)+blockBytes(young.Params(), 2) {
		t.Fatalf("%d rows, %d bytes, %d blocks", count, bytes, blocks)
	}
	r = openTestRows(t, store)
	if c, b, n := r.usage(); c != count || b != bytes || n != blocks {
		t.Fatalf("after restart %d rows, %d bytes, %d blocks", c, b, n)
	}
	if gone, err := r.expire(t.Context(), 2000); gone != 4 || err != nil {
		t.Fatalf("gave up %d rows: %v", gone, err)
	}
	if c, b, n := r.usage(); c != 2 || b != blockBytes(young.Params(), 2) || n != 1 {
		t.Fatalf("after expiry %d rows, %d bytes, %d blocks", c, b, n)
	}
	found, err := store.Query(t.Context(), query.Query{})
	if err != nil {
		t.Fatal(err)
	}
	if left, _ := found.Rest(); len(left) != 4 { // 2 rows, opening, entry
		t.Fatalf("%d keys left: %v", len(left), left)
	}
	if raw, err := r.shard(t.Context(), youngHeader.Commitment, 200); err != nil || raw == nil {
		t.Fatal("the young block lost a row")
	}
}

func TestRowsBrokenEntry(t *testing.T) {
	store := dssync.MutexWrap(ds.NewMapDatastore())
	if err := store.Put(t.Context(), ds.NewKey("/block/xyz"), []byte("?")); err != nil {
		t.Fatal(err)
	}
	if _, err := openRows(t.Context(), store, 1); err == nil {
		t.Fatal("a broken entry went unnoticed")
	}
}

// failing refuses every commit.
type failing struct{ ds.Batching }

var errDisk = errors.New("disk")

func (f failing) Batch(ctx context.Context) (ds.Batch, error) { return failingBatch{}, nil }

type failingBatch struct{}

func (failingBatch) Put(context.Context, ds.Key, []byte) error { return nil }
func (failingBatch) Delete(context.Context, ds.Key) error      { return nil }
func (failingBatch) Commit(context.Context) error              { return errDisk }

// A failed write is neither counted nor acknowledged.
func TestRowsDiskFault(t *testing.T) {
	r := openTestRows(t, failing{dssync.MutexWrap(ds.NewMapDatastore())})
	b, h := encodeBlock(t, 1, 3000)
	if _, err := putRows(t, r, b, h, 1); !errors.Is(err, errDisk) {
		t.Fatal(err)
	}
	if c, bytes, blocks := r.usage(); c != 0 || bytes != 0 || blocks != 0 {
		t.Fatalf("%d rows, %d bytes, %d blocks counted", c, bytes, blocks)
	}
	if held, _ := r.has(t.Context(), h.Commitment, 1); held {
		t.Fatal("row counts as held")
	}
}

// I1, I4: kad-dht reads held rows and can write nothing.
func TestView(t *testing.T) {
	r := openTestRows(t, dssync.MutexWrap(ds.NewMapDatastore()))
	b, h := encodeBlock(t, 1, 3000)
	if _, err := putRows(t, r, b, h, 5); err != nil {
		t.Fatal(err)
	}
	v := view{&DHT{rows: r, cutter: &cutter{}}}
	file := func(key string) ds.Key {
		return ds.NewKey("/" + Namespace + "/" + base32.RawStdEncoding.EncodeToString([]byte(key)))
	}
	raw, err := v.Get(t.Context(), file(Key(h.Commitment, 5)))
	if err != nil {
		t.Fatal(err)
	}
	rec := new(recpb.Record)
	if err := proto.Unmarshal(raw, rec); err != nil {
		t.Fatal(err)
	}
	if _, err := CheckRecord(string(rec.Key), rec.Value); err != nil || string(rec.Key) != Key(h.Commitment, 5) {
		t.Fatal(err)
	}
	for _, k := range []ds.Key{file(Key(h.Commitment, 6)), ds.NewKey("/pk/AAAA"), ds.NewKey("/x"), file("short")} {
		if _, err := v.Get(t.Context(), k); !errors.Is(err, ds.ErrNotFound) {
			t.Errorf("%s: %v", k, err)
		}
	}
	if v.Put(t.Context(), file(Key(h.Commitment, 6)), raw) == nil || v.Delete(t.Context(), file(Key(h.Commitment, 5))) == nil {
		t.Fatal("the view can be written to")
	}
}
