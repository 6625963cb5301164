package store

import (
	"context"
	"fmt"
	"testing"

	ds "github.com/ipfs/go-datastore"
	"github.com/ipfs/go-datastore/query"
	dstest "github.com/ipfs/go-datastore/test"
)

func TestDatastoreConformance(t *testing.T) {
	db := openMemory(t)
	defer db.Close()
	dstest.SubtestAll(t, db.Datastore("conformance"))
}

func TestS3DatastorePrefixes(t *testing.T) {
	db := openMemory(t)
	defer db.Close()
	ctx := context.Background()
	short, long, odd := db.Datastore("a"), db.Datastore("a/x"), db.Datastore("")
	for i := range 3 * queryPage {
		must(t, short.Put(ctx, ds.NewKey(fmt.Sprintf("/x/%04d", i)), []byte{byte(i)}))
		must(t, short.Put(ctx, ds.NewKey(fmt.Sprintf("/xy%04d", i)), []byte{byte(i)}))
		must(t, long.Put(ctx, ds.NewKey(fmt.Sprintf("/%04d", i)), []byte{byte(i)}))
		must(t, odd.Put(ctx, ds.NewKey(fmt.Sprintf("/a/x/%04d", i)), []byte{byte(i)}))
	}
	for prefix, want := range map[string]int{"": 6 * queryPage, "/x": 3 * queryPage, "x/": 3 * queryPage, "/xy": 0, "/y": 0, "/x/0000": 0} {
		results, err := short.Query(ctx, query.Query{Prefix: prefix})
		must(t, err)
		entries, err := results.Rest()
		must(t, err)
		if len(entries) != want {
			t.Fatalf("prefix %q: %d entries, want %d", prefix, len(entries), want)
		}
		for i, e := range entries[:min(len(entries), 3*queryPage)] {
			if want := fmt.Sprintf("/x/%04d", i); e.Key != want || e.Value[0] != byte(i) {
				t.Fatalf("entry %d is %q", i, e.Key)
			}
		}
	}
}

func TestQueryEndsWithItsContext(t *testing.T) {
	db := openMemory(t)
	defer db.Close()
	view := db.Datastore("a")
	must(t, view.Put(context.Background(), ds.NewKey("/k"), nil))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	results, err := view.Query(ctx, query.Query{})
	must(t, err)
	if _, err := results.Rest(); err == nil {
		t.Fatal("a query went on after its context ended")
	}
}
