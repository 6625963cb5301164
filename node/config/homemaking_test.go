package config

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// TestHomeMadeTwiceAtOnce: programs that start at once on a fresh directory have one identity, and one of them made it.
func TestHomeMadeTwiceAtOnce(t *testing.T) {
	network := &Network{Genesis: testGenesis(t)}
	dir := filepath.Join(t.TempDir(), "deep", "home")
	homes := make([]*Home, 4)
	var group sync.WaitGroup
	for i := range homes {
		group.Go(func() {
			var err error
			if homes[i], err = MakeHome(dir, network); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if t.Failed() {
		return
	}
	made := 0
	for _, h := range homes {
		if !bytes.Equal(h.Key, homes[0].Key) || !h.Account.Equal(homes[0].Account) {
			t.Error("two identities in one home")
		}
		if h.New {
			made++
		}
	}
	if made != 1 {
		t.Errorf("%d of them say that they made it", made)
	}
	if _, err := os.Stat(filepath.Join(dir, makingFile)); err == nil {
		t.Error("the lock is left in the home")
	}
}

// TestHomeCutOffIsFinished: a home that was being made when the power went is finished by the next start, with what was drawn.
func TestHomeCutOffIsFinished(t *testing.T) {
	network := &Network{Genesis: testGenesis(t)}
	for _, missing := range [][]string{{genesisFile}, {genesisFile, versionFile, File}, {genesisFile, versionFile, File, accountFile}} {
		dir := filepath.Join(t.TempDir(), "home")
		first, err := MakeHome(dir, network)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range missing {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		second, err := MakeHome(dir, network)
		if err != nil {
			t.Fatalf("without %v: %v", missing, err)
		}
		if !bytes.Equal(first.Key, second.Key) {
			t.Errorf("without %v: another key", missing)
		}
		if !IsUnused(filepath.Join(dir, UnusedMark)) {
			t.Errorf("without %v: the key lost its mark", missing)
		}
	}
}

// TestHomeOfAUsedKeyIsNotMarkedUnused: who removed the genesis has a key that may have signed.
func TestHomeOfAUsedKeyIsNotMarkedUnused(t *testing.T) {
	network := &Network{Genesis: testGenesis(t)}
	dir := filepath.Join(t.TempDir(), "home")
	if _, err := MakeHome(dir, network); err != nil {
		t.Fatal(err)
	}
	settings := []byte("profile = 'pi'\n")
	if err := os.WriteFile(filepath.Join(dir, File), settings, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := RemoveUnused(filepath.Join(dir, UnusedMark)); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, genesisFile)); err != nil {
		t.Fatal(err)
	}
	again, err := MakeHome(dir, network)
	if err != nil {
		t.Fatal(err)
	}
	if IsUnused(filepath.Join(dir, UnusedMark)) {
		t.Error("a key that signed is marked as unused")
	}
	if again.Layers.Settings.Profile != ProfilePi {
		t.Error("the settings are lost")
	}
}
