package config

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/etherscale/bedrock/types"
)

func testGenesis(t *testing.T) *types.Genesis {
	t.Helper()
	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	g, err := NewGenesis(GenesisOptions{Name: "test", ChainID: 1, Time: time.Unix(1_700_000_000, 0), Payload: types.PayloadEthereum,
		Committee: []types.PublicKey{PublicKeyOf(key)}})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestHomeRoundTrip(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "home")
	made, err := InitHome(dir, testGenesis(t), Identity{}, Settings{Role: Light, RPC: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := LoadHome(dir)
	if err != nil {
		t.Fatal(err)
	}
	want, _ := made.Genesis.NetworkID()
	got, _ := loaded.Genesis.NetworkID()
	if want != got || !bytes.Equal(made.Key, loaded.Key) || !made.Account.Equal(loaded.Account) || loaded.Layers.Settings.Role != Light || loaded.Layers.Settings.RPC != "127.0.0.1:0" {
		t.Fatalf("loaded %+v", loaded.Layers.Settings)
	}
	if !IsUnused(filepath.Join(dir, UnusedMark)) {
		t.Error("a fresh key is not marked as unused")
	}
	for range 2 { // the second time after a crash that followed the first
		if err := RemoveUnused(filepath.Join(dir, UnusedMark)); err != nil || IsUnused(filepath.Join(dir, UnusedMark)) {
			t.Errorf("the mark of an unused key is still there: %v", err)
		}
	}
	for path, mode := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, keyFile): 0o600, filepath.Join(dir, accountFile): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: mode %v, want %v", path, info.Mode().Perm(), mode)
		}
	}
	if _, err := InitHome(dir, testGenesis(t), Identity{}, Settings{Role: Peer}); err == nil {
		t.Error("a home was overwritten")
	}
}

// TestHomeRefuses: each broken file is named, with what to do.
func TestHomeRefuses(t *testing.T) {
	cases := map[string]struct {
		spoil func(dir string) error
		want  string
	}{
		"unknown key": {func(d string) error {
			return os.WriteFile(filepath.Join(d, File), []byte("role = 'peer'\nrpcc = 'x'\n"), 0o600)
		}, "rpcc"},
		"unknown role": {func(d string) error {
			return os.WriteFile(filepath.Join(d, File), []byte("role = 'king'\n"), 0o600)
		}, "king"},
		"open key":     {func(d string) error { return os.Chmod(filepath.Join(d, keyFile), 0o644) }, "chmod 600"},
		"short key":    {func(d string) error { return os.WriteFile(filepath.Join(d, keyFile), []byte("abcd"), 0o600) }, "64 hex digits"},
		"open account": {func(d string) error { return os.Chmod(filepath.Join(d, accountFile), 0o644) }, "chmod 600"},
		"bad account":  {func(d string) error { return os.WriteFile(filepath.Join(d, accountFile), []byte("{"), 0o600) }, "account.json is damaged"},
		"genesis":      {func(d string) error { return os.WriteFile(filepath.Join(d, genesisFile), []byte("{}"), 0o600) }, "chainId"},
		"network file": {func(d string) error { return os.WriteFile(filepath.Join(d, networkCopy), []byte("{}"), 0o600) }, "put the network file there again"},
		"no home":      {func(d string) error { return os.Remove(filepath.Join(d, genesisFile)) }, "bedrock init"},
	}
	for name, c := range cases {
		dir := filepath.Join(t.TempDir(), "home")
		if _, err := InitHome(dir, testGenesis(t), Identity{}, Settings{Role: Peer}); err != nil {
			t.Fatal(err)
		}
		if err := c.spoil(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadHome(dir); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	dir := filepath.Join(t.TempDir(), "home")
	if _, err := InitHome(dir, testGenesis(t), Identity{}, Settings{Role: Peer}); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, keyFile), 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadHome(dir); !errors.Is(err, ErrKeyMode) {
		t.Errorf("group-readable key: %v", err)
	}
}

// TestKeyFileLimits: a key file is short.
func TestKeyFileLimits(t *testing.T) {
	path := filepath.Join(t.TempDir(), keyFile)
	digits := strings.Repeat("ab", 32)
	for size, good := range map[int]bool{maxKeyBytes: true, maxKeyBytes + 1: false} {
		if err := os.WriteFile(path, []byte(digits+strings.Repeat("\n", size-len(digits))), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readKey(path); (err == nil) != good || !good && !errors.Is(err, ErrNoKey) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}
