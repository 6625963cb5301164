package swarm

import (
	"context"
	"crypto/ed25519"
	"math/bits"
	"net"
	"testing"
	"time"

	kb "github.com/libp2p/go-libp2p-kbucket"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/dht"
	"github.com/etherscale/bedrock/sampling"
)

const sybils = 45

// Sybils sit around the key of one row, nearer than any honest server, take the row and give it to nobody. Behind one line
// they count once. With a line each they swallow the row, but no other, and the committee still has it.
func TestSybilsAroundKey(t *testing.T) {
	onStage(t, 24, 3, (*stage).sybils)
}

func (s *stage) sybils() {
	for _, oneLine := range []bool{true, false} {
		b, err := s.n.Certify(128 << 10)
		if err != nil {
			s.Error(err)
			return
		}
		index, keys := s.grind(b)
		for i, key := range keys {
			ip := net.IPv4(99, 9, 9, byte(1+i))
			if !oneLine {
				ip = net.IPv4(101, byte(i), 9, 9)
			}
			p, err := s.n.AddServer(context.Background(), key, ip)
			if err != nil {
				s.Error(err)
				return
			}
			p.Misbehave(swallow)
		}
		time.Sleep(time.Minute)
		if _, err := s.n.Publish(context.Background(), b); err != nil {
			s.Error(err)
		}
		if oneLine {
			for _, m := range s.n.Members() {
				m.Kill()
			}
		}
		s.fetch(b, index, oneLine)
		for _, p := range s.n.Peers[len(s.n.Peers)-sybils:] {
			p.Kill()
		}
		for _, m := range s.n.Members() {
			m.Revive()
		}
	}
}

// fetch has clients get the one row, and sample the block.
func (s *stage) fetch(b *Block, index uint32, oneLine bool) {
	o := b.Coded.Opening()
	v, err := coding.NewVerifier(b.Coded.Params(), b.Coded.Commitment(), o.RowRoot, o.Y)
	if err != nil {
		s.Error(err)
		return
	}
	time.Sleep(rest)
	for _, c := range s.clients[:3] {
		start := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		_, from, err := c.DHT.Get(ctx, b.Header.Header, v, index)
		cancel()
		s.Logf("row among %d Sybils (one line: %v): from %s after %v: %v", sybils, oneLine, from, time.Since(start), err)
		if err != nil {
			s.Errorf("row among %d Sybils (one line: %v): %v", sybils, oneLine, err)
		}
	}
	r, samples := s.sample(s.clients[:3], b, 0)
	for _, x := range samples {
		if x.Verdict != sampling.Available {
			s.Errorf("a block of which Sybils swallowed a row is %s: %+v", x.Verdict, r)
		}
	}
}

// grind finds the row of a block whose nearest server is the farthest, and keys of peers that are nearer to it.
func (s *stage) grind(b *Block) (uint32, []ed25519.PrivateKey) {
	best, row := 256, uint32(0)
	at := make(map[peer.ID][]byte)
	for _, p := range s.n.Peers {
		at[p.ID()] = kb.ConvertPeerID(p.ID())
	}
	for i, near := range s.n.nearest(b, 1) {
		if shared := sharedBits(at[near[0]], keyPlace(b, uint32(i))); shared < best {
			best, row = shared, uint32(i)
		}
	}
	var keys []ed25519.PrivateKey
	for i := 0; len(keys) < sybils; i++ {
		key := keyOf(uint64(b.Header.Header.Height)<<32, i)
		id, err := peer.IDFromPublicKey(mustPublic(key))
		if err == nil && sharedBits(kb.ConvertPeerID(id), keyPlace(b, row)) > best {
			keys = append(keys, key)
		}
	}
	return row, keys
}

func mustPublic(key ed25519.PrivateKey) crypto.PubKey {
	pub, err := crypto.UnmarshalEd25519PublicKey(key.Public().(ed25519.PublicKey))
	if err != nil {
		panic(err) // an Ed25519 key has 32 bytes
	}
	return pub
}

func keyPlace(b *Block, i uint32) []byte { return kb.ConvertKey(dht.Key(b.Coded.Commitment(), i)) }

// sharedBits is the length of the common prefix of two places.
func sharedBits(a, b []byte) int {
	for i := range a {
		if x := a[i] ^ b[i]; x != 0 {
			return 8*i + bits.LeadingZeros8(x)
		}
	}
	return 8 * len(a)
}

// swallow says of every row that it has it, and gives none.
var swallow = onRows(func(s network.Stream, q *question) bool {
	none := make([]byte, (len(q.indices)+7)/8)
	every := make([]byte, len(none))
	for j := range q.indices {
		every[j/8] |= 1 << (j % 8)
	}
	switch q.kind {
	case askOffer:
		_, _ = s.Write(frame(append(append([]byte{q.version, 0, 0}, none...), every...)...))
		_, _ = s.Write(frame(q.version, 0, 0, 0, 0, 0)) // nothing new stored
	case askHas:
		_, _ = s.Write(frame(append([]byte{q.version, 0}, every...)...))
	case askGet:
		_, _ = s.Write(frame(append([]byte{q.version, 0}, none...)...))
	default:
		_, _ = s.Write(frame(q.version, 1))
	}
	_ = s.Close()
	return true
})
