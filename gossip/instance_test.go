package gossip

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/etherscale/bedrock/types"
)

func pushes(types.Member, *types.Push) {}

// twinOf starts a second process with the key of host i, connected to host at.
func (s *swarm) twinOf(i, at int, h Handlers) *Gossip {
	s.t.Helper()
	key := s.hosts[i].Peerstore().PrivKey(s.hosts[i].ID())
	raw, err := key.Raw()
	if err != nil {
		s.t.Fatal(err)
	}
	s.hosts = append(s.hosts, newHost(s.t, raw))
	g, _ := s.start(len(s.hosts)-1, h)
	s.connect(len(s.hosts)-1, at)
	return g
}

// ask asks until the member answers: the handlers of others may not be there yet.
func askElsewhere(t *testing.T, g *Gossip, at types.Member) (twin, sure bool) {
	t.Helper()
	for until := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		twin, sure, err := g.Elsewhere(ctx, 0, at)
		cancel()
		if err == nil {
			return twin, sure
		}
		if time.Now().After(until) {
			t.Fatal(err)
		}
	}
}

// TestTwinsAreFound: of two processes with one key each learns of the other from a member that both are connected to, and who is
// alone learns that.
func TestTwinsAreFound(t *testing.T) {
	s := newSwarm(t, 3, 0)
	h := Handlers{Push: pushes}
	first, _ := s.start(0, h)
	s.start(1, h)
	s.connect(0, 1)
	if twin, sure := askElsewhere(t, first, 1); twin || !sure {
		t.Errorf("alone: twin %t, sure %t", twin, sure)
	}
	second := s.twinOf(0, 1, h)
	for name, g := range map[string]*Gossip{"first": first, "second": second} {
		if twin, _ := askElsewhere(t, g, 1); !twin {
			t.Errorf("the %s does not learn of the other", name)
		}
	}
}

// TestSilentTwinIsNotExcluded: a process that does not speak the protocol, as an older program, leaves the question open.
func TestSilentTwinIsNotExcluded(t *testing.T) {
	s := newSwarm(t, 2, 0)
	first, _ := s.start(0, Handlers{Push: pushes})
	s.start(1, Handlers{Push: pushes})
	s.connect(0, 1)
	askElsewhere(t, first, 1)
	s.twinOf(0, 1, Handlers{})
	if twin, sure := askElsewhere(t, first, 1); twin || sure {
		t.Errorf("beside one that does not answer: twin %t, sure %t", twin, sure)
	}
}

// TestInstancesAreStrict: answers that no honest member gives prove nothing and cost their sender.
func TestInstancesAreStrict(t *testing.T) {
	s := newSwarm(t, 2, 0)
	g, _ := s.start(0, Handlers{Push: pushes})
	nonce := bytes.Repeat([]byte{7}, nonceSize)
	own, err := g.signInstance(nonce)
	if err != nil {
		t.Fatal(err)
	}
	other := bytes.Clone(own)
	other[0] ^= 1
	stale, err := g.signInstance(bytes.Repeat([]byte{8}, nonceSize))
	if err != nil {
		t.Fatal(err)
	}
	for i, bad := range [][]byte{{}, own, append([]byte{0}, own[1:]...), append([]byte{0}, other...), append([]byte{0}, stale...), append([]byte{0, 0}, own...)} {
		from := peer.ID([]byte{byte(i)})
		if twin, sure, err := g.readInstances(from, nonce, bad); err == nil || twin || sure || !g.peers.distrusted(from) {
			t.Errorf("answer %d: twin %t, sure %t, %v", i, twin, sure, err)
		}
	}
	for _, c := range []struct {
		answer []byte
		sure   bool
	}{{append([]byte{0}, own...), true}, {append([]byte{1}, own...), false}, {[]byte{0}, false}, {append(append([]byte{0}, own...), own...), true}} {
		if twin, sure, err := g.readInstances("x", nonce, c.answer); err != nil || twin || sure != c.sure {
			t.Errorf("%x: twin %t, sure %t, %v", c.answer, twin, sure, err)
		}
	}
}

// TestInstanceRequests: a request of the wrong size or kind, and the second question of a stranger, are refused.
func TestInstanceRequests(t *testing.T) {
	s := newSwarm(t, 2, 1)
	g, _ := s.start(0, Handlers{Push: pushes})
	member, stranger := s.hosts[1].ID(), s.hosts[2].ID()
	nonce := sha256.Sum256(nil)
	for _, c := range []struct {
		from    peer.ID
		request []byte
		want    status
	}{
		{member, nil, statusRefused}, {member, nonce[:], statusRefused}, {member, append([]byte{0}, nonce[:]...), statusRefused},
		{member, append([]byte{askInstance}, append(nonce[:], 0)...), statusRefused},
		{stranger, append([]byte{askInstances}, nonce[:]...), statusRefused},
		{stranger, append([]byte{askInstance}, nonce[:]...), statusOK}, {member, append([]byte{askInstances}, nonce[:]...), statusOK},
	} {
		if got, _ := g.answerInstance(t.Context(), c.from, c.request); got != c.want {
			t.Errorf("%x: status %d, want %d", c.request, got, c.want)
		}
	}
}

// FuzzInstances: whatever a member answers, only a signature of the own key makes a twin.
func FuzzInstances(f *testing.F) {
	f.Add([]byte{0})
	f.Add(make([]byte, 1+instanceAnswer))
	f.Add(make([]byte, 2+maxInstances*instanceAnswer))
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	self, err := PeerIDOf(types.PublicKey(key.Public().(ed25519.PublicKey)))
	if err != nil {
		f.Fatal(err)
	}
	g := &Gossip{self: self, peers: newStanding(), cfg: Config{Network: testNetwork}}
	f.Fuzz(func(t *testing.T, answer []byte) {
		if twin, sure, _ := g.readInstances("x", make([]byte, nonceSize), answer); twin || sure && (answer[0] != 0 || len(answer) == 1) {
			t.Errorf("%x: twin %t, sure %t", answer, twin, sure)
		}
	})
}
