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
	// serverMemory is how long a server is remembered after its last sign of life. It is long enough for sweeps to come
	// by again in a network of thousands: one that nobody asked for a while has not left.
	serverMemory = 30 * time.Minute
	// suspicion is how long a server that failed to answer is passed over.
	suspicion = 15 * time.Second
	// absence is how long a server must have failed to answer, twice at least and without a sign of life, to count as
	// gone: longer than a restart takes. A gone server makes room among the nearest until it answers or connects again;
	// else the others would refuse rows that they are next nearest for.
	absence = 2 * time.Minute
	// oldFailures is when the failure of a server that nobody names any more is forgotten.
	oldFailures = time.Hour
	// heardTTL is how long a server is remembered that another one named; maxHeard bounds how many.
	heardTTL = 10 * time.Minute
	maxHeard = 4096
	// maxNamed is how many are remembered that nobody but one peer named: an honest server names the 20 nearest to itself.
	// Who makes up peers near to keys hides a few rows of thousands, and does not know which are sampled.
	maxNamed = 32
	// maxRoster is the number of servers that repair of copies looks at: far more than are near any row held here.
	maxRoster = 256
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
	heard    map[peer.ID]mention   // named by others
	named    map[peer.ID]int       // how many of heard are by whom
	suspects map[peer.ID]time.Time // until when
	failures map[peer.ID]failure   // since the last sign of life
	table    []server
	wide     []server // table with those heard of
	made     time.Time
	places   map[peer.ID][32]byte
}

// mention is that a server was named.
type mention struct {
	by peer.ID // who did first
	at time.Time
}

// failure is what is known of a server that does not answer.
type failure struct {
	first, last time.Time
	count       int
	met         bool // it had answered, or was connected
}

func (f failure) gone() bool { return f.count >= 2 && f.last.Sub(f.first) >= absence }

func newServers(h host.Host, kad protocol.ID, isServer bool, routing func() []peer.ID) *servers {
	return &servers{
		host: h, kad: kad, routing: routing, isServer: isServer,
		answered: make(map[peer.ID]time.Time), suspects: make(map[peer.ID]time.Time), failures: make(map[peer.ID]failure),
		heard: make(map[peer.ID]mention), named: make(map[peer.ID]int), places: make(map[peer.ID][32]byte),
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
	delete(s.failures, p)
}

// failed notes that p did not answer; it is passed over for a while.
func (s *servers) failed(p peer.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.suspects[p] = now.Add(suspicion)
	f := s.failures[p]
	if f.count == 0 {
		f.first = now
	}
	f.last = now
	f.count++
	_, answered := s.answered[p]
	f.met = f.met || answered
	s.failures[p] = f
	s.made = time.Time{}
}

// heardOf notes that another peer named p as a server. It is asked for rows, but given none before it answered itself.
func (s *servers) heardOf(p, by peer.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, known := s.heard[p]
	if !known {
		if len(s.heard) >= maxHeard || s.named[by] >= maxNamed {
			return
		}
		m.by = by
		s.named[by]++
	}
	m.at = time.Now()
	s.heard[p] = m
}

// forget drops a mention. It is called under mu.
func (s *servers) forget(p peer.ID) {
	by := s.heard[p].by
	delete(s.heard, p)
	if s.named[by]--; s.named[by] <= 0 {
		delete(s.named, by)
	}
}

// list is the current table of servers that were met; it must not be written to.
func (s *servers) list() []server {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refresh(time.Now())
	return s.table
}

// readable is the current table with those that were only heard of: a client meets few servers of a large network, and asks
// the others too. It must not be written to.
func (s *servers) readable() []server {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refresh(time.Now())
	return s.wide
}

// refresh makes the tables anew when they are old.
func (s *servers) refresh(now time.Time) {
	if now.Sub(s.made) < tableAge {
		return
	}
	ids := s.present(now)
	for p, until := range s.suspects {
		if now.After(until) {
			delete(s.suspects, p)
			continue
		}
		delete(ids, p)
	}
	s.table, s.made = s.place(ids), now
	for p, m := range s.heard {
		if now.Sub(m.at) > heardTTL {
			s.forget(p)
			continue
		}
		if _, suspect := s.suspects[p]; !suspect && !s.failures[p].gone() && p != s.host.ID() {
			ids[p] = true
		}
	}
	s.wide = s.place(ids)
}

// roster is the table with those that failed just now and those only heard of, so that it changes only when servers come
// and go: of a large network the maxRoster nearest to this node, who are near the rows that it holds.
func (s *servers) roster() []server {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := s.present(time.Now())
	for p := range s.heard {
		if !s.failures[p].gone() && p != s.host.ID() {
			ids[p] = true
		}
	}
	table := s.place(ids)
	if len(table) <= maxRoster {
		return table
	}
	table = s.nearestToSelf(table)[:maxRoster]
	slices.SortFunc(table, func(a, b server) int { return bytes.Compare(a.place[:], b.place[:]) })
	return table
}

// nearestToSelf sorts a table by the distance to the own node.
func (s *servers) nearestToSelf(table []server) []server {
	self := [32]byte(kb.ConvertPeerID(s.host.ID()))
	slices.SortFunc(table, func(a, b server) int {
		x, y := xor(a.place, self), xor(b.place, self)
		return bytes.Compare(x[:], y[:])
	})
	return table
}

func xor(a, b [32]byte) (d [32]byte) {
	for i := range d {
		d[i] = a[i] ^ b[i]
	}
	return d
}

// lost is the share of the servers met in the last hour that are gone.
func (s *servers) lost() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	met, gone := len(s.present(time.Now())), 0
	for _, f := range s.failures {
		if f.gone() && f.met {
			gone++
		}
	}
	return float64(gone) / float64(max(1, met+gone))
}

// silent lists the servers that failed to answer and are not gone yet.
func (s *servers) silent() []peer.ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []peer.ID
	for p, f := range s.failures {
		if !f.gone() {
			out = append(out, p)
		}
	}
	return out
}

// present are all servers that there is reason to believe in, whether they answer just now or not.
func (s *servers) present(now time.Time) map[peer.ID]bool {
	ids := make(map[peer.ID]bool)
	for _, p := range s.routing() {
		ids[p] = true
	}
	for p, at := range s.answered {
		if now.Sub(at) > serverMemory {
			delete(s.answered, p)
			continue
		}
		ids[p] = true
	}
	for p, f := range s.failures {
		switch {
		case !ids[p] && now.Sub(f.last) > oldFailures:
			delete(s.failures, p)
		case f.gone():
			delete(ids, p)
		}
	}
	for _, p := range s.host.Network().Peers() {
		if speaks, err := s.host.Peerstore().SupportsProtocols(p, s.kad); err == nil && len(speaks) > 0 {
			ids[p] = true
		}
	}
	delete(ids, s.host.ID())
	if s.isServer {
		ids[s.host.ID()] = true
	}
	return ids
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
		best = insert(best, candidate{id: s.id, group: s.group, distance: xor(s.place, target)}, n)
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
