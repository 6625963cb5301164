package store

import (
	"bytes"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"
)

func openMemory(t interface{ Fatal(...any) }) *DB {
	db, err := OpenFS(vfs.NewMem(), "data", Options{Network: testNetwork})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// TestS3SpacesAgainstMap runs random operations on two neighbouring spaces beside a plain map.
func TestS3SpacesAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		db := openMemory(t)
		defer db.Close()
		spaces := []Space{SpaceSampling, SpaceTransactions} // 's' and 't' touch
		model := map[Space]map[string][]byte{spaces[0]: {}, spaces[1]: {}}
		genKey := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 0x7f, 0xfe, 0xff}), 0, 3)
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			s := rapid.SampledFrom(spaces).Draw(t, "space")
			key := genKey.Draw(t, "key")
			switch rapid.IntRange(0, 3).Draw(t, "op") {
			case 0, 1:
				value := rapid.SliceOfN(rapid.Byte(), 0, 4).Draw(t, "value")
				must(t, db.Set(s, key, value, Unsynced))
				model[s][string(key)] = value
			case 2:
				must(t, db.Delete(s, key, Unsynced))
				delete(model[s], string(key))
			case 3:
				b := db.Batch()
				b.DeleteRange(s, key, nil)
				must(t, b.Commit(Unsynced))
				for k := range model[s] {
					if bytes.Compare([]byte(k), key) >= 0 {
						delete(model[s], k)
					}
				}
			}
		}
		for _, s := range spaces {
			compareSpace(t, db, s, model[s], genKey.Draw(t, "probe"))
		}
	})
}

func compareSpace(t *rapid.T, db *DB, s Space, model map[string][]byte, probe []byte) {
	var keys []string
	for k := range model {
		if bytes.Compare([]byte(k), probe) >= 0 {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, reverse := range []bool{false, true} {
		var got []string
		must(t, db.Scan(s, Range{From: probe, Reverse: reverse}, func(k, v []byte) error {
			got = append(got, string(k))
			if !bytes.Equal(v, model[string(k)]) {
				t.Fatalf("%c %x: %x, want %x", s, k, v, model[string(k)])
			}
			return nil
		}))
		if !slices.Equal(got, keys) {
			t.Fatalf("space %c from %x reverse %v: %x, want %x", s, probe, reverse, got, keys)
		}
		slices.Reverse(keys)
	}
	value, err := db.Get(s, probe)
	want, there := model[string(probe)]
	if has, _ := db.Has(s, probe); has != there || there != (err == nil) || !bytes.Equal(value, want) {
		t.Fatalf("%c %x: has %v, %x, %v; want %x", s, probe, has, value, err, want)
	}
	if !there && !errors.Is(err, ErrNotFound) {
		t.Fatal(err)
	}
}

func must(t interface{ Fatal(...any) }, err error) {
	if err != nil {
		t.Fatal(err)
	}
}

func TestScanStops(t *testing.T) {
	db := openMemory(t)
	defer db.Close()
	for i := range uint64(10) {
		must(t, db.Set(SpaceNode, BigEndian(i), nil, Unsynced))
	}
	seen := 0
	must(t, db.Scan(SpaceNode, Range{}, func(_, _ []byte) error {
		if seen++; seen == 3 {
			return ErrStop
		}
		return nil
	}))
	if seen != 3 {
		t.Fatalf("visited %d", seen)
	}
	boom := errors.New("boom")
	if err := db.Scan(SpaceNode, Range{}, func(_, _ []byte) error { return boom }); !errors.Is(err, boom) {
		t.Fatal(err)
	}
}

func TestCloseWaitsForScanAndRefusesItsCalls(t *testing.T) {
	db := openMemory(t)
	must(t, db.Set(SpaceNode, []byte("k"), []byte("v"), Unsynced))
	inside, closing := make(chan struct{}), make(chan error, 1)
	var once sync.Once
	go func() {
		<-inside
		closing <- db.Close()
	}()
	err := db.Scan(SpaceNode, Range{}, func(_, _ []byte) error {
		once.Do(func() { close(inside) })
		for {
			if _, err := db.Get(SpaceNode, []byte("k")); err != nil {
				return err
			}
		}
	})
	if !errors.Is(err, ErrClosed) {
		t.Fatalf("scan while closing: %v", err)
	}
	must(t, <-closing)
}
