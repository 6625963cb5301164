package audit

import (
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/consensus/internal/brute"
	"github.com/etherscale/bedrock/types"
)

var challenged = types.Verdict{Challenge: types.BatchIDOf([]byte("challenge")), Kind: 1, Accused: types.PublicKey{1}, Payee: [20]byte{2}}

// history is three seconds of a swarm with a batch every 40 ms, and a challenge that three of four find valid.
func history(t testing.TB, seed uint64) (*swarm, []types.Hash) {
	t.Helper()
	return historyOf(t, newSwarm(t, seed), seed)
}

func historyOf(t testing.TB, s *swarm, seed uint64) (*swarm, []types.Hash) {
	t.Helper()
	var targets []types.Hash
	for k := range 50 {
		if k == 5 {
			for i := range 3 {
				s.post(s.now+types.Time(1+50*i)*millisecond, i, consensus.Upheld{Verdict: challenged})
			}
		}
		targets = append(targets, s.submit(1+s.rng.IntN(4), 60*millisecond)...)
		s.run(40 * time.Millisecond)
	}
	s.run(time.Second)
	listed := 0
	for _, ch := range s.headers {
		listed += len(ch.Header.Verdicts)
	}
	if listed != 1 {
		t.Fatalf("seed %d: %d verdicts are listed", seed, listed)
	}
	for i, n := range s.nodes {
		if len(n.places) != len(targets) {
			t.Fatalf("seed %d: sequencer %d placed %d of %d transactions", seed, i, len(n.places), len(targets))
		}
	}
	return s, targets
}

// bruteBlocks is what the brute-force twin makes of a log.
func bruteBlocks(s *swarm, vertices []*types.Vertex) ([]brute.Block, *brute.Fair) {
	seed, _ := s.genesis.Seed()
	setting := brute.Setting{Committee: s.committee, Seed: seed, Start: s.genesis.Time}
	appended, _ := brute.Sequence(setting, vertices)
	contents := map[types.BatchID][]brute.Tx{}
	for id := range s.envelopes {
		for _, tx := range s.held(id, 0, false).Txs {
			contents[id] = append(contents[id], brute.Tx{Hash: tx.Hash, Gas: tx.Gas, Size: tx.Size})
		}
	}
	return brute.Blocks(setting, brute.Limits{
		Interval: s.genesis.BlockInterval, Heartbeat: s.genesis.Heartbeat, Bytes: s.genesis.BlockBytes, Gas: s.genesis.BlockGas,
	}, appended, contents)
}

// TestReplayReproduces (A1, A3): from any sequencer's log, with and without known headers, a stranger gets the place and
// record every sequencer keeps, the header that was certified, and what the brute-force twin says.
func TestReplayReproduces(t *testing.T) {
	for seed := range uint64(3) {
		s, targets := history(t, seed)
		blocks, fair := bruteBlocks(s, s.nodes[0].vertices)
		for i := 0; i < len(targets); i += 9 {
			target := targets[i]
			for known := range 2 {
				cfg := s.config(target)
				if known == 0 {
					cfg.Header = nil
				}
				r, err := replay(t, cfg, s.nodes[(i+known)%4].log)
				if err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				f, err := r.Verify()
				if err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				checkFinding(t, s, f, target)
				if f.Certified != (known == 1) {
					t.Errorf("certified is %v", f.Certified)
				}
				if len(blocks) < int(f.Height) || blocks[f.Height-1].Txs[f.Index] != target || blocks[f.Height-1].Time != f.Header.Time ||
					!slices.Equal(blocks[f.Height-1].Verdicts, f.Header.Verdicts) {
					t.Errorf("seed %d: brute force has another transaction or verdict at block %d, index %d", seed, f.Height, f.Index)
				}
				for _, released := range fair.Released {
					if released.Batch == f.Record.Batch && (released.T != f.Record.FairTime || uint64(released.After) != f.Record.Index) {
						t.Errorf("seed %d: brute force has fair time %d after %d", seed, released.T, released.After)
					}
				}
			}
		}
	}
}

func checkFinding(t *testing.T, s *swarm, f *Finding, target types.Hash) {
	t.Helper()
	certified := s.headers[f.Height].Header
	if f.HeaderDigest() != certified.Digest() {
		t.Errorf("header %d is %s, certified %s", f.Height, f.HeaderDigest(), certified.Digest())
	}
	for i, n := range s.nodes {
		if err := f.ComparePlace(n.places[target]); err != nil {
			t.Errorf("sequencer %d: %v", i, err)
		}
		if err := f.CompareRecord(n.records[f.Record.Batch]); err != nil {
			t.Errorf("sequencer %d: %v", i, err)
		}
	}
	if err := f.Record.Check(s.committee); err != nil {
		t.Error(err)
	}
	for _, e := range f.Record.Entries {
		if heard := s.heard[f.Record.Batch][e.Author]; e.Explicit && e.Time < heard {
			t.Errorf("entry of member %d is counted at %d, it got the batch at %d", e.Author, e.Time, heard)
		}
	}
}

// TestReplayStops: nothing after the target's block is looked at.
func TestReplayStops(t *testing.T) {
	s, targets := history(t, 4)
	log := append([]logEntry(nil), s.nodes[0].log...)
	r, err := replay(t, s.config(targets[0]), log)
	if err != nil || !r.Done() {
		t.Fatal(r.Done(), err)
	}
	f, _ := r.Verify()
	if f.Vertices == 0 || f.Vertices >= uint64(len(s.nodes[0].vertices))/2 {
		t.Fatalf("it took %d of %d vertices", f.Vertices, len(s.nodes[0].vertices))
	}
	if err := r.Feed([][]byte{{1}}, [][]byte{{2}}); err != nil {
		t.Fatalf("a finished replay read on: %v", err)
	}
}

// TestReplayFirstBatchCounts: a transaction in two batches has the place of the one that left the fair order first.
func TestReplayFirstBatchCounts(t *testing.T) {
	s := newSwarm(t, 5)
	shared := append([]byte{1}, "shared"...)
	first := s.gossip([][]byte{append([]byte{1}, "other"...), shared}, 10*millisecond)
	s.run(100 * time.Millisecond)
	s.gossip([][]byte{shared, append([]byte{2}, "third"...)}, 10*millisecond)
	s.run(2 * time.Second)
	info, _ := testInfo(shared)
	r, err := replay(t, s.config(info.Hash), s.nodes[2].log)
	if err != nil {
		t.Fatal(err)
	}
	f, err := r.Verify()
	if err != nil {
		t.Fatal(err)
	}
	if f.Record.Batch != first {
		t.Fatalf("placed by batch %s, want %s", f.Record.Batch, first)
	}
	checkFinding(t, s, f, info.Hash)
}

// TestReplayIsBounded (A5): over a long log neither vertices nor bodies pile up, and a late transaction is still placed.
func TestReplayIsBounded(t *testing.T) {
	s := newSwarm(t, 6)
	var last types.Hash
	total := 0
	for range 300 {
		last = s.submit(4, 40*millisecond)[0]
		s.run(100 * time.Millisecond)
	}
	s.run(time.Second)
	for _, body := range s.bodies {
		total += len(body)
	}
	cfg := s.config(last)
	cfg.MaxBodyBytes = total * 3 / 4
	r, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	highest := 0
	for _, e := range s.nodes[1].log {
		if err := feed(r, []logEntry{e}); err != nil {
			t.Fatal(err)
		}
		highest = max(highest, len(r.accepted))
	}
	f, err := r.Verify()
	if err != nil {
		t.Fatal(err)
	}
	checkFinding(t, s, f, last)
	if rounds := s.nodes[1].core.Status().DecidedRound; rounds < 3*keepRounds || highest > 4*4*consensus.Horizon || len(r.records) > 50 {
		t.Fatalf("%d rounds: %d vertices and %d records kept", rounds, highest, len(r.records))
	}

	cfg.MaxBodyBytes = total / 20
	if _, err := replay(t, cfg, s.nodes[1].log); !errors.Is(err, ErrTooMuch) {
		t.Fatalf("a twentieth of the bodies was enough: %v", err)
	}
}

// TestReplayIsDeterministic: equal logs give equal findings, whatever chunks they come in.
func TestReplayIsDeterministic(t *testing.T) {
	s, targets := history(t, 8)
	r, err := replay(t, s.config(targets[20]), s.nodes[3].log)
	if err != nil {
		t.Fatal(err)
	}
	want, err := r.Verify()
	if err != nil {
		t.Fatal(err)
	}
	single, err := New(s.config(targets[20]))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range s.nodes[3].log {
		if err := feed(single, []logEntry{e, e}); err != nil { // everything twice
			t.Fatal(err)
		}
	}
	if got, err := single.Verify(); err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%v: got %+v, want %+v", err, got, want)
	}
}

// TestConfig: what is missing is named.
func TestConfig(t *testing.T) {
	for _, cfg := range []Config{
		{},
		{Genesis: testGenesis(testKeys(4)), Now: 1},
		{Genesis: testGenesis(testKeys(4)), Info: testInfo},
		{Genesis: testGenesis(testKeys(4)), Info: testInfo, Now: 1, MaxBodyBytes: -1},
		{Genesis: &types.Genesis{}, Info: testInfo, Now: 1},
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("accepted %+v", cfg)
		}
	}
}

// TestReplayOfALaterEpoch (A1, A3): a log of a later epoch is replayed from the header before it; that of another epoch is
// refused.
func TestReplayOfALaterEpoch(t *testing.T) {
	genesis := testGenesis(testKeys(4))
	header, err := genesis.Header()
	if err != nil {
		t.Fatal(err)
	}
	origin := header
	origin.Height, origin.Time = types.Height(genesis.EpochLength), genesis.Time+types.Time(2000*genesis.BlockInterval)
	origin.Next = &types.EpochEnd{Committee: genesis.Committee, Rewards: make([]uint64, 4), RuleVersion: genesis.RuleVersion}
	s, targets := historyOf(t, newSwarmAfter(t, 12, &origin), 12)
	for _, target := range targets[:8] {
		r, err := replay(t, s.config(target), s.nodes[1].log)
		if err != nil {
			t.Fatal(err)
		}
		f, err := r.Verify()
		if err != nil {
			t.Fatal(err)
		}
		checkFinding(t, s, f, target)
		if f.Header.Epoch != 1 || f.Height <= origin.Height || !f.Certified {
			t.Fatalf("found in block %d of epoch %d, certified %t", f.Height, f.Header.Epoch, f.Certified)
		}
	}
	first := s.config(targets[0])
	first.Origin = nil
	if _, err := replay(t, first, s.nodes[1].log); !errors.Is(err, ErrForged) {
		t.Fatalf("the log of epoch 1 passes for that of epoch 0: %v", err)
	}
	first.Origin = &header
	if _, err := New(first); err == nil {
		t.Fatal("a header that ends no epoch is taken as an origin")
	}
}
