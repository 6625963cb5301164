package node

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	ds "github.com/ipfs/go-datastore"
	dssync "github.com/ipfs/go-datastore/sync"
	"golang.org/x/sync/errgroup"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/coding/codingtest"
	"github.com/etherscale/bedrock/dht"
	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/fraud"
	"github.com/etherscale/bedrock/gossip"
	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/node/health"
	"github.com/etherscale/bedrock/node/p2p"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/types"
)

// corrupt is a committee that signs garbage, as far as the others see it: one host with a member's key that tells of headers
// which the whole committee signed, and serves rows of what they commit to, all by the protocols of honest nodes.
type corrupt struct {
	t      *testing.T
	swarm  *exectest.Swarm
	dht    *dht.DHT
	gossip *gossip.Gossip
	addrs  []string
	signed []types.CertifiedHeader
	stop   func()
}

func newCorrupt(t *testing.T, s *exectest.Swarm) *corrupt {
	t.Helper()
	listen, err := p2p.ParseAddrs([]string{"/ip4/127.0.0.1/tcp/0"})
	if err != nil {
		t.Fatal(err)
	}
	h, err := p2p.New(p2p.Config{Key: exectest.PeerKey(0), Limits: config.LimitsOf(config.ProfileHome, config.Sequencer).Limits, Listen: listen, Log: slog.Default()})
	if err != nil {
		t.Fatal(err)
	}
	c := &corrupt{t: t, swarm: s, addrs: h.FullAddrs()}
	quiet := slog.New(slog.DiscardHandler)
	c.dht, err = dht.New(dht.Config{Host: h, Network: s.Network, Server: true, Replicas: 20, Headers: c, Logger: quiet,
		Datastore: dssync.MutexWrap(ds.NewMapDatastore())})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.gossip, err = gossip.New(ctx, gossip.Config{Host: h, Network: s.Network, Committee: s.Committee(), Logger: quiet,
		Handlers: gossip.Handlers{Headers: func(from types.Height, most int) []types.CertifiedHeader {
			return c.signed[min(int(from), len(c.signed)+1)-1:][:min(most, len(c.signed)+1-min(int(from), len(c.signed)+1))]
		}}})
	if err != nil {
		t.Fatal(err)
	}
	var group errgroup.Group
	group.Go(func() error { return c.gossip.Run(ctx) })
	group.Go(func() error { return c.dht.Run(ctx) })
	c.stop = func() { cancel(); _ = group.Wait(); _ = h.Close() }
	t.Cleanup(c.stop)
	return c
}

// HeaderByCommitment, Head and Committee implement dht.Headers.
func (c *corrupt) HeaderByCommitment(commitment types.Hash) (types.CertifiedHeader, bool) {
	for _, ch := range c.signed {
		if ch.Header.Commitment == commitment {
			return ch, true
		}
	}
	return types.CertifiedHeader{}, false
}

func (c *corrupt) Head() types.CertifiedHeader { return c.signed[len(c.signed)-1] }

func (c *corrupt) Committee(types.Epoch) (*types.Committee, bool) { return c.swarm.Committee(), true }

// sign makes the next header over a forged block; all rows of it are served from then on.
func (c *corrupt) sign(f *codingtest.Forged) types.CertifiedHeader {
	c.t.Helper()
	h := c.swarm.NextData(nil).Header.Header
	h.DataLength, h.Commitment = f.Params.Length, f.Commitment
	if len(c.signed) > 0 {
		h.Parent = c.signed[len(c.signed)-1].Header.Digest()
	}
	ch := c.swarm.Certify(h)
	c.signed = append(c.signed, ch)
	shards := make([]coding.Shard, f.Params.N)
	for i := range shards {
		shards[i] = f.Shard(uint32(i))
	}
	if n, err := c.dht.Keep(c.t.Context(), ch.Header, f.Opening, shards); err != nil || n != f.Params.N {
		c.t.Fatal(n, err)
	}
	return ch
}

// tell publishes a header on the head topic until somebody follows that far.
func (c *corrupt) tell(ch types.CertifiedHeader) {
	c.t.Helper()
	if err := c.gossip.PublishHead(c.t.Context(), ch.Encode()); err != nil {
		c.t.Fatal(err)
	}
}

// firstHonest is the first of the keys that honest nodes have; the committee's come before it.
const firstHonest = 20

// honestNode opens and runs a node; the returned function stops it.
func honestNode(t *testing.T, s *exectest.Swarm, i int, role config.Role, data string, bootstrap []string) (*Node, func()) {
	t.Helper()
	n, err := Open(Config{Genesis: s.Genesis, Key: exectest.PeerKey(firstHonest + i), Role: role, Data: data, StateCache: 8,
		Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Bootstrap: bootstrap, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	stopped := false
	stop := func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Error(role, "node", i, "ended:", err)
		}
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return n, stop
}

// soon polls until a condition holds.
func soon(t *testing.T, what string, holds func() error) {
	t.Helper()
	err := holds()
	for end := time.Now().Add(40 * time.Second); err != nil; err = holds() {
		if time.Now().After(end) {
			t.Fatalf("%s: %v", what, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// hasConvicted says what a node lacks of having stopped below a height, with every member of the committee convicted.
func hasConvicted(n *Node, h types.Height, kind fraud.Kind) error {
	s := &service{n: n}
	status, err := s.Status(context.Background())
	if err != nil {
		return err
	}
	convictions, err := s.Convictions(context.Background())
	if err != nil {
		return err
	}
	members := map[string]bool{}
	for _, c := range convictions {
		if c.Kind == kind.String() && types.Height(c.Height) == h {
			members[c.Sequencer] = true
		}
	}
	switch {
	case !slices.Contains(ailing(n), health.Corrupt):
		return fmt.Errorf("%s: healthy: %v", n.Role(), ailing(n))
	case status.Stopped == nil || types.Height(status.Stopped.Height) != h:
		return fmt.Errorf("%s: stopped: %+v", n.Role(), status.Stopped)
	case len(members) != len(n.cfg.Genesis.Committee):
		return fmt.Errorf("%s: %d members convicted", n.Role(), len(members))
	case types.Height(max(status.Sampled, status.Asserted, status.Settled)) >= h:
		return fmt.Errorf("%s: sampled %d, asserted %d, settled %d", n.Role(), status.Sampled, status.Asserted, status.Settled)
	case kind == fraud.KindBadEncoding:
		return isMisencoded(s, h)
	}
	return nil
}

func isMisencoded(s *service, h types.Height) error {
	sampling, err := s.Sampling(context.Background(), h)
	if err == nil && (sampling == nil || sampling.Verdict != rpc.VerdictMisencoded) {
		err = fmt.Errorf("%s: sampling says %+v", s.n.Role(), sampling)
	}
	return err
}

// verifiesOffline checks a node's challenge as a stranger does who has the genesis file alone.
func verifiesOffline(t *testing.T, s *exectest.Swarm, n *Node, kind fraud.Kind) {
	t.Helper()
	convictions, err := (&service{n: n}).Convictions(t.Context())
	if err != nil || len(convictions) == 0 {
		t.Fatal(len(convictions), err)
	}
	id, err := types.ParseBatchID(convictions[0].Challenge)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := (&service{n: n}).Challenge(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	c, err := fraud.DecodeChallenge(encoded)
	if err != nil {
		t.Fatal(err)
	}
	finding, err := fraud.Verify(c, &fraud.Trust{Rules: s.Rules(), Committee: func(types.Epoch) *types.Committee { return s.Committee() }})
	if err != nil || finding.Kind != kind || len(finding.Accused) != len(s.Genesis.Committee) {
		t.Fatal(finding, err)
	}
}
