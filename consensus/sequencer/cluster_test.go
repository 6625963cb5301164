package sequencer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
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

func TestClusterOrdersAndCertifies(t *testing.T) {
	inCluster(t, 4, func(c *cluster) {
		for _, n := range c.nodes {
			n.start(nil)
		}
		c.submit(0, 50)
		order := c.await(50, 20*time.Second, 0, 1, 2, 3)
		if len(order) != 50 {
			t.Errorf("%d transactions, want each of 50 once", len(order))
		}
		for i, n := range c.nodes {
			if len(n.rows.list()) == 0 {
				t.Errorf("node %d published no rows", i)
			}
			st := n.sequencer().Stats()
			if own := uint64(n.sequencer().Status().Round); n.log.Syncs() > own+60 {
				t.Errorf("node %d: %d fsyncs for %d own vertices", i, n.log.Syncs(), own)
			}
			if st.Rejected+st.BadVertices+st.BadBodies+st.Equivocations > 0 {
				t.Errorf("node %d: %+v", i, st)
			}
		}
	})
}

// A batch that reaches one sequencer only is ordered all the same: the others learn and admit it through its vertex.
func TestClusterLearnsBatchesThroughVertices(t *testing.T) {
	inCluster(t, 4, func(c *cluster) {
		for _, n := range c.nodes {
			n.start(nil)
		}
		c.submit(0, 10, 2)
		c.await(10, 20*time.Second, 0, 1, 2, 3)
	})
}

func TestClusterKillAndRestart(t *testing.T) {
	inCluster(t, 4, func(c *cluster) {
		for _, n := range c.nodes {
			n.start(nil)
		}
		c.submit(0, 20)
		c.await(20, 20*time.Second, 0, 1, 2, 3)
		victim := c.nodes[1]
		before := victim.sequencer().Status().Round
		victim.kill()
		c.submit(20, 60)
		c.await(60, 30*time.Second, 0, 2, 3)
		time.Sleep(200 * time.Second) // rounds go on at heartbeat pace, beyond the horizon
		victim.start(nil)
		c.submit(60, 80)
		c.await(80, 60*time.Second, 0, 1, 2, 3)
		time.Sleep(5 * time.Second)
		status, stats := victim.sequencer().Status(), victim.sequencer().Stats()
		if status.Round <= before || status.Round+5 < c.nodes[0].sequencer().Status().Round {
			t.Errorf("after the restart the node is at round %d, the others at %d", status.Round, c.nodes[0].sequencer().Status().Round)
		}
		if stats.CaughtUp == 0 {
			t.Errorf("the node did not read the others' logs: %+v", stats)
		}
		headers := victim.sequencer().Status().CertifiedHeight
		if other := c.nodes[0].sequencer().Status().CertifiedHeight; headers+2 < other {
			t.Errorf("certified height %d, the others %d", headers, other)
		}
	})
}

// D1, D2: the power goes at random moments; what no fsync covers is gone. No member ever has two vertices of a round on
// the wire, and the node finds back.
func TestClusterPowerCuts(t *testing.T) {
	inCluster(t, 4, func(c *cluster) {
		victim := c.nodes[2]
		var image *imagedLog
		imaged := func(cfg *Config) {
			image = &imagedLog{Log: cfg.Log, dir: victim.dir, copies: t.TempDir()}
			cfg.Log = image
		}
		for _, n := range c.nodes {
			if n == victim {
				n.start(imaged)
			} else {
				n.start(nil)
			}
		}
		for life := range 6 {
			c.submit(10*life, 10*life+10)
			time.Sleep(time.Duration(137*life) * time.Millisecond)
			victim.cutPower(image)
			victim.dir = image.restored(t)
			victim.start(imaged)
		}
		c.submit(60, 70)
		c.await(70, 60*time.Second, 0, 1, 2, 3)
	})
}

// imagedLog keeps a copy of the log's directory as of the last finished sync: what a power cut leaves.
type imagedLog struct {
	Log
	dir, copies string

	mu    sync.Mutex
	dead  bool
	last  string
	count int
}

func (l *imagedLog) Sync() error {
	if err := l.Log.Sync(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return nil
	}
	l.count++
	to := filepath.Join(l.copies, fmt.Sprint(l.count))
	if err := os.CopyFS(to, os.DirFS(l.dir)); err != nil {
		return err
	}
	if l.last != "" {
		_ = os.RemoveAll(l.last)
	}
	l.last = to
	return nil
}

// SaveCut, DropBelow and LeapTo change the directory: no copy is taken meanwhile.
func (l *imagedLog) SaveCut(c store.Cut) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Log.SaveCut(c)
}

func (l *imagedLog) DropBelow(position uint64, keep []types.BatchID) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Log.DropBelow(position, keep)
}

func (l *imagedLog) LeapTo(position uint64, own types.Hash) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Log.LeapTo(position, own)
}

// cut is the moment of the power cut: later syncs change no image any more.
func (l *imagedLog) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dead = true
}

// restored is the directory that the power cut left; torn bytes follow what was synced.
func (l *imagedLog) restored(t testing.TB) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(l.last, "*.vlog"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no image of the log: %v", err)
	}
	f, err := os.OpenFile(files[len(files)-1], os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString("torn tail of a record"); err != nil {
		t.Fatal(err)
	}
	return l.last
}

// D2: a node that lost its log asks the others, follows until it knows its place, and never repeats a round.
func TestD2ClusterLostLog(t *testing.T) {
	inCluster(t, 4, func(c *cluster) {
		for _, n := range c.nodes {
			n.start(nil)
		}
		c.submit(0, 20)
		c.await(20, 20*time.Second, 0, 1, 2, 3)
		victim := c.nodes[1]
		c.nodes[2].kill() // from here on rounds need the victim, and not enough others can answer
		time.Sleep(200 * time.Millisecond)
		for _, m := range []types.Member{0, 2, 3} {
			c.setCut(1, m, true) // its newest vertex reaches nobody
		}
		c.submit(100, 103)
		before := victim.sequencer().Status().Round
		victim.kill()
		victim.dir, victim.blocks = t.TempDir(), newMemoryBlocks(c.net.committee)
		for _, m := range []types.Member{0, 2, 3} {
			c.setCut(1, m, false)
		}
		lost := func(cfg *Config) { cfg.FirstStart = false }
		victim.start(lost)
		time.Sleep(20 * time.Second)
		if r := victim.sequencer().Status().Round; r != 0 {
			t.Errorf("made a vertex of round %d before a quorum of others answered", r)
		}
		if _, err := victim.sequencer().HandleFetch(context.Background(), &types.FetchRequest{Log: true}); !errors.Is(err, ErrRecovering) {
			t.Errorf("a recovering node shows its log: %v", err)
		}
		victim.kill() // a crash in mid-recovery does not end it
		victim.start(lost)
		c.nodes[2].start(nil)
		c.submit(20, 40)
		c.await(40, 60*time.Second, 0, 1, 2, 3)
		if r := victim.sequencer().Status().Round; r <= before {
			t.Errorf("at round %d, before the loss at %d", r, before)
		}
		bound := victim.log.Bound()
		if bound < before || bound == boundUnknown {
			t.Errorf("bound %d, last round before the loss %d", bound, before)
		}
		victim.kill()
		victim.start(lost)
		c.submit(40, 50)
		c.await(50, 60*time.Second, 0, 1, 2, 3)
	})
}

// All stop at once, with batches in the log that nobody's pool remembers.
func TestClusterRestartsAsAWhole(t *testing.T) {
	inCluster(t, 4, func(c *cluster) {
		for _, n := range c.nodes {
			n.start(nil)
		}
		c.submit(0, 30)
		time.Sleep(130 * time.Millisecond) // longer than a pause between bursts: all is in somebody's synced vertex
		for range 3 {
			for _, n := range c.nodes {
				n.kill()
			}
			for _, n := range c.nodes {
				n.start(nil)
			}
			time.Sleep(300 * time.Millisecond)
		}
		c.submit(30, 40)
		c.await(40, 60*time.Second, 0, 1, 2, 3)
	})
}

// Two of four stop: nothing is certified; when they are back, all goes on.
func TestClusterStallsAndHeals(t *testing.T) {
	inCluster(t, 4, func(c *cluster) {
		for _, n := range c.nodes {
			n.start(nil)
		}
		c.submit(0, 5)
		c.await(5, 20*time.Second, 0, 1, 2, 3)
		for a := range types.Member(2) {
			for b := types.Member(2); b < 4; b++ {
				c.setCut(a, b, true)
			}
		}
		time.Sleep(time.Second)
		height := c.nodes[0].blocks.certified()
		c.submit(5, 10)
		time.Sleep(20 * time.Second)
		if now := c.nodes[0].blocks.certified(); now > height+1 {
			t.Errorf("certified %d blocks without a quorum", now-height)
		}
		for a := range types.Member(2) {
			for b := types.Member(2); b < 4; b++ {
				c.setCut(a, b, false)
			}
		}
		c.await(10, 60*time.Second, 0, 1, 2, 3)
	})
}

func TestClusterFollower(t *testing.T) {
	inCluster(t, 4, func(c *cluster) {
		for _, n := range c.nodes[:3] {
			n.start(nil)
		}
		c.submit(0, 10)
		c.await(10, 20*time.Second, 0, 1, 2)
		follower := c.nodes[3]
		follower.start(func(cfg *Config) { cfg.Core.Self, cfg.Key = -1, nil })
		c.submit(10, 20)
		c.await(20, 40*time.Second, 0, 1, 2, 3)
		if r := follower.sequencer().Status().Round; r != 0 {
			t.Errorf("a follower is at own round %d", r)
		}
	})
}

func TestClusterSizes(t *testing.T) {
	for _, n := range []int{1, 2, 7} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			inCluster(t, n, func(c *cluster) {
				var all []int
				for i, node := range c.nodes {
					node.start(nil)
					all = append(all, i)
				}
				c.submit(0, 10)
				c.await(10, 20*time.Second, all...)
			})
		})
	}
}

// Random crashes (power cuts), cuts between pairs and load; then a healed network must order everything.
func TestClusterChaos(t *testing.T) {
	seeds := int64(3)
	if s := os.Getenv("SEQUENCER_SEEDS"); s != "" {
		fmt.Sscan(s, &seeds)
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			inCluster(t, 4, func(c *cluster) { c.chaos(rand.New(rand.NewSource(seed)), nil) })
		})
		if testing.Short() {
			continue
		}
		// The same with short logs and frequent cuts: who was away for a while goes on from others' state.
		t.Run(fmt.Sprintf("%d with cuts", seed), func(t *testing.T) {
			inCluster(t, 4, func(c *cluster) {
				c.segmentBytes = 16 << 10
				for _, n := range c.nodes {
					n.blocks.gap = true
				}
				c.chaos(rand.New(rand.NewSource(seed)), func(cfg *Config) {
					testCuts(cfg)
					cfg.JoinLag = 100
				})
			})
		})
	}
}

func (c *cluster) chaos(rng *rand.Rand, change func(*Config)) {
	images := make([]*imagedLog, len(c.nodes))
	up := func(i int) {
		c.nodes[i].start(func(cfg *Config) {
			images[i] = &imagedLog{Log: cfg.Log, dir: c.nodes[i].dir, copies: c.t.TempDir()}
			cfg.Log = images[i]
			if change != nil {
				change(cfg)
			}
		})
	}
	for i := range c.nodes {
		up(i)
	}
	down, sent := -1, 0
	for range 30 {
		switch i := rng.Intn(len(c.nodes)); {
		case down >= 0 && rng.Intn(2) == 0:
			up(down)
			down = -1
		case down < 0 && rng.Intn(3) == 0:
			c.nodes[i].cutPower(images[i])
			if images[i].last != "" {
				c.nodes[i].dir = images[i].restored(c.t)
			}
			down = i
		case rng.Intn(2) == 0:
			c.setCut(types.Member(i), types.Member((i+1)%len(c.nodes)), rng.Intn(2) == 0)
		}
		more := rng.Intn(5)
		c.submit(sent, sent+more)
		sent += more
		time.Sleep(time.Duration(rng.Intn(1500)) * time.Millisecond)
		if change != nil && down >= 0 && rng.Intn(4) == 0 {
			sent = c.run(sent, 6*time.Second, 50*time.Millisecond)
		}
	}
	if down >= 0 {
		up(down)
	}
	for i := range c.nodes {
		c.setCut(types.Member(i), types.Member((i+1)%len(c.nodes)), false)
	}
	c.submit(sent, sent+5)
	c.awaitLast(fmt.Sprintf("transaction %d", sent+4), 120*time.Second)
	for i, n := range c.nodes {
		st := n.sequencer().Stats()
		c.t.Logf("node %d in its last life: %d cuts, %d joins, %d caught up", i, st.Cuts, st.Joins, st.CaughtUp)
	}
}

// awaitLast waits until all nodes have certified a block with the transaction.
func (c *cluster) awaitLast(text string, limit time.Duration) {
	c.t.Helper()
	deadline := time.Now().Add(limit)
	for i := 0; i < len(c.nodes); {
		if slices.Contains(c.nodes[i].blocks.envelopes(), text) {
			i++
			continue
		}
		if time.Now().After(deadline) {
			for _, n := range c.nodes {
				c.t.Logf("node %d: %+v %+v", n.self, n.sequencer().Status(), n.sequencer().Stats())
			}
			c.t.Fatalf("node %d lacks %q after %s", i, text, limit)
		}
		time.Sleep(50 * time.Millisecond)
	}
	c.checkAgreement(0, 1, 2, 3)
}
