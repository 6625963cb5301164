package sequencer

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"sort"
	"sync"
	"testing"
	"time"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// network is the committee of a test with its keys.
type network struct {
	id        types.NetworkID
	keys      []ed25519.PrivateKey
	committee *types.Committee
	parent    types.Header
}

func newNetwork(t testing.TB, n int, start types.Time) *network {
	t.Helper()
	net := &network{id: sha256.Sum256([]byte(t.Name()))}
	for i := range n {
		seed := sha256.Sum256(fmt.Appendf(nil, "member %d", i))
		net.keys = append(net.keys, ed25519.NewKeyFromSeed(seed[:]))
	}
	public := func(i int) types.PublicKey { return types.PublicKey(net.keys[i].Public().(ed25519.PublicKey)) }
	sort.Slice(net.keys, func(i, j int) bool {
		a, b := public(i), public(j)
		return bytes.Compare(a[:], b[:]) < 0
	})
	var members []types.CommitteeMember
	for i := range n {
		members = append(members, types.CommitteeMember{Key: public(i), Stake: 1})
	}
	var err error
	if net.committee, err = types.NewCommittee(members); err != nil {
		t.Fatal(err)
	}
	net.parent = types.Header{Version: types.Version, Network: net.id, Time: start}
	return net
}

func (net *network) coreConfig(self int) consensus.Config {
	return consensus.Config{
		Network: net.id, Committee: net.committee, Seed: types.EpochSeed(net.id[:]), Self: self, Parent: net.parent,
		Rules: consensus.Rules{Interval: 500_000, Heartbeat: 10_000_000, BlockBytes: 2 << 20, BlockGas: 60_000_000, RuleVersion: 1},
	}
}

// vertex makes a signed vertex of round r whose parents are the given vertices of round r-1.
func (net *network) vertex(author types.Member, r types.Round, at types.Time, parents []*types.Vertex, batches ...types.BatchID) *types.Vertex {
	body := types.VertexBody{Parents: types.NewBitmap(net.committee.Len()), RuleVersion: 1}
	for _, p := range parents {
		body.Parents.Set(p.Author())
		body.ParentDigests = append(body.ParentDigests, p.Digest())
	}
	sort.Slice(batches, func(i, j int) bool { return bytes.Compare(batches[i][:], batches[j][:]) < 0 })
	for _, b := range batches {
		body.Receipts = append(body.Receipts, types.Receipt{Batch: b, Time: at})
	}
	id := types.VertexID{Version: types.Version, Network: net.id, Round: r, Author: author, Time: at}
	v := types.NewVertex(id, body)
	return v.WithSignature(types.SignDigest(net.keys[author], v.Digest()))
}

// testBatch is a valid body of one transaction.
func testBatch(t testing.TB, text string) ([]byte, types.BatchID) {
	t.Helper()
	body, err := types.EncodeBatch([][]byte{[]byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	return body, types.BatchIDOf(body)
}

// openBatches is a Batches that takes every decodable body and admits what it is told to.
type openBatches struct {
	mu     sync.Mutex
	refuse bool
	asked  []types.BatchID
}

var errBadBatch = errors.New("bad batch")

func (b *openBatches) Check(body []byte) ([]consensus.TxInfo, error) {
	batch, err := types.DecodeBatch(body)
	if err != nil {
		return nil, errBadBatch
	}
	var infos []consensus.TxInfo
	for _, e := range batch.Envelopes {
		infos = append(infos, consensus.TxInfo{Hash: sha256.Sum256(e), Gas: 21000, Size: uint64(len(e))})
	}
	return infos, nil
}

func (b *openBatches) Admits(id types.BatchID, _ []byte) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked, id)
	return !b.refuse
}

// memoryBlocks is a Blocks that enforces the contract: Closed in order of height and once, Certified after Closed.
type memoryBlocks struct {
	mu        sync.Mutex
	headers   map[types.Height]types.Header
	data      map[types.Height][]byte
	certs     map[types.Height]types.CertifiedHeader
	times     map[types.Height]time.Time // of the first certificate
	gap       bool                       // blocks may be missing in between: the chain brings them
	gate      chan struct{}              // when set, Closed waits for it
	committee *types.Committee
}

func newMemoryBlocks(c *types.Committee) *memoryBlocks {
	return &memoryBlocks{
		headers: make(map[types.Height]types.Header), data: make(map[types.Height][]byte),
		certs: make(map[types.Height]types.CertifiedHeader), times: make(map[types.Height]time.Time), committee: c,
	}
}

func (b *memoryBlocks) Closed(h types.Header, data []byte, block *coding.Block, _ []consensus.TxRef) error {
	if b.gate != nil {
		<-b.gate
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, again := b.headers[h.Height]; again {
		return fmt.Errorf("block %d closed twice", h.Height)
	}
	if _, before := b.headers[h.Height-1]; h.Height > 1 && !before && !b.gap {
		return fmt.Errorf("block %d closed before the one below", h.Height)
	}
	if block.Commitment() != h.Commitment || uint64(len(data)) != h.DataLength {
		return fmt.Errorf("block %d does not match its header", h.Height)
	}
	b.headers[h.Height], b.data[h.Height] = h, append([]byte(nil), data...)
	return nil
}

func (b *memoryBlocks) Certified(ch types.CertifiedHeader) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	own, ok := b.headers[ch.Header.Height]
	if !ok || own.Digest() != ch.Header.Digest() {
		return fmt.Errorf("certificate for block %d, which is not closed", ch.Header.Height)
	}
	b.certs[ch.Header.Height] = ch
	if b.times[ch.Header.Height].IsZero() {
		b.times[ch.Header.Height] = time.Now()
	}
	if b.committee != nil {
		return ch.Verify(ch.Header.Network, b.committee)
	}
	return nil
}

func (b *memoryBlocks) Header(h types.Height) (types.Header, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	header, ok := b.headers[h]
	return header, ok
}

func (b *memoryBlocks) certified() (top types.Height) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for h := range b.certs {
		top = max(top, h)
	}
	return top
}

func (b *memoryBlocks) at(h types.Height) [][]byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return types.DecodeBlockData(b.data[h])
}

func (b *memoryBlocks) when(h types.Height) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.times[h]
}

// envelopes lists the transactions of the certified blocks in order.
func (b *memoryBlocks) envelopes() (out []string) {
	top := b.certified()
	b.mu.Lock()
	defer b.mu.Unlock()
	for h := types.Height(1); h <= top; h++ {
		for _, e := range types.DecodeBlockData(b.data[h]) {
			out = append(out, string(e))
		}
	}
	return out
}

// recordedRows notes which blocks' rows were published.
type recordedRows struct {
	mu        sync.Mutex
	published []types.Height
}

func (r *recordedRows) Publish(_ context.Context, h types.Header, block *coding.Block) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if block.Commitment() != h.Commitment {
		return errors.New("rows of another block")
	}
	r.published = append(r.published, h.Height)
	return nil
}

func (r *recordedRows) list() []types.Height {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]types.Height(nil), r.published...)
}

// noStreams is a Streams without a network: what is pushed is recorded, fetches are answered by a function.
type noStreams struct {
	mu     sync.Mutex
	pushed []*types.Push
	answer func(from types.Member, r *types.FetchRequest) (*types.FetchResponse, error)
	onPush func(p *types.Push)
}

func (n *noStreams) Push(_ types.Member, p *types.Push) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.onPush != nil {
		n.onPush(p)
	}
	n.pushed = append(n.pushed, p)
	return true
}

func (n *noStreams) Fetch(ctx context.Context, from types.Member, r *types.FetchRequest) (*types.FetchResponse, error) {
	n.mu.Lock()
	answer := n.answer
	n.mu.Unlock()
	if answer == nil {
		return &types.FetchResponse{Next: r.From}, nil
	}
	return answer(from, r)
}

func openLog(t testing.TB, dir string) *store.VertexLog {
	t.Helper()
	return openSegments(t, dir, 0)
}

func openSegments(t testing.TB, dir string, size int64) *store.VertexLog {
	t.Helper()
	log, err := store.OpenVertexLog(dir, store.LogOptions{SegmentBytes: size})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	return log
}

func (net *network) config(self int, log Log) Config {
	cfg := Config{
		Core: net.coreConfig(self), Log: log, Streams: &noStreams{}, Batches: &openBatches{}, Rows: &recordedRows{},
		Blocks: newMemoryBlocks(nil), FirstStart: true,
	}
	if self >= 0 {
		cfg.Key = net.keys[self]
	}
	return cfg
}

// start runs the sequencer until the test ends or stop is called; stop returns Run's error.
func start(t testing.TB, s *Sequencer) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		err := s.Run(ctx)
		if err != nil && ctx.Err() == nil {
			t.Logf("member %d ended by itself: %v", s.self, err)
		}
		done <- err
	}()
	var once sync.Once
	var err error
	stop = func() error {
		once.Do(func() {
			cancel()
			err = <-done
		})
		return err
	}
	t.Cleanup(func() { _ = stop() })
	return stop
}
