package node

import (
	"path/filepath"
	"testing"

	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// TestJournal: what is kept comes back after a restart, what was dropped does not.
func TestJournal(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	open := func() *store.DB {
		db, err := store.Open(dir, store.Options{Network: types.NetworkID{1}})
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	db := open()
	j := newJournal(db)
	for i := range byte(3) {
		if err := j.Keep(types.Hash{i}, []byte{i, i}); err != nil {
			t.Fatal(err)
		}
	}
	j.Drop([]types.Hash{{1}, {9}})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = open()
	defer db.Close()
	again := newJournal(db)
	found := map[types.Hash]string{}
	if err := again.Each(func(hash types.Hash, envelope []byte) { found[hash] = string(envelope) }); err != nil {
		t.Fatal(err)
	}
	if len(found) != 2 || found[types.Hash{0}] != "\x00\x00" || found[types.Hash{2}] != "\x02\x02" {
		t.Fatalf("after the restart: %v", found)
	}
	again.Drop([]types.Hash{{0}, {2}})
	if err := again.Each(func(hash types.Hash, _ []byte) { t.Errorf("%s is still kept", hash) }); err != nil {
		t.Fatal(err)
	}
}
