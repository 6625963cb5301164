package consensus

import (
	"bytes"
	"container/heap"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sort"
	"testing"
	"time"

	"github.com/etherscale/bedrock/types"
)

// cluster runs cores under one virtual clock: messages take time, nodes crash and come back from their logs, clocks are
// off, and copies of one key tell different members different things. A run is a function of its seed.
type cluster struct {
	t         testing.TB
	rng       *rand.Rand
	committee *types.Committee
	now       types.Time
	queue     timeline
	sequence  int
	nodes     []*testNode
	delay     func(from, to int) time.Duration
	drop      func(from, to int, v *types.Vertex) bool // vertices that never arrive by push
	bodies    map[types.BatchID][]TxInfo
	junk      map[types.BatchID]bool      // admitted only where gossip brings it
	cut       func(from, to int) bool     // links that carry nothing at all
	tap       func(n *testNode, ev Event) // sees every event
	rules     Rules
	pacing    Pacing
	epoch     types.Epoch
	seed      types.Hash
	parent    types.Header
	next      func() NextEpoch // answers AskNextEpoch
	configure func(*testNode, *Config)
	onCut     func(*testNode, *Cut)
}

// testNode is one core with what its driver would keep. Nodes above the committee's size are twins of a member.
type testNode struct {
	c          *cluster
	index      int
	member     int
	core       *Core
	alive      bool
	life       int // events of an earlier life are dropped
	skew       time.Duration
	log        []*types.Vertex
	byDigest   map[types.Hash]*types.Vertex
	held       []BatchHeld // in order
	holds      map[types.BatchID]bool
	executed   types.Height
	wakeAt     types.Time
	sentRounds map[types.Round]types.Hash
	roundsMade int

	appended  []Appended
	released  []Released
	closed    []Closed
	certified []types.CertifiedHeader
	at        map[types.BatchID]types.Time // local release
	received  map[types.BatchID]types.Time // local clock
	heard     map[types.BatchID]types.Time // true time
	twinsSeen int
	replayed  int         // length of the log after the replay
	above     types.Round // for the next start: the log is lost
	hidden    bool        // outputs of Byzantine nodes are not compared
	cut       *Cut        // newest
	resumed   int         // starts from a cut
	asked     []types.Height
	mute      bool // the state at that height is not known yet
	unwilling bool // to sign headers
}

type happening struct {
	at       types.Time
	sequence int
	do       func()
}

type timeline []happening

func (q timeline) Len() int { return len(q) }
func (q timeline) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].sequence < q[j].sequence
}
func (q timeline) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *timeline) Push(x any)   { *q = append(*q, x.(happening)) }
func (q *timeline) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

const testStart = types.Time(1_700_000_000_000_000)

func testParent() types.Header {
	return types.Header{Version: types.Version, Network: types.NetworkID{5}, Time: testStart}
}

func testCommittee(t testing.TB, stakes ...types.Stake) *types.Committee {
	t.Helper()
	members := make([]types.CommitteeMember, len(stakes))
	for i := range members {
		seed := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("cluster"), uint64(i)))
		members[i] = types.CommitteeMember{Key: types.PublicKey(ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey))}
	}
	sort.Slice(members, func(i, j int) bool { return bytes.Compare(members[i].Key[:], members[j].Key[:]) < 0 })
	for i := range members {
		members[i].Stake = stakes[i]
	}
	committee, err := types.NewCommittee(members)
	if err != nil {
		t.Fatal(err)
	}
	return committee
}

func equalStakes(n int) []types.Stake {
	stakes := make([]types.Stake, n)
	for i := range stakes {
		stakes[i] = 1
	}
	return stakes
}

// newCluster makes a core for every member, and one more for each member in twins.
func newCluster(t testing.TB, seed uint64, committee *types.Committee, twins ...int) *cluster {
	c := &cluster{t: t, rng: rand.New(rand.NewPCG(seed, 7)), committee: committee, now: testStart,
		bodies: map[types.BatchID][]TxInfo{}, junk: map[types.BatchID]bool{}, seed: types.Hash{3}, parent: testParent(),
		rules: Rules{Interval: 500_000, Heartbeat: 10_000_000, BlockBytes: 2 << 20, BlockGas: 60_000_000, RuleVersion: 1},
	}
	c.delay = func(int, int) time.Duration {
		return 20*time.Millisecond + time.Duration(c.rng.IntN(10_000))*time.Microsecond
	}
	for i := range committee.Len() {
		c.addNode(i)
	}
	for _, m := range twins {
		c.nodes[m].hidden = true
		c.addNode(m).hidden = true
	}
	return c
}

func (c *cluster) addNode(member int) *testNode {
	n := &testNode{c: c, index: len(c.nodes), member: member, byDigest: map[types.Hash]*types.Vertex{},
		holds: map[types.BatchID]bool{}, sentRounds: map[types.Round]types.Hash{}}
	c.nodes = append(c.nodes, n)
	return n
}

func (c *cluster) after(d time.Duration, do func()) {
	c.sequence++
	heap.Push(&c.queue, happening{c.now.Add(d), c.sequence, do})
}

func (c *cluster) run(d time.Duration) {
	end := c.now.Add(d)
	for len(c.queue) > 0 && c.queue[0].at <= end {
		h := heap.Pop(&c.queue).(happening)
		c.now = h.at
		h.do()
	}
	c.now = end
}

// batch makes a batch of one transaction and gossips it from one node: everybody but those in except gets it.
func (c *cluster) batch(k uint64, from int, except ...int) types.BatchID {
	id := types.BatchIDOf(binary.BigEndian.AppendUint64([]byte("batch"), k))
	c.bodies[id] = []TxInfo{{Hash: sha256.Sum256(id[:]), Gas: 21_000, Size: 200}}
	for i, n := range c.nodes {
		skip := false
		for _, e := range except {
			skip = skip || e == i
		}
		if skip {
			continue
		}
		d := time.Duration(0)
		if i != from {
			d = c.delay(from, i)
		}
		c.after(d, func() { n.hold(id, -1, true) })
	}
	return id
}

func (n *testNode) clock() types.Time { return n.c.now.Add(n.skew) }

func (n *testNode) hold(id types.BatchID, from int, admitted bool) {
	if !n.alive {
		return
	}
	held := BatchHeld{ID: id, Txs: n.c.bodies[id], Size: 200, Time: n.clock(), Admitted: admitted, From: from}
	if !n.holds[id] {
		n.holds[id] = true
		n.held = append(n.held, held)
	}
	if _, known := n.received[id]; !known && admitted {
		n.received[id], n.heard[id] = n.clock(), n.c.now
	}
	n.step(held)
}

// start gives the node a new life from its log.
func (n *testNode) start() {
	if n.alive {
		return
	}
	c := n.c
	cfg := Config{Network: types.NetworkID{5}, Epoch: c.epoch, Committee: c.committee, Seed: c.seed, Self: n.member,
		Parent: c.parent, Rules: c.rules, Pacing: c.pacing}
	if c.configure != nil {
		c.configure(n, &cfg)
	}
	core, err := New(cfg)
	if err != nil {
		c.t.Fatal(err)
	}
	n.core, n.alive, n.wakeAt = core, true, 0
	n.life++
	if n.cut != nil && c.rng.IntN(4) > 0 {
		n.startFromCut(cfg)
		return
	}
	n.appended, n.released, n.closed, n.certified = nil, nil, nil, nil
	n.at = map[types.BatchID]types.Time{}
	if n.received == nil {
		n.received, n.heard = map[types.BatchID]types.Time{}, map[types.BatchID]types.Time{}
	}
	for _, h := range n.held {
		h.Admitted = false
		n.step(h)
	}
	for i := 0; i < len(n.log); i += 50 {
		n.step(Restored{Vertices: n.log[i:min(i+50, len(n.log))]})
	}
	n.replayed = len(n.log)
	n.step(Start{Above: n.above})
}

func (n *testNode) crash() { n.alive = false }

// catchUp hands over another node's log, as the driver does for a node that was away.
func (n *testNode) catchUp(from *testNode) {
	for _, v := range from.log {
		if n.byDigest[v.Digest()] != nil {
			continue
		}
		for _, r := range v.Body().Receipts {
			if !n.holds[r.Batch] {
				n.hold(r.Batch, -1, !n.c.junk[r.Batch])
			}
		}
		n.step(VertexReceived{Vertex: v, From: types.Member(from.member), Asked: true})
	}
}

func (n *testNode) step(ev Event) {
	if !n.alive {
		return
	}
	if n.c.tap != nil {
		n.c.tap(n, ev)
	}
	fx := n.core.Step(n.clock(), ev)
	if err := n.core.Err(); err != nil {
		if !n.hidden {
			n.c.t.Fatalf("node %d stopped: %v", n.index, err)
		}
		n.alive = false
		return
	}
	n.perform(fx)
}

func (n *testNode) perform(fx Effects) {
	for _, v := range fx.Persist {
		if n.byDigest[v.Digest()] != nil {
			n.c.t.Fatalf("node %d persists %v twice", n.index, v.Ref())
		}
		for _, r := range v.Body().Receipts {
			if !n.holds[r.Batch] {
				n.c.t.Fatalf("node %d accepts %v without the body of %s", n.index, v.Ref(), r.Batch)
			}
		}
		n.log = append(n.log, v)
		n.byDigest[v.Digest()] = v
	}
	n.appended = append(n.appended, fx.Appended...)
	n.closed = append(n.closed, fx.Closed...)
	n.certified = append(n.certified, fx.Certified...)
	for _, r := range fx.Released {
		n.at[r.Batch] = n.c.now
		n.released = append(n.released, r)
	}
	n.twinsSeen += len(fx.Equivocations)
	if fx.Cut != nil {
		if n.cut = fx.Cut; n.c.onCut != nil && !n.hidden {
			n.c.onCut(n, fx.Cut)
		}
	}
	for _, s := range fx.Send {
		n.transmit(s)
	}
	for _, f := range fx.Fetch {
		n.fetch(f)
	}
	n.answer(fx)
	n.schedule(fx.Wake)
}

// answer does what a driver answers at once.
func (n *testNode) answer(fx Effects) {
	for _, digest := range fx.Sign {
		if n.unwilling && (n.core.draft == nil || n.core.draft.Digest() != digest) {
			continue
		}
		n.step(Signed{Digest: digest, Signature: types.Signature(append(digest[:], digest[:]...))})
	}
	for _, e := range fx.Encode {
		h := sha256.New()
		for _, tx := range e.Transactions {
			fmt.Fprintf(h, "%s/%d", tx.Batch, tx.Index)
		}
		n.step(Encoded{Height: e.Height, DataLength: uint64(len(e.Transactions)), Commitment: types.Hash(h.Sum(nil))})
	}
	if len(fx.Certified) > 0 {
		n.step(Executed{fx.Certified[len(fx.Certified)-1].Header.Height})
	}
	for _, id := range fx.Forgotten {
		n.hold(id, -1, true)
	}
	for _, id := range fx.Recall {
		n.hold(id, -1, false)
	}
	if fx.AskNextEpoch > 0 {
		if n.asked = append(n.asked, fx.AskNextEpoch); !n.mute {
			n.step(n.c.next())
		}
	}
}

func (n *testNode) schedule(wake types.Time) {
	if wake == 0 {
		return
	}
	local := wake.Add(-n.skew)
	if n.wakeAt > n.c.now && n.wakeAt <= local {
		return
	}
	n.wakeAt = local
	life := n.life
	n.c.after(max(0, time.Duration(int64(local)-int64(n.c.now))*time.Microsecond), func() {
		if n.alive && n.life == life {
			n.step(Tick{})
		}
	})
}

// transmit delivers a push to all nodes that have the member's key. Twins split the committee between them.
func (n *testNode) transmit(s Send) {
	own := s.Vertices[len(s.Vertices)-1]
	if n.byDigest[own.Digest()] == nil {
		n.c.t.Fatalf("node %d sends %v before it is persisted", n.index, own.Ref())
	}
	if before, ok := n.sentRounds[own.Round()]; ok && before != own.Digest() {
		n.c.t.Fatalf("node %d sends two vertices of round %d", n.index, own.Round())
	} else if !ok {
		n.sentRounds[own.Round()] = own.Digest()
		n.roundsMade++
	}
	for _, to := range n.c.nodes {
		if to.member != int(s.To) || to == n || n.c.isCut(n, to) || (n.c.drop != nil && n.c.drop(n.index, to.index, own)) {
			continue
		}
		to := to
		n.c.after(n.c.delay(n.index, to.index), func() {
			for _, id := range s.Batches {
				if !to.holds[id] {
					to.hold(id, n.member, !n.c.junk[id])
				}
			}
			for _, v := range s.Vertices {
				to.step(VertexReceived{Vertex: v, From: types.Member(n.member)})
			}
		})
	}
}

func (c *cluster) isCut(a, b *testNode) bool { return c.cut != nil && c.cut(a.index, b.index) }

func (n *testNode) fetch(f Fetch) {
	if len(f.Vertices)+len(f.Batches) > types.MaxFetchItems {
		n.c.t.Fatalf("fetch of %d items", len(f.Vertices)+len(f.Batches))
	}
	for _, from := range n.c.nodes {
		if from.member != int(f.From[0]) || from == n || n.c.isCut(n, from) {
			continue
		}
		n.c.after(n.c.delay(n.index, from.index), func() {
			if !from.alive {
				return
			}
			n.c.after(n.c.delay(from.index, n.index), func() {
				for _, id := range f.Batches {
					if from.holds[id] {
						n.hold(id, -1, !n.c.junk[id])
					}
				}
				for _, d := range f.Vertices {
					if v := from.byDigest[d]; v != nil {
						n.step(VertexReceived{Vertex: v, From: types.Member(from.member), Asked: true})
					}
				}
			})
		})
	}
}
