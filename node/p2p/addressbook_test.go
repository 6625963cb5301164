package p2p

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/etherscale/bedrock/execution/exectest"
)

// bookID is the peer ID of a test's i-th peer.
func bookID(t testing.TB, i int) peer.ID {
	t.Helper()
	id, err := peer.Decode(exectest.PublicKey(i).PeerID())
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// fullBook has as much as a book may have.
func fullBook(t testing.TB, now time.Time) *addressBook {
	t.Helper()
	b := &addressBook{path: filepath.Join(t.TempDir(), bookFile)}
	for i := range maxBookPeers {
		for j := range maxBookAddrs {
			addrs, err := ParseAddrs([]string{fmt.Sprintf("/dns4/%s.example.org/udp/%d/quic-v1", strings.Repeat("a", 63), 1000+j)})
			if err != nil {
				t.Fatal(err)
			}
			b.met(bookID(t, i), addrs[0], now)
		}
	}
	return b
}

func TestAddressBook(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	b := fullBook(t, now)
	if err := b.save(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(b.path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	got, err := openBook(filepath.Dir(b.path), now)
	if err != nil || len(got.peers) != maxBookPeers || !slices.EqualFunc(got.peers, b.peers, sameEntry) {
		t.Fatalf("%d peers, %v", len(got.peers), err)
	}
	if err := os.Remove(b.path); err != nil {
		t.Fatal(err)
	}
	if err := got.save(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(b.path); err == nil {
		t.Error("a book that says the same is written again")
	}
	got.met(bookID(t, 3), addrsOf(t, "/ip4/45.1.1.1/tcp/7")[0], now)
	i := slices.IndexFunc(got.peers, func(p bookPeer) bool { return p.ID == bookID(t, 3) })
	if addrs := got.peers[i].Addrs; len(addrs) != maxBookAddrs || addrs[0].String() != "/ip4/45.1.1.1/tcp/7" {
		t.Errorf("addresses %v", addrs)
	}
	got.forget(bookID(t, 3))
	if err := got.save(); err != nil {
		t.Fatal(err)
	}
	if again, err := openBook(filepath.Dir(b.path), now); err != nil || len(again.peers) != maxBookPeers-1 {
		t.Errorf("%d peers, %v", len(again.peers), err)
	}
	if old, err := openBook(filepath.Dir(b.path), now.Add(bookAge+time.Hour)); err != nil || len(old.peers) != 0 {
		t.Errorf("%d old peers, %v", len(old.peers), err)
	}
	if none, err := openBook(t.TempDir(), now); err != nil || len(none.peers) != 0 {
		t.Errorf("%d peers of no file, %v", len(none.peers), err)
	}
}

func TestDamagedAddressBookIsEmpty(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	id := bookID(t, 1).String()
	one := fmt.Sprintf(`{"id":%q,"addrs":["/ip4/45.1.1.1/tcp/1"],"seen":1}`, id)
	var many []string
	for i := range maxBookPeers + 1 {
		many = append(many, strings.Replace(one, id, bookID(t, i).String(), 1))
	}
	good := `{"peers":[` + one + `]}`
	if _, err := decodeBook([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]string{
		"nothing":             "",
		"half":                good[:len(good)/2],
		"an unknown key":      strings.Replace(good, `"peers"`, `"x":1,"peers"`, 1),
		"something follows":   good + "{}",
		"no peer ID":          strings.Replace(good, id, "x", 1),
		"twice":               `{"peers":[` + one + "," + one + `]}`,
		"too many":            `{"peers":[` + strings.Join(many, ",") + `]}`,
		"no address":          strings.Replace(good, `"/ip4/45.1.1.1/tcp/1"`, "", 1),
		"too many addresses":  strings.Replace(good, `"/ip4/45.1.1.1/tcp/1"`, strings.Repeat(`"/ip4/45.1.1.1/tcp/1",`, maxBookAddrs)+`"/ip4/45.1.1.1/tcp/1"`, 1),
		"a bad address":       strings.Replace(good, "tcp", "tpc", 1),
		"a circuit":           strings.Replace(good, "/tcp/1", "/tcp/1/p2p/"+id+"/p2p-circuit", 1),
		"no port":             strings.Replace(good, "/tcp/1", "", 1),
		"a very long address": strings.Replace(good, "/ip4/45.1.1.1", "/dns4/"+strings.Repeat("a", maxBookAddr), 1),
		"too long":            good + strings.Repeat(" ", maxBookBytes),
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, bookFile), []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		b, err := openBook(dir, now)
		if !errors.Is(err, errBook) || len(b.peers) != 0 {
			t.Errorf("%s: %d peers, %v", name, len(b.peers), err)
		}
	}
}

func FuzzDecodeBook(f *testing.F) {
	now := time.Unix(1_700_000_000, 0)
	b := fullBook(f, now)
	b.peers = b.peers[:2]
	if err := b.save(); err != nil {
		f.Fatal(err)
	}
	encoded, err := os.ReadFile(b.path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(encoded)
	f.Add([]byte(`{"peers":null}`))
	path := filepath.Join(f.TempDir(), bookFile)
	f.Fuzz(func(t *testing.T, in []byte) {
		peers, err := decodeBook(in)
		if err != nil {
			return
		}
		b := &addressBook{path: path, peers: peers, saved: []bookPeer{{}}}
		if err := b.save(); err != nil {
			t.Fatal(err)
		}
		once, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		again, err := decodeBook(once)
		if err != nil || !slices.EqualFunc(again, peers, sameEntry) {
			t.Errorf("%q is written as %q, read as %v: %v", in, once, again, err)
		}
	})
}
