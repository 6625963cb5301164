package dht

import (
	"bytes"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	kb "github.com/libp2p/go-libp2p-kbucket"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

const (
	// serverMemory is how long a server is remembered after its last sign of life.
	serverMemory = 5 * time.Minute
	// suspicion is how long a server that failed to answer is passed over.
	suspicion = 15 * time.Second
	// tableAge is how old the cached table may get before it is made anew.
	tableAge = 500 * time.Millisecond
)

// server is a DHT server with its place in the key space.
type server struct {
	id    peer.ID
	place [32]byte
	group string // network group of a public address; "" for loopback, private or unknown addresses
}

// servers keeps the table of DHT servers: those in kad-dht's routing table, those connected that speak its protocol,
// and those that answered a sweep. It is safe for concurrent use.
type servers struct {
	host     host.Host
	kad      protocol.ID
	routing  func() []peer.ID // kad-dht's routing table
	isServer bool             // whether the own node is one
	whole    atomic.Bool      // the last sweep met every server there is

	mu       sync.Mutex
	answered map[peer.ID]time.Time
	suspects map[peer.ID]time.Time // until when
	table    []server
	made     time.Time
	places   map[peer.ID][32]byte
}

func newServers(h host.Host, kad protocol.ID, isServer bool, routing func() []peer.ID) *servers {
	return &servers{
		host: h, kad: kad, routing: routing, isServer: isServer,
		answered: make(map[peer.ID]time.Time), suspects: make(map[peer.ID]time.Time), places: make(map[peer.ID][32]byte),
	}
}

// alive notes that p answered as a server.
func (s *servers) alive(p peer.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.answered[p]; !known || s.suspects[p] != (time.Time{}) {
		s.made = time.Time{}
	}
	s.answered[p] = time.Now()
	delete(s.suspects, p)
}

// failed notes that p did not answer; it is passed over for a while.
func (s *servers) failed(p peer.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.suspects[p] = time.Now().Add(suspicion)
	s.made = time.Time{}
}

// list is the current table; it must not be written to.
func (s *servers) list() []server {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if now.Sub(s.made) < tableAge {
		return s.table
	}
	s.table, s.made = s.build(now), now
	return s.table
}

func (s *servers) build(now time.Time) []server {
	ids := make(map[peer.ID]bool)
	for _, p := range s.routing() {
		ids[p] = true
	}
	for _, p := range s.host.Network().Peers() {
		if speaks, err := s.host.Peerstore().SupportsProtocols(p, s.kad); err == nil && len(speaks) > 0 {
			ids[p] = true
		}
	}
	for p, at := range s.answered {
		if now.Sub(at) > serverMemory {
			delete(s.answered, p)
			continue
		}
		ids[p] = true
	}
	for p, until := range s.suspects {
		if now.After(until) {
			delete(s.suspects, p)
			continue
		}
		delete(ids, p)
	}
	delete(ids, s.host.ID())
	if s.isServer {
		ids[s.host.ID()] = true
	}
	return s.place(ids)
}

func (s *servers) place(ids map[peer.ID]bool) []server {
	table := make([]server, 0, len(ids))
	for p := range ids {
		place, ok := s.places[p]
		if !ok {
			place = [32]byte(kb.ConvertPeerID(p))
			s.places[p] = place
		}
		table = append(table, server{id: p, place: place, group: networkGroup(s.host.Peerstore().Addrs(p))})
	}
	if len(s.places) > 4*len(ids)+1024 {
		s.places = make(map[peer.ID][32]byte)
	}
	slices.SortFunc(table, func(a, b server) int { return bytes.Compare(a.place[:], b.place[:]) })
	return table
}

// nearest returns the n servers nearest to a DHT key by the XOR metric, nearest first; of servers in one network group
// only the nearest counts, so that many identities behind one line buy no more than one place.
func nearest(table []server, key string, n int) []peer.ID {
	target := [32]byte(kb.ConvertKey(key))
	best := make([]candidate, 0, n+1)
	for _, s := range table {
		c := candidate{id: s.id, group: s.group}
		for i := range c.distance {
			c.distance[i] = s.place[i] ^ target[i]
		}
		best = insert(best, c, n)
	}
	out := make([]peer.ID, len(best))
	for i := range best {
		out[i] = best[i].id
	}
	return out
}

type candidate struct {
	id       peer.ID
	group    string
	distance [32]byte
}

// insert keeps best sorted by distance, at most n long, with one candidate a group.
func insert(best []candidate, c candidate, n int) []candidate {
	if len(best) == n && bytes.Compare(c.distance[:], best[n-1].distance[:]) >= 0 {
		return best
	}
	if c.group != "" {
		for i, b := range best {
			if b.group != c.group {
				continue
			}
			if bytes.Compare(b.distance[:], c.distance[:]) <= 0 {
				return best
			}
			best = slices.Delete(best, i, i+1)
			break
		}
	}
	at, _ := slices.BinarySearchFunc(best, c, func(a, b candidate) int { return bytes.Compare(a.distance[:], b.distance[:]) })
	best = slices.Insert(best, at, c)
	return best[:min(len(best), n)]
}

// networkGroup is the /24 or /48 of the first public address, or "".
func networkGroup(addrs []ma.Multiaddr) string {
	for _, a := range addrs {
		if !manet.IsPublicAddr(a) {
			continue
		}
		ip, err := manet.ToIP(a)
		if err != nil {
			continue
		}
		if v4 := ip.To4(); v4 != nil {
			return string(v4[:3])
		}
		return string(ip[:6])
	}
	return ""
}
