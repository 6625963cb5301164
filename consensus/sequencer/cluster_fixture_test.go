package sequencer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// cluster is a committee of real drivers and cores on an in-memory network in virtual time.
type cluster struct {
	t            testing.TB
	net          *network
	delay        time.Duration
	segmentBytes int64 // of the nodes' logs; 0: as usual
	nodes        []*clusterNode

	mu   sync.Mutex
	cut  map[[2]types.Member]bool
	seen map[types.VertexRef]bool // every vertex that was ever on the wire
}

type clusterNode struct {
	c       *cluster
	self    types.Member
	dir     string
	blocks  *memoryBlocks
	batches *openBatches
	rows    *recordedRows

	mu      sync.Mutex
	running *Sequencer
	log     *store.VertexLog
	stop    func() error
}

func newCluster(t testing.TB, n int, delay time.Duration) *cluster {
	c := &cluster{
		t: t, net: newNetwork(t, n, now()), delay: delay,
		cut: make(map[[2]types.Member]bool), seen: make(map[types.VertexRef]bool),
	}
	for i := range n {
		c.nodes = append(c.nodes, &clusterNode{
			c: c, self: types.Member(i), dir: t.TempDir(), blocks: newMemoryBlocks(c.net.committee), batches: new(openBatches), rows: new(recordedRows),
		})
	}
	return c
}

func (n *clusterNode) start(change func(*Config)) {
	n.c.t.Helper()
	n.log = openSegments(n.c.t, n.dir, n.c.segmentBytes)
	cfg := n.c.net.config(int(n.self), n.log)
	cfg.Streams, cfg.Batches, cfg.Rows = &wire{n}, n.batches, n.rows
	cfg.Blocks = &executedAtOnce{memoryBlocks: n.blocks, node: n}
	if testing.Verbose() && os.Getenv("SEQUENCER_LOG") != "" {
		cfg.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})).With("node", n.self)
	}
	if change != nil {
		change(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		n.c.t.Fatal(err)
	}
	n.mu.Lock()
	n.running = s
	n.mu.Unlock()
	n.stop = start(n.c.t, s)
}

// kill stops the node; what was appended and not synced is lost in a real crash, so the test cuts the log there.
func (n *clusterNode) kill() {
	n.c.t.Helper()
	n.mu.Lock()
	n.running = nil
	n.mu.Unlock()
	if err := n.stop(); err != nil {
		n.c.t.Fatalf("node %d: %v", n.self, err)
	}
	if err := n.log.Close(); err != nil {
		n.c.t.Fatal(err)
	}
}

// cutPower is kill at an instant: what the node still does while it ends reaches neither the wire nor the image.
func (n *clusterNode) cutPower(image *imagedLog) {
	n.c.t.Helper()
	n.mu.Lock()
	n.running = nil
	n.mu.Unlock()
	image.cut()
	n.kill()
}

func (n *clusterNode) sequencer() *Sequencer {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.running
}

// executedAtOnce reports a block as executed when it is certified.
type executedAtOnce struct {
	*memoryBlocks
	node *clusterNode
}

func (b *executedAtOnce) Certified(ch types.CertifiedHeader) error {
	if s := b.node.sequencer(); s != nil {
		s.Executed(ch.Header.Height)
	}
	return b.memoryBlocks.Certified(ch)
}

// wire is a node's Streams.
type wire struct{ n *clusterNode }

func (w *wire) Push(to types.Member, p *types.Push) bool {
	c := w.n.c
	if w.n.sequencer() == nil {
		return false // the power is gone
	}
	c.checkDurable(w.n, p)
	if !c.connected(w.n.self, to) {
		return false
	}
	time.AfterFunc(c.delay, func() {
		if s := c.nodes[to].sequencer(); s != nil && c.connected(w.n.self, to) {
			s.HandlePush(w.n.self, p)
		}
	})
	return true
}

func (w *wire) Fetch(ctx context.Context, from types.Member, r *types.FetchRequest) (*types.FetchResponse, error) {
	c := w.n.c
	time.Sleep(2 * c.delay)
	s := c.nodes[from].sequencer()
	if s == nil || !c.connected(w.n.self, from) {
		return nil, errors.New("no connection")
	}
	answer, err := s.HandleFetch(ctx, r)
	if err == nil && len(answer.Encode()) > types.MaxMessageBytes {
		c.t.Errorf("node %d answered with %d bytes", from, len(answer.Encode()))
	}
	return answer, err
}

func (c *cluster) connected(a, b types.Member) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.cut[[2]types.Member{a, b}] && !c.cut[[2]types.Member{b, a}]
}

func (c *cluster) setCut(a, b types.Member, cut bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut[[2]types.Member{a, b}] = cut
}

// checkDurable is D1 at every push of every test: what leaves is synced, with every body it receipts; and D2: of one
// author and round only one vertex is ever on the wire.
func (c *cluster) checkDurable(n *clusterNode, p *types.Push) {
	if len(p.Encode()) > types.MaxMessageBytes {
		c.t.Errorf("node %d pushes %d bytes", n.self, len(p.Encode()))
	}
	for _, encoded := range p.Vertices {
		v, err := types.DecodeVertex(encoded)
		if err != nil {
			c.t.Error(err)
			continue
		}
		pos, recent := n.log.Position(v.Digest())
		if _, err := n.log.Vertex(v.Digest()); err != nil || recent && pos >= n.log.Durable() { // older segments are durable as a whole
			c.t.Errorf("node %d pushed a vertex of round %d by %d that is not synced", n.self, v.Round(), v.Author())
		}
		for _, r := range v.Body().Receipts {
			if _, err := n.log.Batch(r.Batch); err != nil {
				c.t.Errorf("node %d pushed a vertex of round %d by %d without a body in the log: %v", n.self, v.Round(), v.Author(), err)
			}
		}
		c.mu.Lock()
		c.seen[v.Ref()] = true
		c.mu.Unlock()
	}
}

func (c *cluster) checkNoTwins() {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	type place struct {
		author types.Member
		round  types.Round
	}
	slots := make(map[place]types.Hash)
	for ref := range c.seen {
		at := place{ref.Author, ref.Round}
		if other, ok := slots[at]; ok && other != ref.Digest {
			c.t.Errorf("member %d has two vertices of round %d on the wire", ref.Author, ref.Round)
		}
		slots[at] = ref.Digest
	}
}

// submit hands transactions to the nodes that run, as gossip would: one batch each, every node a bit later.
func (c *cluster) submit(from, to int, to_ ...types.Member) {
	for i := from; i < to; i++ {
		body, id := testBatch(c.t, fmt.Sprintf("transaction %d", i))
		infos, _ := c.nodes[0].batches.Check(body)
		for k, n := range c.nodes {
			if len(to_) > 0 && types.Member(k) != to_[0] {
				continue
			}
			time.AfterFunc(time.Duration(k)*time.Millisecond, func() {
				if s := n.sequencer(); s != nil {
					s.Hold(id, body, infos, now(), true)
				}
			})
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// await waits in virtual time until the nodes have certified blocks with count transactions, and returns them.
func (c *cluster) await(count int, limit time.Duration, nodes ...int) []string {
	c.t.Helper()
	deadline := time.Now().Add(limit)
	for {
		var first []string
		done := true
		for _, i := range nodes {
			got := c.nodes[i].blocks.envelopes()
			done = done && len(got) >= count
			if first == nil {
				first = got
			}
		}
		if done {
			c.checkAgreement(nodes...)
			return first
		}
		if time.Now().After(deadline) {
			for _, i := range nodes {
				s := c.nodes[i].sequencer()
				c.t.Logf("node %d: %d transactions, status %+v, stats %+v", i, len(c.nodes[i].blocks.envelopes()), s.Status(), s.Stats())
			}
			c.t.Fatalf("not %d transactions in certified blocks after %s", count, limit)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (c *cluster) checkAgreement(nodes ...int) {
	c.t.Helper()
	for _, i := range nodes[1:] {
		a, b := c.nodes[nodes[0]].blocks, c.nodes[i].blocks
		for h := types.Height(1); h <= min(a.certified(), b.certified()); h++ {
			ha, inA := a.Header(h)
			hb, inB := b.Header(h)
			if (!inA && a.gap) || (!inB && b.gap) {
				continue
			}
			if ha.Digest() != hb.Digest() {
				c.t.Fatalf("nodes %d and %d have different blocks %d", nodes[0], i, h)
			}
		}
	}
}

func inCluster(t *testing.T, n int, test func(c *cluster)) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, n, 20*time.Millisecond)
		test(c)
		for _, node := range c.nodes {
			if node.sequencer() != nil {
				node.kill()
			}
		}
		time.Sleep(time.Second) // pushes under way arrive at nobody
		c.checkNoTwins()
	})
}
