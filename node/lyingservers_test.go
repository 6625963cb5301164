package node

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/etherscale/bedrock/chain"
	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/gossip"
	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// populous gives a genesis so many accounts, and so many slots to a few of them.
func populous(accounts, slots int) func(*types.Genesis) {
	return func(g *types.Genesis) {
		exectest.Bonded(g)
		for i := range accounts {
			g.Alloc[fmt.Sprintf("0x77777777777777777777%020x", i)] = types.GenesisAccount{Balance: fmt.Sprintf("0x%x", i+1)}
		}
		const most = 8000 // slots of an account
		for from := 0; from < slots; from += most {
			large := types.GenesisAccount{Balance: "0x1", Storage: map[string]string{}}
			for i := from; i < min(from+most, slots); i++ {
				large.Storage[fmt.Sprintf("0x%x", i)] = fmt.Sprintf("0x%x", i+1)
			}
			g.Alloc[fmt.Sprintf("0x%040x", 0xabcde+from)] = large
		}
	}
}

// settledAt is a swarm that offers the snapshot of a block, and the epoch's end that calls it settled.
func settledAt(t testing.TB, accounts, slots int) (*exectest.Swarm, types.Header) {
	t.Helper()
	s := exectest.New(t, populous(accounts, slots))
	for i := range 6 {
		s.Apply(s.Transfer(i, i+1, 5))
	}
	const at = 4
	if err := s.Chain.MakeSnapshot(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	claim, err := s.Chain.LastClaim(at)
	if err != nil {
		t.Fatal(err)
	}
	return s, types.Header{Next: &types.EpochEnd{SettledHeight: at, SettledClaim: claim.Hash()}}
}

// newcomer is a swarm of the same network on a fresh directory that has executed nothing.
func newcomer(t testing.TB, s *exectest.Swarm, accounts, slots int) *exectest.Swarm {
	t.Helper()
	late := exectest.Unopened(t, t.TempDir(), populous(accounts, slots))
	late.Stored = s.Stored
	late.Open()
	return late
}

// begin makes a newcomer's restoration of the settled state.
func begin(t testing.TB, late *exectest.Swarm, end types.Header, root execution.NamedState) *execution.Restoration {
	t.Helper()
	header := late.Stored[end.Next.SettledHeight].Header.Header
	r, err := late.Chain.Restore(execution.Target{Header: header, Claims: root.Claims, Block: root.Block})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// fetchState does for a newcomer what a node that joins late does, over real hosts.
func fetchState(t testing.TB, l *library, late *exectest.Swarm, end types.Header) {
	t.Helper()
	n := &Node{gossip: l.gossip, log: slog.New(slog.DiscardHandler)}
	roots, err := n.findRoots(l.ctx, end)
	if err != nil {
		t.Fatal(err)
	}
	r := begin(t, late, end, roots[0])
	if err := n.fetchPieces(l.ctx, r); err != nil {
		t.Fatal(err)
	}
	err = r.Finish(func(h types.Height) (types.Header, bool) {
		if h == 0 {
			g, err := late.Genesis.Header()
			return g, err == nil
		}
		return late.Stored[h].Header.Header, true
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestStateAmongLyingServers: one honest server among many that name another root, give wrong, false or cut pieces, or
// never come to an end, is enough; the state is the network's, and every lie that can be proven is counted.
func TestStateAmongLyingServers(t *testing.T) {
	const accounts, slots = 2000, 5000
	s, end := settledAt(t, accounts, slots)
	other, _ := settledAt(t, accounts, slots+1) // a state that is whole in itself, and not this network's
	l := newLibrary(t, s.Network, s.Committee())
	honest := s.Chain.Snapshot
	spoil := func(change func(*types.SnapshotRequest, []byte) []byte) gossip.Handlers {
		return gossip.Handlers{Snapshot: func(r *types.SnapshotRequest) ([]byte, bool) {
			answer, ok := honest(r)
			return change(r, slices.Clone(answer)), ok
		}}
	}
	l.serve(spoil(func(_ *types.SnapshotRequest, b []byte) []byte { b[len(b)/2] ^= 1; return b }), nil)
	l.serve(spoil(func(r *types.SnapshotRequest, b []byte) []byte { return b[:len(b)-len(b)/3] }), nil)
	l.serve(spoil(func(r *types.SnapshotRequest, _ []byte) []byte {
		r.Start[31]++ // a part that nobody asked for
		r.Start[0] ^= 16
		r.Start[31] = 0
		answer, _ := honest(r)
		return answer
	}), nil)
	l.serve(gossip.Handlers{Snapshot: other.Chain.Snapshot}, nil)
	l.serve(gossip.Handlers{Snapshot: func(*types.SnapshotRequest) ([]byte, bool) { return nil, false }}, nil)
	l.serve(gossip.Handlers{}, answering(500<<20, 0, nil), "snapshot/1")
	l.serve(gossip.Handlers{}, answering(100_000, 0, make([]byte, 50)), "snapshot/1")
	l.serve(gossip.Handlers{}, answering(3, 77, []byte{1, 2}), "snapshot/1")
	l.serve(gossip.Handlers{}, endless, "snapshot/1")
	l.serve(gossip.Handlers{Snapshot: honest}, nil)

	late := newcomer(t, s, accounts, slots)
	fetchState(t, l, late, end)
	for h := end.Next.SettledHeight + 1; h <= s.Chain.Height(); h++ {
		if _, err := late.Chain.Apply(s.Stored[h].Header.Header, s.Stored[h].Data); err != nil {
			t.Fatal(err)
		}
	}
	// What others call a block is the word of most peers; the claims, and the state in them, are proven.
	own, err := late.Chain.Claims(s.Chain.Height())
	if want, _ := s.Chain.Claims(s.Chain.Height()); err != nil || !slices.Equal(own, want) {
		t.Errorf("the head's claims are %v, want %v: %v", own, want, err)
	}
	if wrong := l.gossip.Stats().Wrong; wrong < 3 { // who was not asked told no lie
		t.Errorf("%d lies were counted, five servers tell some that can be proven", wrong)
	}
}

// headerChain is a network whose blocks closed every half second until now, in one epoch, and a chain that knows none.
func headerChain(t testing.TB, blocks int, data func(int) []byte) *exectest.Swarm {
	t.Helper()
	s := exectest.Unopened(t, t.TempDir(), func(g *types.Genesis) {
		g.Payload, g.EpochLength = types.PayloadOpaque, 1<<20
		g.UnbondingDelay = g.ChallengeWindow + g.EpochLength*g.Heartbeat + g.LightAbsence + 1
		g.Time = types.TimeOf(time.Now()) - types.Time(uint64(blocks)*g.BlockInterval)
		g.Time -= g.Time % types.Time(g.BlockInterval)
	})
	for i := range blocks {
		s.NextData(data(i))
	}
	return s
}

// follower is a chain that asks a library's servers.
func follower(t testing.TB, l *library, s *exectest.Swarm) *chain.Chain {
	t.Helper()
	db, err := store.Open(t.TempDir(), store.Options{Network: s.Network})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	c, err := chain.Open(chain.Config{Genesis: s.Genesis, Store: db, Peers: peers{&Node{gossip: l.gossip}}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// shelf serves headers and bodies of a swarm.
func shelf(s *exectest.Swarm) gossip.Handlers {
	return gossip.Handlers{
		Headers: func(from types.Height, most int) (list []types.CertifiedHeader) {
			for h := from; len(list) < min(most, chain.MaxHeaders); h++ {
				ch, ok := s.Certified(h)
				if !ok {
					break
				}
				list = append(list, ch)
			}
			return list
		},
		Body: s.Data,
	}
}

// TestBlocksAmongLyingServers: headers and bodies are had from one honest server among those that forge, cut, promise too
// much, or never come to an end.
func TestBlocksAmongLyingServers(t *testing.T) {
	const blocks = 500
	s := headerChain(t, blocks, func(i int) []byte { return binary.BigEndian.AppendUint32(make([]byte, 300), uint32(i)) })
	l := newLibrary(t, s.Network, s.Committee())
	good := shelf(s)
	forger := gossip.Handlers{
		Headers: func(from types.Height, most int) []types.CertifiedHeader {
			list := good.Headers(from, most)
			for i := range list {
				list[i].Header.DataLength++
			}
			return list
		},
		Body: func(h types.Height) ([]byte, error) { return s.Data(h ^ 1) },
	}
	l.serve(forger, nil)
	for _, wild := range []func(network.Stream){answering(500<<20, 0, nil), answering(100_000, 0, make([]byte, 50)), endless} {
		l.serve(gossip.Handlers{}, wild, "block/1")
	}
	l.serve(good, nil)
	c := follower(t, l, s)
	run(t, c)
	waitFor(t, "headers and bodies", func() bool { return c.BodiesHead() == blocks })
	for h := types.Height(1); h <= blocks; h++ {
		data, err := c.Body(h)
		if want, _ := s.Data(h); err != nil || !slices.Equal(data, want) {
			t.Fatalf("body %d: %v", h, err)
		}
	}
	if wrong := l.gossip.Stats().Wrong; wrong < 2 {
		t.Errorf("%d lies were counted", wrong)
	}
}

// run follows until the test ends.
func run(t testing.TB, c *chain.Chain) {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- c.Run(t.Context()) }()
	t.Cleanup(func() { <-ended })
}
