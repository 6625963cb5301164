package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/etherscale/bedrock/types"
)

var testNetwork = types.NetworkID{1, 2, 3}

func openTest(t *testing.T, dir string) *DB {
	t.Helper()
	db, err := Open(dir, Options{Network: testNetwork, MinFree: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestS2RefusesWhatItCannotUse(t *testing.T) {
	cases := []struct {
		name    string
		prepare func(t *testing.T, dir string)
		network types.NetworkID
		want    error
		says    string
	}{
		{"in use", func(t *testing.T, dir string) { openTest(t, dir) }, testNetwork, ErrInUse, "stop it"},
		{"other network", func(*testing.T, string) {}, types.NetworkID{9}, ErrOtherNetwork, "genesis file"},
		{"newer schema", func(t *testing.T, dir string) {
			write(t, dir, manifestName, `{"schema":2,"network":"`+testNetwork.String()+`"}`)
		}, testNetwork, ErrVersion, "newer program"},
		{"manifest is no JSON", func(t *testing.T, dir string) { write(t, dir, manifestName, "{") }, testNetwork, ErrBroken, "nothing was changed"},
		{"manifest is too long", func(t *testing.T, dir string) {
			write(t, dir, manifestName, strings.Repeat(" ", maxManifestBytes+1))
		}, testNetwork, ErrBroken, "nothing was changed"},
		{"manifest is lost", func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, manifestName)); err != nil {
				t.Fatal(err)
			}
		}, testNetwork, ErrBroken, "restore"},
		{"pebble is damaged", func(t *testing.T, dir string) { overwrite(t, filepath.Join(dir, dbName, "MANIFEST-*")) },
			testNetwork, ErrBroken, "restore"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := openTest(t, dir).Close(); err != nil {
				t.Fatal(err)
			}
			c.prepare(t, dir)
			db, err := Open(dir, Options{Network: c.network, MinFree: 1})
			if err == nil {
				_ = db.Close()
			}
			if !errors.Is(err, c.want) {
				t.Fatalf("have %v, want %v", err, c.want)
			}
			if !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), dir) {
				t.Fatalf("%q does not say %q and the directory", err, c.says)
			}
		})
	}
}

func write(t *testing.T, dir, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func overwrite(t *testing.T, pattern string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no %s: %v", pattern, err)
	}
	for _, f := range files {
		if err := os.WriteFile(f, []byte("this is no manifest, whatever its name says"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRefusalGivesTheLockBack(t *testing.T) {
	dir := t.TempDir()
	if err := openTest(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{Network: types.NetworkID{9}}); !errors.Is(err, ErrOtherNetwork) {
		t.Fatal(err)
	}
	openTest(t, dir)
}

func TestReopenKeepsValuesAndManifest(t *testing.T) {
	dir := t.TempDir()
	db := openTest(t, dir)
	if err := db.Set(SpaceNode, []byte("k"), []byte("v"), Synced); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Get(SpaceNode, []byte("k")); !errors.Is(err, ErrClosed) {
		t.Fatalf("Get after Close: %v", err)
	}
	if err := db.Close(); !errors.Is(err, ErrClosed) {
		t.Fatalf("second Close: %v", err)
	}
	m, err := ReadManifest(dir)
	if err != nil || m.Schema != Schema || types.NetworkID(m.Network) != testNetwork {
		t.Fatalf("manifest %+v, %v", m, err)
	}
	if v, err := openTest(t, dir).Get(SpaceNode, []byte("k")); err != nil || string(v) != "v" {
		t.Fatalf("%q, %v", v, err)
	}
}

func TestReadOnly(t *testing.T) {
	dir := t.TempDir()
	opts := Options{Network: testNetwork, ReadOnly: true}
	if _, err := Open(dir, opts); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("empty directory: %v", err)
	}
	db := openTest(t, dir)
	if err := errors.Join(db.Set(SpaceNode, []byte("k"), []byte("v"), Synced), db.Close()); err != nil {
		t.Fatal(err)
	}
	db, err := Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if v, err := db.Get(SpaceNode, []byte("k")); err != nil || string(v) != "v" {
		t.Fatalf("%q, %v", v, err)
	}
	if err := db.Set(SpaceNode, []byte("k"), nil, Synced); !errors.Is(err, ErrReadOnly) {
		t.Fatalf("write: %v", err)
	}
}

func TestS4StopsBeforeTheDiskIsFull(t *testing.T) {
	dir := t.TempDir()
	db := openTest(t, dir)
	if err := db.Set(SpaceNode, []byte("k"), []byte("v"), Synced); err != nil {
		t.Fatal(err)
	}
	db.minFree = 1 << 62
	if err := db.Set(SpaceNode, []byte("l"), []byte("v"), Synced); !errors.Is(err, ErrDiskFull) {
		t.Fatalf("write: %v", err)
	}
	if _, err := db.Get(SpaceNode, []byte("l")); !errors.Is(err, ErrNotFound) {
		t.Fatalf("refused write is visible: %v", err)
	}
	if err := db.Delete(SpaceNode, []byte("k"), Synced); err != nil {
		t.Fatalf("delete: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{Network: testNetwork, MinFree: 1 << 62}); !errors.Is(err, ErrDiskFull) {
		t.Fatalf("open: %v", err)
	}
}

func FuzzDecodeManifest(f *testing.F) {
	f.Add([]byte(`{"schema":1,"network":"` + testNetwork.String() + `"}`))
	f.Add([]byte(`{"schema":0}`))
	f.Add([]byte(`{"schema":1}{}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		m, err := decodeManifest(content)
		if err == nil && m.Schema < 1 {
			t.Fatalf("accepted %+v", m)
		}
	})
}
