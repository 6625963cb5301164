package p2p

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/etherscale/bedrock/node/internal/durable"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"
)

const (
	bookFile = "peers.json" // in the data directory
	// maxBookBytes bounds the file: as many peers as there may be, with the longest addresses.
	maxBookBytes = 128 << 10
	// maxBookPeers is how many peers are remembered, the last seen ones.
	maxBookPeers = 100
	// maxBookAddrs is how many addresses are remembered of each, the last used ones.
	maxBookAddrs = 4
	// maxBookAddr is the longest address remembered, as text.
	maxBookAddr = 256
	// bookAge is how long a peer that was not met again is remembered.
	bookAge = 30 * 24 * time.Hour
)

// errBook is the error of a damaged address book.
var errBook = errors.New("damaged address book")

// addressBook remembers where peers were reached, so that the next start needs none of the nodes to join by. It holds what
// was dialled with success alone: a stranger cannot write into it by naming addresses. It is not safe for concurrent use.
type addressBook struct {
	path  string
	peers []bookPeer // last seen first
	saved []bookPeer // what the file has
}

// bookPeer is one peer with the addresses that worked, the newest first and without its ID.
type bookPeer struct {
	ID    peer.ID
	Addrs []multiaddr.Multiaddr
	Seen  time.Time // to the second
}

// bookJSON is the file.
type bookJSON struct {
	Peers []bookPeerJSON `json:"peers"`
}

type bookPeerJSON struct {
	ID    string   `json:"id"`
	Addrs []string `json:"addrs"`
	Seen  int64    `json:"seen"` // Unix seconds
}

// openBook reads the address book of a data directory. A missing file is an empty book; so is a damaged one, which the error
// (errBook) tells of: nothing is lost but time.
func openBook(dir string, now time.Time) (*addressBook, error) {
	b := &addressBook{path: filepath.Join(dir, bookFile)}
	f, err := os.Open(b.path)
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err != nil {
		return b, fmt.Errorf("address book: %w", err)
	}
	defer f.Close()
	encoded, err := io.ReadAll(io.LimitReader(f, maxBookBytes+1))
	if err != nil {
		return b, fmt.Errorf("%s: %w", b.path, err)
	}
	peers, err := decodeBook(encoded)
	if err != nil {
		return b, fmt.Errorf("%s: %w", b.path, err)
	}
	b.saved = peers
	b.peers = slices.DeleteFunc(slices.Clone(peers), func(p bookPeer) bool { return now.Sub(p.Seen) > bookAge || p.Seen.After(now) })
	return b, nil
}

// decodeBook reads a file's content strictly.
func decodeBook(encoded []byte) ([]bookPeer, error) {
	if len(encoded) > maxBookBytes {
		return nil, fmt.Errorf("%w: larger than %d bytes", errBook, maxBookBytes)
	}
	d := json.NewDecoder(bytes.NewReader(encoded))
	d.DisallowUnknownFields()
	var file bookJSON
	if err := d.Decode(&file); err != nil {
		return nil, fmt.Errorf("%w: %w", errBook, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: something follows its end", errBook)
	}
	if len(file.Peers) > maxBookPeers {
		return nil, fmt.Errorf("%w: %d peers, at most %d", errBook, len(file.Peers), maxBookPeers)
	}
	peers := make([]bookPeer, 0, len(file.Peers))
	known := make(map[peer.ID]bool)
	for _, entry := range file.Peers {
		p, err := entry.decode()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errBook, err)
		}
		if known[p.ID] {
			return nil, fmt.Errorf("%w: %s twice", errBook, p.ID)
		}
		known[p.ID] = true
		peers = append(peers, p)
	}
	return peers, nil
}

func (e bookPeerJSON) decode() (p bookPeer, err error) {
	if p.ID, err = peer.Decode(e.ID); err != nil {
		return p, fmt.Errorf("peer ID: %w", err)
	}
	if len(e.Addrs) == 0 || len(e.Addrs) > maxBookAddrs {
		return p, fmt.Errorf("%d addresses of %s, want 1 to %d", len(e.Addrs), p.ID, maxBookAddrs)
	}
	for _, text := range e.Addrs {
		if len(text) > maxBookAddr {
			return p, fmt.Errorf("address of %s is longer than %d", p.ID, maxBookAddr)
		}
		a, err := multiaddr.NewMultiaddr(text)
		if err != nil {
			return p, fmt.Errorf("address of %s: %w", p.ID, err)
		}
		if has(a, multiaddr.P_P2P) || portOf(a) == "" {
			return p, fmt.Errorf("address %s of %s is none that can be dialled", a, p.ID)
		}
		p.Addrs = append(p.Addrs, a)
	}
	p.Seen = time.Unix(e.Seen, 0)
	return p, nil
}

// save writes the file if peers or addresses changed since, or all is older by an hour.
func (b *addressBook) save() error {
	if slices.EqualFunc(b.peers, b.saved, sameEntry) {
		return nil
	}
	file := bookJSON{Peers: make([]bookPeerJSON, 0, len(b.peers))}
	for _, p := range b.peers {
		entry := bookPeerJSON{ID: p.ID.String(), Seen: p.Seen.Unix()}
		for _, a := range p.Addrs {
			entry.Addrs = append(entry.Addrs, a.String())
		}
		file.Peers = append(file.Peers, entry)
	}
	encoded, err := json.MarshalIndent(file, "", " ")
	if err != nil {
		return fmt.Errorf("address book: %w", err)
	}
	if err := durable.Replace(b.path, append(encoded, '\n')); err != nil {
		return fmt.Errorf("address book: %w", err)
	}
	b.saved = slices.Clone(b.peers)
	return nil
}

// sameEntry compares what is worth a write to a memory card.
func sameEntry(a, b bookPeer) bool {
	return a.ID == b.ID && a.Seen.Sub(b.Seen).Abs() < time.Hour && slices.EqualFunc(a.Addrs, b.Addrs, multiaddr.Multiaddr.Equal)
}

// note remembers the peers that the host is connected with over connections that it dialled itself. A peer behind a router
// has a relay, and where it was met is no place to find it again.
func (b *addressBook) note(h host.Host, now time.Time) {
	for _, c := range h.Network().Conns() {
		a := c.RemoteMultiaddr()
		if c.Stat().Direction != network.DirOutbound || c.Stat().Limited || has(a, multiaddr.P_P2P) || len(a.String()) > maxBookAddr {
			continue
		}
		if !slices.ContainsFunc(h.Peerstore().Addrs(c.RemotePeer()), IsRelayed) {
			b.met(c.RemotePeer(), a, now)
		}
	}
	slices.SortStableFunc(b.peers, func(x, y bookPeer) int { return cmp.Or(y.Seen.Compare(x.Seen), cmp.Compare(x.ID, y.ID)) })
	b.peers = b.peers[:min(len(b.peers), maxBookPeers)]
}

func (b *addressBook) met(id peer.ID, a multiaddr.Multiaddr, now time.Time) {
	i := slices.IndexFunc(b.peers, func(p bookPeer) bool { return p.ID == id })
	if i < 0 {
		b.peers = append(b.peers, bookPeer{ID: id})
		i = len(b.peers) - 1
	}
	p := &b.peers[i]
	p.Seen = now.Truncate(time.Second)
	if slices.ContainsFunc(p.Addrs, a.Equal) {
		return
	}
	p.Addrs = append([]multiaddr.Multiaddr{a}, p.Addrs...)
	p.Addrs = p.Addrs[:min(len(p.Addrs), maxBookAddrs)]
}

// forget drops a peer that was not where the book says.
func (b *addressBook) forget(id peer.ID) {
	b.peers = slices.DeleteFunc(b.peers, func(p bookPeer) bool { return p.ID == id })
}
