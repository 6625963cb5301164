package sequencer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

const epochBlocks = 12

// succession is a network of several epochs in virtual time: drivers, cores and logs are real, the chain is a list of
// certified headers that every node hears of.
type succession struct {
	t     testing.TB
	net   *network // all keys; its committee is never used
	plan  map[types.Epoch][]int
	delay time.Duration
	nodes []*heir
	count int // transactions sent

	mu   sync.Mutex
	seen map[types.VertexRef]types.Epoch // own vertices that were ever on the wire
}

// heir is one node.
type heir struct {
	c      *succession
	self   int
	dir    string
	ledger *ledger

	mu      sync.Mutex
	running *Epochs
	stop    func()
}

// newSuccession makes n keys; plan names the committees that are not simply the one before.
func newSuccession(t testing.TB, n int, plan map[types.Epoch][]int) *succession {
	c := &succession{t: t, net: newNetwork(t, n, now()), plan: plan, delay: 20 * time.Millisecond, seen: make(map[types.VertexRef]types.Epoch)}
	for i := range n {
		h := &heir{c: c, self: i, dir: filepath.Join(t.TempDir(), "vertices")}
		h.ledger = &ledger{c: c, signal: make(chan struct{}, 1), own: make(map[types.Height]types.Header),
			committees: []*types.Committee{c.committee(plan[0])}, origins: []types.Header{c.net.parent}, waiting: make(map[types.Height]types.CertifiedHeader)}
		c.nodes = append(c.nodes, h)
	}
	return c
}

func (c *succession) committee(members []int) *types.Committee {
	var list []types.CommitteeMember
	for i := range c.net.keys {
		if slices.Contains(members, i) {
			list = append(list, c.net.committee.Member(types.Member(i)))
		}
	}
	committee, err := types.NewCommittee(list)
	if err != nil {
		c.t.Fatal(err)
	}
	return committee
}

// Next implements Committees: what the state says is the plan.
func (h *heir) Next(_ context.Context, e types.Epoch, _ types.Height) (consensus.NextEpoch, error) {
	if members, planned := h.c.plan[e]; planned {
		return consensus.NextEpoch{Committee: h.c.committee(members).Members()}, nil
	}
	before, _ := h.ledger.Committee(e - 1)
	return consensus.NextEpoch{Committee: before.Members()}, nil
}

func (h *heir) start() {
	h.c.t.Helper()
	logs, err := store.OpenVertexLogs(h.dir, store.LogOptions{})
	if err != nil {
		h.c.t.Fatal(err)
	}
	mark := filepath.Join(filepath.Dir(h.dir), "used")
	s, err := NewEpochs(EpochsConfig{
		Key: h.c.net.keys[h.self], Chain: h.ledger, Logs: logs, Retention: 2 * time.Second,
		Unused: func() bool { _, err := os.Stat(mark); return errors.Is(err, os.ErrNotExist) },
		Used:   func() error { return os.WriteFile(mark, nil, 0o600) },
		Term: func(types.Epoch, *store.VertexLog) (Config, error) {
			cfg := h.c.net.config(0, nil)
			cfg.Core.Rules.Interval, cfg.Core.Rules.Heartbeat, cfg.Core.Rules.EpochLength = 100_000, 1_000_000, epochBlocks
			cfg.Streams, cfg.Blocks, cfg.Committees = &line{h}, h.ledger, h
			return cfg, nil
		},
	})
	if err != nil {
		h.c.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	h.mu.Lock()
	h.running = s
	h.mu.Unlock()
	time.AfterFunc(5*h.c.delay, h.catchUp)
	h.stop = sync.OnceFunc(func() {
		h.mu.Lock()
		h.running = nil
		h.mu.Unlock()
		cancel()
		if err := <-done; err != nil {
			h.c.t.Errorf("node %d: %v", h.self, err)
		}
	})
}

// catchUp asks the others for the headers that came while the node was down.
func (h *heir) catchUp() {
	for _, other := range h.c.nodes {
		if other == h || other.epochs() == nil {
			continue
		}
		other.ledger.mu.Lock()
		headers := slices.Clone(other.ledger.list)
		other.ledger.mu.Unlock()
		for _, ch := range headers[min(len(headers), int(h.ledger.Head().Header.Height)):] {
			h.ledger.add(ch)
		}
	}
}

func (h *heir) epochs() *Epochs {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.running
}

// line is a node's Streams: members are reached by the committee of the message's epoch.
type line struct{ h *heir }

func (l *line) peer(e types.Epoch, m types.Member) *heir {
	committee, ok := l.h.ledger.Committee(e)
	if !ok || !committee.Has(m) {
		return nil
	}
	i, _ := l.h.c.net.committee.Index(committee.Member(m).Key)
	return l.h.c.nodes[i]
}

func (l *line) Push(to types.Member, p *types.Push) bool {
	c, peer := l.h.c, l.peer(p.Epoch, to)
	if peer == nil || l.h.epochs() == nil {
		return false
	}
	committee, _ := l.h.ledger.Committee(p.Epoch)
	from, _ := committee.Index(c.net.committee.Member(types.Member(l.h.self)).Key)
	for _, encoded := range p.Vertices {
		c.record(encoded)
	}
	time.AfterFunc(c.delay, func() {
		if s := peer.epochs(); s != nil {
			s.HandlePush(from, p)
		}
	})
	return true
}

func (l *line) Fetch(ctx context.Context, from types.Member, r *types.FetchRequest) (*types.FetchResponse, error) {
	time.Sleep(2 * l.h.c.delay)
	peer := l.peer(r.Epoch, from)
	if peer == nil || peer.epochs() == nil || l.h.epochs() == nil {
		return nil, errors.New("no connection")
	}
	return peer.epochs().HandleFetch(ctx, r)
}

// record looks for what must never be: two vertices of one key, epoch and round.
func (c *succession) record(encoded []byte) {
	v, err := types.DecodeVertex(encoded)
	if err != nil {
		c.t.Error(err)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for ref, e := range c.seen {
		if e == v.Epoch() && ref.Author == v.Author() && ref.Round == v.Round() && ref.Digest != v.Digest() {
			c.t.Errorf("member %d of epoch %d signed two vertices of round %d", v.Author(), e, v.Round())
		}
	}
	c.seen[v.Ref()] = v.Epoch()
}

// ledger is a node's chain and block store. It outlives the node's runs.
type ledger struct {
	c      *succession
	signal chan struct{}

	mu         sync.Mutex
	own        map[types.Height]types.Header
	data       map[types.Hash][]byte // by commitment
	list       []types.CertifiedHeader
	waiting    map[types.Height]types.CertifiedHeader
	committees []*types.Committee
	origins    []types.Header
}

func (l *ledger) Epoch() types.Epoch {
	l.mu.Lock()
	defer l.mu.Unlock()
	return types.Epoch(len(l.origins) - 1)
}

func (l *ledger) Committee(e types.Epoch) (*types.Committee, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if int(e) >= len(l.committees) {
		return nil, false
	}
	return l.committees[e], true
}

func (l *ledger) Origin(e types.Epoch) (types.Header, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if int(e) >= len(l.origins) {
		return types.Header{}, false
	}
	return l.origins[e], true
}

func (l *ledger) Head() types.CertifiedHeader {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.list) == 0 {
		return types.CertifiedHeader{Header: l.c.net.parent}
	}
	return l.list[len(l.list)-1]
}

func (l *ledger) Subscribe() (<-chan struct{}, func()) { return l.signal, func() {} }

// add takes a certified header, in any order.
func (l *ledger) add(ch types.CertifiedHeader) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting[ch.Header.Height] = ch
	for {
		next, ok := l.waiting[types.Height(len(l.list)+1)]
		if !ok {
			break
		}
		if e := next.Header.Epoch; next.Verify(next.Header.Network, l.committees[e]) != nil || next.Header.Parent != l.digest() {
			l.c.t.Errorf("header %d of epoch %d does not follow", next.Header.Height, e)
		}
		l.list = append(l.list, next)
		if end := next.Header.Next; end != nil {
			committee, err := types.NewCommittee(end.Committee)
			if err != nil {
				l.c.t.Error(err)
			}
			l.committees, l.origins = append(l.committees, committee), append(l.origins, next.Header)
		}
	}
	select {
	case l.signal <- struct{}{}:
	default:
	}
}

// copyTo adds the data of the closed blocks and returns the headers.
func (l *ledger) copyTo(data map[types.Hash][]byte) []types.CertifiedHeader {
	l.mu.Lock()
	defer l.mu.Unlock()
	maps.Copy(data, l.data)
	return slices.Clone(l.list)
}

func (l *ledger) digest() types.Hash {
	if len(l.list) == 0 {
		return l.c.net.parent.Digest()
	}
	return l.list[len(l.list)-1].Header.Digest()
}

// Closed implements Blocks.
func (l *ledger) Closed(h types.Header, data []byte, _ *coding.Block, _ []consensus.TxRef) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.data == nil {
		l.data = make(map[types.Hash][]byte)
	}
	if old, ok := l.own[h.Height]; ok && old.Digest() != h.Digest() {
		return fmt.Errorf("block %d closed twice", h.Height)
	}
	l.own[h.Height], l.data[h.Commitment] = h, slices.Clone(data)
	return nil
}

// Certified implements Blocks: the header is told to every node.
func (l *ledger) Certified(ch types.CertifiedHeader) error {
	l.add(ch)
	for _, h := range l.c.nodes {
		time.AfterFunc(l.c.delay, func() {
			if s := h.epochs(); s != nil {
				h.ledger.add(ch)
				s.Executed(ch.Header.Height)
			}
		})
	}
	return nil
}

// Header implements Blocks.
func (l *ledger) Header(h types.Height) (types.Header, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	header, ok := l.own[h]
	return header, ok
}

// send hands n transactions to all nodes that run, one every 20 ms.
func (c *succession) send(n int) {
	for range n {
		c.hold(c.count)
		c.count++
		time.Sleep(20 * time.Millisecond)
	}
}

func (c *succession) hold(i int) {
	body, id := testBatch(c.t, transaction(i))
	infos, err := new(openBatches).Check(body)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, h := range c.nodes {
		if s := h.epochs(); s != nil {
			s.Hold(id, body, infos, now(), true)
		}
	}
}

func transaction(i int) string { return fmt.Sprintf("transaction %d", i) }

// until sends transactions until all running nodes know the epoch.
func (c *succession) until(e types.Epoch) {
	c.t.Helper()
	for tries := 0; ; tries++ {
		behind := 0
		for _, h := range c.nodes {
			if h.epochs() != nil && h.ledger.Epoch() < e {
				behind++
			}
		}
		if behind == 0 {
			return
		}
		if tries == 400 {
			c.t.Fatalf("epoch %d is not reached; node 0 knows height %d", e, c.nodes[0].ledger.Head().Header.Height)
		}
		c.send(5)
	}
}

func (c *succession) startAll() {
	for _, h := range c.nodes {
		h.start()
	}
	time.Sleep(10 * time.Millisecond) // what comes before an epoch begins is nobody's
}

func (c *succession) stopAll() {
	for _, h := range c.nodes {
		if h.stop != nil {
			h.stop()
		}
	}
}

// lost lists the transactions that are in no block. All nodes must have the same chain.
func (c *succession) lost() (missing []int) {
	c.t.Helper()
	var longest []types.CertifiedHeader
	data := make(map[types.Hash][]byte)
	lists := make([][]types.CertifiedHeader, len(c.nodes))
	for i, h := range c.nodes {
		if lists[i] = h.ledger.copyTo(data); len(lists[i]) > len(longest) {
			longest = lists[i]
		}
	}
	for n, list := range lists {
		for i, ch := range list {
			if ch.Header.Digest() != longest[i].Header.Digest() {
				c.t.Fatalf("node %d has another header %d", c.nodes[n].self, i+1)
			}
		}
	}
	ordered := make(map[string]bool)
	for _, ch := range longest {
		for _, e := range types.DecodeBlockData(data[ch.Header.Commitment]) {
			ordered[string(e)] = true
		}
	}
	for i := range c.count {
		if !ordered[transaction(i)] {
			missing = append(missing, i)
		}
	}
	return missing
}

// check waits for the last transactions; none may be missing.
func (c *succession) check() {
	c.t.Helper()
	time.Sleep(3 * time.Second)
	if missing := c.lost(); len(missing) > 0 {
		c.t.Errorf("transactions %v of %d are in no block", missing, c.count)
	}
}
