package chain

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// crowd answers for all peers of an honest network. How each answer is spoilt is drawn from behaviours.
type crowd struct {
	n          *network
	upTo       atomic.Int64 // the newest height anybody serves
	behaviours []behaviour

	mu       sync.Mutex
	rng      *rand.Rand
	bodies   int // being asked for now
	most     int
	asked    map[types.Height]int
	problems []string
	lies     int // bodies that were no block's
	found    int // complaints about bodies
}

var _ Distruster = (*crowd)(nil)

func (c *crowd) DistrustHeaders(types.Height) {}

func (c *crowd) DistrustBody(types.Height) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.found++
}

// lie counts a wrong body.
func (c *crowd) lie(data []byte) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lies++
	return data, nil
}

type behaviour int

const (
	honest behaviour = iota
	empty
	failing
	silent // answers when the request is given up
	forging
	skipping
	flooding
	foreign
)

func newCrowd(n *network, behaviours ...behaviour) *crowd {
	c := &crowd{n: n, behaviours: append([]behaviour{honest}, behaviours...), rng: rand.New(rand.NewPCG(7, 7)), asked: map[types.Height]int{}}
	c.upTo.Store(int64(len(n.list) - 1))
	return c
}

func (c *crowd) draw() behaviour {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.behaviours[c.rng.IntN(len(c.behaviours))]
}

func (c *crowd) problem(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.problems = append(c.problems, text)
}

func (c *crowd) Headers(ctx context.Context, from types.Height, max int) ([]types.CertifiedHeader, error) {
	if from == 0 || max < 1 || max > MaxHeaders {
		c.problem("headers asked out of bounds")
	}
	var list []types.CertifiedHeader
	for h := int64(from); h <= c.upTo.Load() && len(list) < max; h++ {
		list = append(list, c.n.list[h])
	}
	switch c.draw() {
	case empty:
		return nil, nil
	case failing:
		return nil, errors.New("no route to anybody")
	case silent:
		<-ctx.Done()
		return nil, ctx.Err()
	case forging:
		for i := range list {
			list[i].Certificate.Signatures = make([]types.Signature, 3)
		}
	case skipping:
		return list[min(1, len(list)):], nil
	case flooding:
		return append(list, make([]types.CertifiedHeader, MaxHeaders+1)...), nil
	case foreign:
		for i := range list {
			list[i].Header.Network[0]++
		}
	}
	return list, nil
}

func (c *crowd) Body(ctx context.Context, h types.Height, commitment types.Hash) ([]byte, error) {
	c.mu.Lock()
	c.bodies++
	c.most = max(c.most, c.bodies)
	c.asked[h]++
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.bodies--
	}()
	if commitment != c.n.at(int(h)).Commitment {
		c.problem("body asked by a wrong commitment")
	}
	data := bytes.Clone(c.n.data[h])
	switch c.draw() {
	case empty:
		return c.lie(nil)
	case failing:
		return nil, errors.New("no route to anybody")
	case silent:
		<-ctx.Done()
		return nil, ctx.Err()
	case forging:
		data[len(data)-1] ^= 1
		return c.lie(data)
	case skipping:
		return c.lie(data[1:])
	case flooding:
		return c.lie(append(data, 0))
	}
	return data, nil
}

// start runs the node; the function it returns ends Run and gives its error.
func start(t *testing.T, node *node) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() { result <- node.Run(ctx) }()
	return sync.OnceValue(func() error {
		cancel()
		return <-result
	})
}

// await waits for signals of the chain until the condition holds.
func await(t *testing.T, node *node, what string, condition func() bool) {
	t.Helper()
	signal, cancel := node.Subscribe()
	defer cancel()
	deadline := time.After(15 * time.Second)
	for !condition() {
		select {
		case <-signal:
		case <-deadline:
			t.Fatalf("%s did not happen: head %d, bodies %d", what, node.Head().Header.Height, node.BodiesHead())
		}
	}
}

func follow(peers *crowd) func(*Config) {
	return func(cfg *Config) {
		cfg.Peers, cfg.HeadersTimeout, cfg.BodyTimeout = peers, 10*time.Millisecond, 10*time.Millisecond
	}
}

func TestC5CatchUpAmongLiars(t *testing.T) {
	n := newNetwork(t).grow(110)
	n.endEpoch("second committee", 1)
	n.grow(40)
	peers := newCrowd(n, honest, honest, empty, failing, silent, forging, skipping, flooding, foreign)
	node := n.node(follow(peers))
	stop := start(t, node)
	await(t, node, "catching up", func() bool { return node.BodiesHead() == 170 })
	if err := stop(); !errors.Is(err, context.Canceled) {
		t.Fatalf("Run: %v", err)
	}
	for h := types.Height(1); h <= 170; h++ {
		checkBlock(t, n, node, h)
	}
	must(t, peers.most <= BodiesInFlight && peers.most > 1, "%d bodies at once", peers.most)
	must(t, len(peers.problems) == 0, "%v", peers.problems)
	must(t, peers.lies > 10 && peers.lies == peers.found, "%d wrong bodies, %d were reported", peers.lies, peers.found)
	must(t, peers.asked[7] == 0, "the empty block's body was asked for")
}

func TestGapIsFilledAtOnce(t *testing.T) {
	n := newNetwork(t).grow(40)
	peers := newCrowd(n)
	peers.upTo.Store(5)
	node := n.node(follow(peers), func(cfg *Config) { cfg.Poll = time.Hour })
	stop := start(t, node)
	defer stop()
	await(t, node, "the first headers", func() bool { return node.BodiesHead() == 5 })
	peers.upTo.Store(40)
	noError(t, node.AddCertified(n.list[40])) // as gossip hears it
	await(t, node, "filling the gap", func() bool { return node.BodiesHead() == 40 })
}

// TestPausedBodies: headers come while bodies wait, and these come when the pause is over.
func TestPausedBodies(t *testing.T) {
	n := newNetwork(t).grow(40)
	node := n.node(follow(newCrowd(n)))
	node.PauseBodies(true)
	defer start(t, node)()
	await(t, node, "the headers", func() bool { return node.Head().Header.Height == 40 })
	must(t, node.BodiesHead() == 0, "bodies head %d while they wait", node.BodiesHead())
	node.PauseBodies(false)
	await(t, node, "the bodies", func() bool { return node.BodiesHead() == 40 })
}

func TestPollFindsWhatNobodyAnnounced(t *testing.T) {
	n := newNetwork(t).grow(10)
	peers := newCrowd(n)
	peers.upTo.Store(5)
	node := n.node(follow(peers))
	stop := start(t, node)
	defer stop()
	await(t, node, "the first headers", func() bool { return node.Head().Header.Height == 5 })
	peers.upTo.Store(10)
	await(t, node, "polling", func() bool { return node.Head().Header.Height == 10 })
}

func TestLightClientFetchesNoBodies(t *testing.T) {
	n := newNetwork(t).grow(130)
	peers := newCrowd(n, empty, forging)
	node := n.node(follow(peers), func(cfg *Config) { cfg.HeadersOnly = true })
	stop := start(t, node)
	await(t, node, "following", func() bool { return node.Head().Header.Height == 130 })
	_ = stop()
	must(t, len(peers.asked) == 0, "asked for bodies %v", peers.asked)
}

// shards rebuilds some blocks, after it has lied about each once.
type shards struct {
	n    *network
	mu   sync.Mutex
	lied map[types.Height]bool
}

func (s *shards) Rebuild(_ context.Context, h types.Header) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.lied[h.Height] {
		s.lied[h.Height] = true
		return make([]byte, h.DataLength), nil
	}
	return s.n.data[h.Height], nil
}

// mute serves headers alone.
type mute struct{ *crowd }

func (mute) Body(ctx context.Context, _ types.Height, _ types.Hash) ([]byte, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestBodiesComeFromShardsWhenNoPeerServesThem(t *testing.T) {
	n := newNetwork(t).grow(6)
	peers := newCrowd(n)
	node := n.node(follow(peers), func(cfg *Config) {
		cfg.Peers, cfg.Rows = mute{peers}, &shards{n: n, lied: map[types.Height]bool{}}
	})
	stop := start(t, node)
	defer stop()
	await(t, node, "rebuilding", func() bool { return node.BodiesHead() == 6 })
	checkBlock(t, n, node, 4)
}

func TestSequencerDoesNotAskForWhatItCloses(t *testing.T) {
	n := newNetwork(t).grow(6)
	peers := newCrowd(n)
	peers.upTo.Store(0)
	node := n.node(follow(peers), func(cfg *Config) { cfg.BodyDelay, cfg.Own = 200*time.Millisecond, n.genesis.Committee[0].Key })
	stop := start(t, node)
	for h := 1; h <= 6; h++ {
		noError(t, node.AddCertified(n.list[h]))
		noError(t, node.AddOwn(n.at(h), n.data[h], encodeData(t, n.data[h])))
	}
	await(t, node, "closing", func() bool { return node.BodiesHead() == 6 })
	_ = stop()
	must(t, len(peers.asked) == 0, "asked for bodies %v", peers.asked)
}

func TestSequencerThatWasAwayDoesNotWait(t *testing.T) {
	n := newNetwork(t).grow(64)
	node := n.node(follow(newCrowd(n)), func(cfg *Config) { cfg.BodyDelay, cfg.Own = time.Hour, n.genesis.Committee[0].Key })
	stop := start(t, node)
	defer stop()
	// Waiting an hour for each of the last few only: all others come at once.
	await(t, node, "catching up", func() bool { return node.BodiesHead() >= 64-ownLag })
}

// A sequencer outside the committee closes nothing: it waits for no block of its own, or it would stay behind for ever.
func TestSequencerOutsideTheCommitteeDoesNotWait(t *testing.T) {
	n := newNetwork(t).grow(6)
	stranger := types.PublicKey(newSigners("second committee", 4)[0].Public().(ed25519.PublicKey))
	node := n.node(follow(newCrowd(n)), func(cfg *Config) { cfg.BodyDelay, cfg.Own = time.Hour, stranger })
	stop := start(t, node)
	defer stop()
	await(t, node, "following", func() bool { return node.BodiesHead() == 6 })
}

func TestC4RunEndsAtAConflict(t *testing.T) {
	n := newNetwork(t).grow(5)
	node := n.node(follow(newCrowd(n)))
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	result := make(chan error, 1)
	go func() { result <- node.Run(ctx) }()
	await(t, node, "following", func() bool { return node.BodiesHead() == 5 })
	bad := n.at(3)
	bad.VertexIndex++
	must(t, errors.Is(node.AddCertified(n.signers.certify(bad, 0, 1, 2)), ErrConflict), "no conflict")
	if err := <-result; !errors.Is(err, ErrConflict) {
		t.Fatalf("Run: %v", err)
	}
	checkBlock(t, n, node, 5)
}

func TestRunEndsWhenTheStoreFails(t *testing.T) {
	n := newNetwork(t).grow(5)
	peers := newCrowd(n)
	peers.upTo.Store(2)
	node := n.node(follow(peers))
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	result := make(chan error, 1)
	go func() { result <- node.Run(ctx) }()
	await(t, node, "following", func() bool { return node.BodiesHead() == 2 })
	noError(t, node.db.Close())
	peers.upTo.Store(5)
	if err := <-result; !errors.Is(err, store.ErrClosed) {
		t.Fatalf("Run: %v", err)
	}
}

func TestSubscribersNeverBlockTheChain(t *testing.T) {
	n := newNetwork(t).grow(20)
	node := n.node()
	deaf, cancelDeaf := node.Subscribe()
	left, cancelLeft := node.Subscribe()
	cancelLeft()
	n.full(node)
	must(t, len(deaf) == 1 && len(left) == 0, "%d and %d signals wait, want 1 and 0", len(deaf), len(left))
	cancelDeaf()
}
