package chain

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/etherscale/bedrock/types"
)

// metered counts the bytes of the headers that a crowd hands over.
type metered struct {
	*crowd
	bytes, requests atomic.Int64
}

func (m *metered) Headers(ctx context.Context, from types.Height, max int) ([]types.CertifiedHeader, error) {
	list, err := m.crowd.Headers(ctx, from, max)
	m.requests.Add(1)
	for i := range list {
		m.bytes.Add(int64(len(list[i].Encode())))
	}
	return list, err
}

// longNetwork has blocks in epochs of 100, of which the last closed just now; each epoch has a committee of its own.
func longNetwork(t testing.TB, blocks, perEpoch int) *network {
	n := newNetwork(t)
	n.genesis.EpochLength, n.genesis.LightAbsence = uint64(perEpoch), uint64(time.Hour.Microseconds())
	n.genesis.UnbondingDelay = n.genesis.ChallengeWindow + n.genesis.EpochLength*n.genesis.Heartbeat + n.genesis.LightAbsence
	n.genesis.Time = types.TimeOf(time.Now()) - types.Time(blocks*interval)
	n.genesis.Time -= n.genesis.Time % interval
	header, err := n.genesis.Header()
	noError(t, err)
	n.list[0].Header = header
	for n.head().Height < types.Height(blocks) {
		if h := n.head().Height + 1; uint64(h)%n.genesis.EpochLength == 0 {
			n.hand(newSigners(h2name(h), 4), 1)
			continue
		}
		n.grow(1)
	}
	return n
}

func h2name(h types.Height) string { return time.Duration(h).String() }

// TestLightStartReadsKilobytes: 2,000 blocks in 20 epochs of disjoint committees, among peers of whom some lie, cost less
// than 100 kB until the newest header is here; all headers are eight times as much.
func TestLightStartReadsKilobytes(t *testing.T) {
	n := longNetwork(t, 2030, 100)
	for name, behaviours := range map[string][]behaviour{"honest": nil, "liars": {honest, honest, forging, empty, foreign}} {
		peers := &metered{crowd: newCrowd(n, behaviours...)}
		node := n.node(follow(peers.crowd), at(nil, true), func(cfg *Config) { cfg.Peers = peers })
		stop := start(t, node)
		await(t, node, "following", func() bool { return node.Head().Header.Height == 2030 })
		stop()
		bytes := peers.bytes.Load()
		t.Logf("%s: %d bytes in %d requests, from height %d on", name, bytes, peers.requests.Load(), node.First())
		if name == "honest" {
			must(t, bytes < 100_000, "%d bytes", bytes)
			must(t, node.First() > 2000, "first is %d", node.First())
		}
		must(t, node.Epoch() == 20, "epoch %d", node.Epoch())
		for e := types.Epoch(1); e <= 20; e++ {
			_, ok := node.Committee(e)
			must(t, ok || name == "liars", "the committee of epoch %d is not known", e)
		}
	}
}

// TestLeapIsFilledDownwards: what a leap left out is had by the digests, also from peers that lie, over a restart, and the
// node serves it then.
func TestLeapIsFilledDownwards(t *testing.T) {
	n := longNetwork(t, 630, 100)
	peers := newCrowd(n)
	node := n.node(follow(peers), at(nil, true))
	stop := start(t, node)
	await(t, node, "following", func() bool { return node.Head().Header.Height == 630 })
	stop()
	first := node.First()
	must(t, first > 600, "first %d", first)
	must(t, len(node.HeadersFrom(400, 1)) == 1 && len(node.HeadersFrom(401, 1)) == 0, "epoch ends are served, others not")

	noError(t, node.FillDown(t.Context(), first-5, 0))
	must(t, node.First() == first-5, "first %d", node.First())
	noError(t, node.db.Close())
	liars := newCrowd(n, honest, forging, skipping, foreign, empty, failing)
	node = n.nodeOn(node.disk, follow(liars), at(nil, true))
	must(t, node.First() == first-5 && node.Head().Header.Height == 630, "after a restart: first %d", node.First())
	noError(t, node.FillDown(t.Context(), 250, 0))
	must(t, node.First() == 250, "first %d", node.First())
	for h := types.Height(250); h <= 630; h++ {
		ch, ok := node.Header(h)
		must(t, ok && ch.Header.Digest() == n.digest(int(h)), "header %d", h)
	}
	must(t, len(node.HeadersFrom(250, 64)) == 64, "it serves what it has")
}

// TestLeapOnlyWhenFarBehind: a client that missed little follows every header, and one in a network that stands still asks
// once, not at each poll.
func TestLeapOnlyWhenFarBehind(t *testing.T) {
	net := longNetwork(t, 1200, 65)
	net.list = net.list[:201] // the last 1,000 intervals brought nothing
	peers := &metered{crowd: newCrowd(net)}
	node := net.node(follow(peers.crowd), at(nil, true), func(cfg *Config) { cfg.Peers = peers })
	stop := start(t, node)
	await(t, node, "following", func() bool { return node.Head().Header.Height == 200 })
	must(t, node.First() == 1, "first %d", node.First())
	time.Sleep(50 * time.Millisecond)
	before := peers.requests.Load()
	time.Sleep(200 * time.Millisecond)
	asked := peers.requests.Load() - before
	stop()
	must(t, asked <= 30, "%d requests in 10 polls", asked)
}

// TestLeapTakesNoStrangersWord: headers that no committee known signed, or of another epoch or height, are nothing to land on.
func TestLeapTakesNoStrangersWord(t *testing.T) {
	n := longNetwork(t, 900, 100)
	node := n.node(at(nil, true))
	r, err := node.newRoute()
	noError(t, err)
	good := n.list[100]
	noError(t, r.check(&good, 100))
	unsigned := n.list[100]
	unsigned.Certificate.Signatures = make([]types.Signature, 3)
	later := n.list[200] // of a committee that nobody vouched for yet
	inner := n.list[99]
	plain := n.at(100)
	plain.Next = nil
	first := newSigners("first committee", 4)
	endless := first.certify(plain, 0, 1, 2)
	extra := n.at(99)
	extra.Next = n.at(100).Next
	early := first.certify(extra, 0, 1, 2)
	fewer := n.at(100)
	fewer.Next = &types.EpochEnd{Committee: fewer.Next.Committee, RuleVersion: 1}
	short := first.certify(fewer, 0, 1, 2)
	for name, c := range map[string]struct {
		ch types.CertifiedHeader
		at types.Height
	}{"unsigned": {unsigned, 100}, "another epoch": {later, 200}, "another height": {inner, 100}, "an end without a committee": {endless, 100},
		"an end too early": {early, 99}, "reward counts of another size": {short, 100}} {
		if err := r.check(&c.ch, c.at); err == nil || !isLie(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestLeapAfterALonelyStart: a light client that knew no peer at first leaps as soon as one answers, and reads no history.
func TestLeapAfterALonelyStart(t *testing.T) {
	n := longNetwork(t, 1030, 100)
	peers := &lonely{metered: &metered{crowd: newCrowd(n)}}
	peers.left.Store(5)
	node := n.node(follow(peers.crowd), at(nil, true), func(cfg *Config) { cfg.Peers = peers })
	stop := start(t, node)
	defer stop()
	await(t, node, "following", func() bool { return node.Head().Header.Height == 1030 })
	must(t, node.First() > 1000, "first is %d", node.First())
}

// lonely is nobody at first.
type lonely struct {
	*metered
	left atomic.Int64
}

func (l *lonely) Headers(ctx context.Context, from types.Height, max int) ([]types.CertifiedHeader, error) {
	if l.left.Add(-1) >= 0 {
		return nil, errors.New("no peer")
	}
	return l.metered.Headers(ctx, from, max)
}
