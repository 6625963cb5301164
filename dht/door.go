package dht

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	// maxStreams is how many requests are served at once, maxStreamsPerPeer how many of one peer.
	maxStreams        = 64
	maxStreamsPerPeer = 4
	// banTime is how long a peer that sent something provably wrong is not listened to.
	banTime = 10 * time.Minute
	// maxBans is how many of them are remembered.
	maxBans = 4096
)

// door decides who may have a request served. What is too much is refused at once, not queued: the sender has other
// holders to ask.
type door struct {
	refused atomic.Uint64

	mu     sync.Mutex
	total  int
	inside map[peer.ID]int
	banned map[peer.ID]time.Time // until when
}

func newDoor() *door {
	return &door{inside: make(map[peer.ID]int), banned: make(map[peer.ID]time.Time)}
}

// enter reports whether p may be served; then leave has to follow.
func (d *door) enter(p peer.ID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.total >= maxStreams || d.inside[p] >= maxStreamsPerPeer || d.isBanned(p) {
		d.refused.Add(1)
		return false
	}
	d.total++
	d.inside[p]++
	return true
}

func (d *door) leave(p peer.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.total--
	if d.inside[p]--; d.inside[p] == 0 {
		delete(d.inside, p)
	}
}

func (d *door) isBanned(p peer.ID) bool {
	until, ok := d.banned[p]
	if ok && time.Now().After(until) {
		delete(d.banned, p)
		return false
	}
	return ok
}

// shut bans p for a while. When the list is full, any one entry makes room.
func (d *door) shut(p peer.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.banned) >= maxBans {
		for other := range d.banned {
			delete(d.banned, other)
			break
		}
	}
	d.banned[p] = time.Now().Add(banTime)
}

// open reports whether p may be asked.
func (d *door) open(p peer.ID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.isBanned(p)
}
