package e2e

import (
	"bytes"
	"crypto/sha256"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// peerHome makes a network and the home of a peer in it that has run once.
func peerHome(t *testing.T) (n *network, home string) {
	t.Helper()
	n = newNetwork(t, 1)
	home = filepath.Join(n.dir, "peer")
	mustRun(t, "init", "--role", "peer", "--genesis", filepath.Join(n.dir, "genesis.json"), "--home", home)
	mustRun(t, runArgs(home)...)
	return n, home
}

// runArgs run a node for a moment.
func runArgs(home string, more ...string) []string {
	return append([]string{"run", "--home", home, "--listen", "/ip4/127.0.0.1/tcp/0", "--for", "300ms"}, more...)
}

// TestOtherNetwork: a home whose genesis was exchanged refuses its old data and leaves it alone.
func TestOtherNetwork(t *testing.T) {
	long(t)
	n, home := peerHome(t)
	other := filepath.Join(n.dir, "other")
	mustRun(t, "genesis", "new", "--sequencers", "1", "--out", other)
	exchange(t, filepath.Join(home, "genesis.json"), filepath.Join(other, "genesis.json"))

	before := contents(t, filepath.Join(home, "data"))
	_, stderr, code := run(t, runArgs(home)...)
	refused(t, stderr, code, "another network", home)
	unchanged(t, before, contents(t, filepath.Join(home, "data")))

	exchange(t, filepath.Join(home, "genesis.json"), filepath.Join(n.dir, "genesis.json"))
	mustRun(t, runArgs(home)...)
}

// TestBrokenManifest: flipped bytes are named, nothing is touched, and mending them mends the node.
func TestBrokenManifest(t *testing.T) {
	long(t)
	_, home := peerHome(t)
	path := filepath.Join(home, "data", "store", "bedrock.json")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(whole)
	for i := range min(len(flipped), 4) {
		flipped[i] ^= 0xff
	}
	if err := os.WriteFile(path, flipped, 0o600); err != nil {
		t.Fatal(err)
	}
	before := contents(t, filepath.Join(home, "data"))
	_, stderr, code := run(t, runArgs(home)...)
	refused(t, stderr, code, "damaged", "nothing was changed", home)
	unchanged(t, before, contents(t, filepath.Join(home, "data")))

	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	mustRun(t, runArgs(home)...)
}

// TestHomeInUse: a second process on one home is refused, and the first goes on.
func TestHomeInUse(t *testing.T) {
	long(t)
	_, home := peerHome(t)
	first := &peer{name: "peer", home: home}
	first.run(t)
	_, stderr, code := run(t, runArgs(home)...)
	refused(t, stderr, code, "in use", home)
	if status := first.status(t); status.Role != "peer" {
		t.Errorf("the first process answers %+v", status)
	}
	first.proc.interrupt(t)
	mustRun(t, runArgs(home)...)
}

func exchange(t *testing.T, path, by string) {
	t.Helper()
	file, err := os.ReadFile(by)
	if err == nil {
		err = os.WriteFile(path, file, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// contents hashes every file of a directory but lock files.
func contents(t *testing.T, dir string) map[string][32]byte {
	t.Helper()
	files := map[string][32]byte{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Name() == "LOCK" {
			return err
		}
		file, err := os.ReadFile(path)
		files[path] = sha256.Sum256(file)
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files in %s: %v", len(files), dir, err)
	}
	return files
}

func unchanged(t *testing.T, before, after map[string][32]byte) {
	t.Helper()
	for path, hash := range before {
		if after[path] != hash {
			t.Errorf("%s was changed", path)
		}
	}
	for path := range after {
		if _, ok := before[path]; !ok {
			t.Errorf("%s is new", path)
		}
	}
}
