package gossip

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
)

func certified(h types.Height) types.CertifiedHeader {
	return types.CertifiedHeader{Header: types.Header{Version: types.Version, Network: testNetwork, Height: h}, Certificate: types.Certificate{Signers: types.Bitmap{1}}}
}

// library answers every kind of request.
func library(t *testing.T, block *coding.Block, data []byte) Handlers {
	opening, err := block.Opening().MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	only := func(b []byte) func(types.Height) ([]byte, error) {
		return func(h types.Height) ([]byte, error) {
			if h != 5 {
				return nil, errors.New("not here")
			}
			return b, nil
		}
	}
	return Handlers{
		Headers: func(from types.Height, max int) (out []types.CertifiedHeader) {
			for h := from; h <= 40 && len(out) < max; h++ {
				out = append(out, certified(h))
			}
			return out
		},
		Body: only(data), Opening: only(opening),
		Audit: func(id types.BatchID) ([]byte, bool) {
			return []byte("audit record"), id == types.BatchIDOf([]byte("x")) || id == types.TransactionCID(types.Hash{7})
		},
		ChallengeBody: func(id types.BatchID) ([]byte, bool) { return []byte("proof"), id == types.BatchIDOf([]byte("proof")) },
		ChallengeIDs:  func(types.Height) []types.BatchID { return []types.BatchID{types.BatchIDOf([]byte("proof"))} },
		Assertions:    func(types.Height) [][]byte { return [][]byte{[]byte("b"), []byte("a")} },
	}
}

func testBlock(t *testing.T) ([]byte, *coding.Block, types.Header) {
	t.Helper()
	data := []byte(strings.Repeat("block data ", 20_000))
	block, err := coding.Encode(data)
	if err != nil {
		t.Fatal(err)
	}
	return data, block, types.Header{Height: 5, DataLength: uint64(len(data)), Commitment: block.Commitment()}
}

func TestRequestsOfEveryKind(t *testing.T) {
	s := newSwarm(t, 1, 1)
	data, block, header := testBlock(t)
	s.start(0, library(t, block, data))
	g, _ := s.start(1, Handlers{}) // not connected: it has to find a member
	ctx := s.ctx

	headers, err := g.Headers(ctx, 30, 500)
	if err != nil || len(headers) != 11 || headers[0].Header.Height != 30 || headers[10].Header.Height != 40 {
		t.Fatal(len(headers), err)
	}
	if headers, err := g.Headers(ctx, 41, 5); err != nil || len(headers) != 0 {
		t.Fatal("beyond the end:", len(headers), err)
	}
	if body, err := g.Body(ctx, 5, header.Commitment); err != nil || string(body) != string(data) {
		t.Fatal(len(body), err)
	}
	if _, err := g.Body(ctx, 6, header.Commitment); !errors.Is(err, ErrNotFound) {
		t.Fatal(err)
	}
	if opening, err := g.Opening(ctx, header); err != nil || opening.RowRoot != block.RowRoot() {
		t.Fatal(err)
	}
	for _, id := range []types.BatchID{types.BatchIDOf([]byte("x")), types.TransactionCID(types.Hash{7})} {
		if record, err := g.Audit(ctx, id); err != nil || string(record) != "audit record" {
			t.Fatal(string(record), err)
		}
	}
	id := types.BatchIDOf([]byte("proof"))
	if body, err := g.Challenge(ctx, id); err != nil || string(body) != "proof" {
		t.Fatal(err)
	}
	if _, err := g.Challenge(ctx, types.BatchIDOf([]byte("other"))); !errors.Is(err, ErrNotFound) {
		t.Fatal(err)
	}
	if ids, n, err := g.ChallengeIDs(ctx, 5, 8); err != nil || n != 1 || !slices.Equal(ids, []types.BatchID{id}) {
		t.Fatal(ids, n, err)
	}
	if all, err := g.Assertions(ctx, 5, 8); err != nil || len(all) != 2 || string(all[0]) != "a" {
		t.Fatal(all, err)
	}
	other := header
	other.Commitment[0] ^= 1
	if _, err := g.Opening(ctx, other); !errors.Is(err, coding.ErrOpening) {
		t.Fatal("an opening of another commitment:", err)
	}
}

// A peer that is silent is passed by, one that lies is asked last from then on.
func TestRequestsPassByBadPeers(t *testing.T) {
	s := newSwarm(t, 3, 1)
	s.connectAll()
	data, block, _ := testBlock(t)
	var lies, silences atomic.Int32
	stop := make(chan struct{})
	defer close(stop) // before the swarm stops, which waits for its handlers
	s.start(0, Handlers{Headers: func(from types.Height, max int) []types.CertifiedHeader {
		lies.Add(1)
		return []types.CertifiedHeader{certified(from + 1)}
	}})
	s.start(1, Handlers{Headers: func(types.Height, int) []types.CertifiedHeader {
		silences.Add(1)
		<-stop
		return nil
	}})
	s.start(2, library(t, block, data))
	g, _ := s.start(3, Handlers{}, func(c *Config) { c.HedgeDelay = 20 * time.Millisecond })
	eventually(t, "protocols", func() bool { return len(g.candidates(g.protocols.block, false)) == 3 })
	for range 12 {
		headers, err := g.Headers(s.ctx, 7, 3)
		if err != nil || len(headers) != 3 || headers[0].Header.Height != 7 {
			t.Fatal(headers, err)
		}
	}
	if n := lies.Load(); n == 0 || n > 4 {
		t.Fatalf("the liar was asked %d times in 12", n)
	}
	if silences.Load() == 0 {
		t.Fatal("the silent one was never asked: the test shows nothing")
	}
	before := g.peers.weight(s.hosts[2].ID())
	g.DistrustHeaders(7)
	g.DistrustHeaders(7) // the same answer costs once
	if got := g.peers.weight(s.hosts[2].ID()); got < before+0.9 || got > before+1.1 {
		t.Fatalf("distrust weighs %v", got)
	}
}

func TestFetch(t *testing.T) {
	s := newSwarm(t, 2, 1)
	s.connectAll()
	answer := func(_ context.Context, r *types.FetchRequest) (*types.FetchResponse, error) {
		if r.Log {
			return &types.FetchResponse{Vertices: [][]byte{[]byte("v")}, Next: r.From + 1, End: 9}, nil
		}
		return &types.FetchResponse{Batches: [][]byte{r.Batches[0][:]}}, nil
	}
	s.start(0, Handlers{FetchDAG: answer})
	member, _ := s.start(1, Handlers{})
	other, _ := s.start(2, Handlers{})
	id := types.BatchIDOf([]byte("b"))
	if r, err := member.Fetch(s.ctx, 0, &types.FetchRequest{Batches: []types.BatchID{id}}); err != nil || string(r.Batches[0]) != string(id[:]) {
		t.Fatal(err)
	}
	if r, err := other.Fetch(s.ctx, 0, &types.FetchRequest{Log: true, From: 3}); err != nil || r.Next != 4 || r.End != 9 {
		t.Fatal(err)
	}
	if _, err := other.Fetch(s.ctx, 0, &types.FetchRequest{Epoch: 5, Log: true}); err == nil {
		t.Fatal("fetch from a member of an unknown epoch")
	}
	for _, m := range []types.Member{1, 2, 700} { // itself, nobody
		if _, err := member.Fetch(s.ctx, m, &types.FetchRequest{Log: true}); err == nil {
			t.Fatalf("fetch from %d", m)
		}
	}
	ctx, cancel := context.WithTimeout(s.ctx, 50*time.Millisecond)
	defer cancel()
	if _, err := other.Fetch(ctx, 1, &types.FetchRequest{Log: true}); err == nil {
		t.Fatal("fetch from a member that serves none")
	}
}

// I4: a peer that asks too much is told so, others are served.
func TestServingIsLimited(t *testing.T) {
	s := newSwarm(t, 1, 2)
	s.connectAll()
	data, block, _ := testBlock(t)
	g, _ := s.start(0, library(t, block, data), func(c *Config) { c.RequestsPerSecond = 2 })
	greedy, _ := s.start(1, Handlers{})
	modest, _ := s.start(2, Handlers{})
	var err error
	for range 20 {
		if _, err = greedy.Audit(s.ctx, types.BatchIDOf([]byte("x"))); err != nil {
			break
		}
	}
	if !errors.Is(err, ErrBusy) {
		t.Fatalf("after 20 requests: %v", err)
	}
	if _, err := modest.Audit(s.ctx, types.BatchIDOf([]byte("x"))); err != nil {
		t.Fatal(err)
	}
	if st := g.Stats(); st.Limited == 0 || st.Served == 0 {
		t.Fatalf("%+v", st)
	}
}

func TestGate(t *testing.T) {
	g := newGate(1000, 100, func(p peer.ID) bool { return p == "member" })
	for range maxServingPeer {
		if !g.enter("a") {
			t.Fatal("refused too early")
		}
	}
	if g.enter("a") {
		t.Fatal("no limit on requests at once")
	}
	if !g.enter("b") {
		t.Fatal("another peer pays")
	}
	g.leave("b", 401) // more than the burst of bytes
	if g.enter("b") {
		t.Fatal("no limit on bytes")
	}
	for range 4 * maxServingPeer {
		if !g.enter("member") {
			t.Fatal("a member has less than its share")
		}
	}
	for i := range maxGated {
		if p := peer.ID([]byte{byte(i), byte(i >> 8), 'x'}); g.enter(p) {
			g.leave(p, 0)
		}
	}
	if len(g.peers) > maxGated {
		t.Fatalf("%d peers remembered", len(g.peers))
	}
}

func TestSubmitBatch(t *testing.T) {
	s := newSwarm(t, 3, 1)
	s.connectAll()
	var got inbox[string]
	for i, v := range []Verdict{Accept, Accept, Ignore} {
		s.start(i, Handlers{Batch: func(_ context.Context, _ peer.ID, body []byte, _ types.Time) Verdict { got.put(string(body)); return v }})
	}
	g, _ := s.start(3, Handlers{Batch: func(context.Context, peer.ID, []byte, types.Time) Verdict { return Accept }})
	eventually(t, "protocols", func() bool { return len(g.candidates(g.protocols.tx, true)) == 3 })
	for range 3 { // the rotation lets it meet the one that ignores, too
		if n, err := g.SubmitBatch(s.ctx, []byte("batch"), 2); err != nil || n < 1 || n > 2 {
			t.Fatal(n, err)
		}
	}
	if got.len() < 6 {
		t.Fatalf("%d arrived", got.len())
	}
	if candidates := g.candidates(g.protocols.tx, false); slices.Contains(candidates, s.hosts[3].ID()) {
		t.Fatal("a peer asks itself")
	}
}

// I1: an answer that claims to be larger than it may be is refused before it is read.
func TestOversizeAnswerIsRefused(t *testing.T) {
	s := newSwarm(t, 1, 1)
	s.connectAll()
	g, _ := s.start(1, Handlers{})
	s.hosts[0].SetStreamHandler(g.protocols.block, func(stream network.Stream) {
		defer stream.Close()
		_, _ = stream.Write([]byte{0xff, 0xff, 0xff, 0xff, 0})
	})
	eventually(t, "protocols", func() bool { return len(g.candidates(g.protocols.block, false)) == 1 })
	if _, err := g.Audit(s.ctx, types.BatchIDOf([]byte("x"))); !errors.Is(err, types.ErrMalformed) {
		t.Fatal(err)
	}
}

func TestNoPeers(t *testing.T) {
	s := newSwarm(t, 1, 1)
	g, _ := s.start(1, Handlers{}, func(c *Config) { c.FindPeer = nil })
	if _, err := g.Headers(s.ctx, 1, 1); !errors.Is(err, ErrNoPeers) {
		t.Fatal(err)
	}
	if _, err := g.SubmitBatch(s.ctx, []byte("b"), 1); !errors.Is(err, ErrNoPeers) {
		t.Fatal(err)
	}
}

func TestIdentity(t *testing.T) {
	s := newSwarm(t, 2, 0)
	for i, m := range s.committee.Members() {
		id, err := PeerIDOf(m.Key)
		if err != nil || id != s.hosts[i].ID() || id.String() != m.Key.PeerID() {
			t.Fatal(id, err)
		}
		if key, err := KeyOf(id); err != nil || key != m.Key {
			t.Fatal(key, err)
		}
	}
	if _, err := KeyOf("no key"); err == nil {
		t.Fatal("a key of nothing")
	}
}

func TestConfigNamesItsProblems(t *testing.T) {
	_, err := New(context.Background(), Config{MaxBody: 1 << 40})
	for _, want := range []string{"Host", "Committee", "Network", "MaxBody"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("%v does not name %s", err, want)
		}
	}
}
