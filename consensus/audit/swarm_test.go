package audit

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sort"
	"testing"
	"time"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

const millisecond = types.Time(1000)

// testInfo stands for a payload: an envelope's first byte is its gas in units of 21,000.
func testInfo(envelope []byte) (consensus.TxInfo, error) {
	if envelope[0] == 0 {
		return consensus.TxInfo{}, fmt.Errorf("no gas")
	}
	return consensus.TxInfo{Hash: sha256.Sum256(envelope), Gas: 21_000 * uint64(envelope[0])}, nil
}

// testKeys are n keys, ascending by public key.
func testKeys(n int) []ed25519.PrivateKey {
	keys := make([]ed25519.PrivateKey, n)
	for i := range keys {
		seed := sha256.Sum256([]byte{'a', 'u', 'd', 'i', 't', byte(i)})
		keys[i] = ed25519.NewKeyFromSeed(seed[:])
	}
	sort.Slice(keys, func(i, j int) bool { return bytes.Compare(keys[i][32:], keys[j][32:]) < 0 })
	return keys
}

func testGenesis(keys []ed25519.PrivateKey) *types.Genesis {
	g := &types.Genesis{
		Version: 1, Name: "audit", ChainID: 1, Time: 1_700_000_000_000_000, Payload: types.PayloadOpaque,
		EpochLength: 1000, BlockInterval: 500_000, Heartbeat: 10_000_000, BlockBytes: 2 << 20, BlockGas: 60_000_000,
		BaseFee: 10, BaseFeeFloor: 1, GasTarget: 1, ChunkTransactions: 64, ChunkGas: 1 << 24, ChunkBytes: 1 << 20,
		ChallengeWindow: 10_000_000, WindowStep: 1, Retention: 40_000_000, UnbondingDelay: 1 << 60, ShardReplicas: 3,
	}
	for _, key := range keys {
		g.Committee = append(g.Committee, types.CommitteeMember{Key: types.PublicKey(key[32:]), Stake: 1})
	}
	return g
}

// logEntry is one record of a vertex log: a body or a vertex.
type logEntry struct {
	batch, vertex []byte
}

// sequencer drives one real core in virtual time and keeps what a sequencer keeps.
type sequencer struct {
	self     int
	key      ed25519.PrivateKey
	core     *consensus.Core
	log      []logEntry
	logged   map[types.BatchID]bool
	records  map[types.BatchID]Record
	places   map[types.Hash]Place
	vertices []*types.Vertex
}

type delivery struct {
	at    types.Time
	order int
	to    int
	event consensus.Event
}

// swarm is a committee whose messages take random times. Equal seeds give equal histories.
type swarm struct {
	t         testing.TB
	rng       *rand.Rand
	genesis   *types.Genesis
	origin    *types.Header
	committee *types.Committee
	now       types.Time
	nodes     []*sequencer
	inbox     []delivery
	sent      int
	bodies    map[types.BatchID][]byte
	envelopes map[types.BatchID][][]byte
	headers   map[types.Height]types.CertifiedHeader
	heard     map[types.BatchID][]types.Time // when each sequencer got a batch by gossip
}

func newSwarm(t testing.TB, seed uint64) *swarm { return newSwarmAfter(t, seed, nil) }

// newSwarmAfter is a swarm in the epoch after the origin, of epoch 0 if that is nil.
func newSwarmAfter(t testing.TB, seed uint64, origin *types.Header) *swarm {
	t.Helper()
	keys := testKeys(4)
	s := &swarm{
		t: t, rng: rand.New(rand.NewPCG(seed, 7)), genesis: testGenesis(keys), bodies: map[types.BatchID][]byte{},
		envelopes: map[types.BatchID][][]byte{}, headers: map[types.Height]types.CertifiedHeader{}, heard: map[types.BatchID][]types.Time{},
	}
	config, err := coreConfig(s.genesis, origin)
	if err != nil {
		t.Fatal(err)
	}
	s.origin, s.committee, s.now = origin, config.Committee, config.Parent.Time+millisecond
	for i, key := range keys {
		config.Self = i
		core, err := consensus.New(config)
		if err != nil {
			t.Fatal(err)
		}
		s.nodes = append(s.nodes, &sequencer{
			self: i, key: key, core: core, logged: map[types.BatchID]bool{},
			records: map[types.BatchID]Record{}, places: map[types.Hash]Place{},
		})
	}
	for i := range s.nodes {
		s.step(i, consensus.Start{})
	}
	return s
}

// submit gossips a batch of count transactions: every sequencer gets it within spread.
func (s *swarm) submit(count int, spread types.Time) []types.Hash {
	var envelopes [][]byte
	var hashes []types.Hash
	for range count {
		envelope := binary.BigEndian.AppendUint64([]byte{1 + byte(s.rng.IntN(5))}, s.rng.Uint64())
		envelope = append(envelope, make([]byte, s.rng.IntN(200))...)
		envelopes = append(envelopes, envelope)
		hashes = append(hashes, sha256.Sum256(envelope))
	}
	s.gossip(envelopes, spread)
	return hashes
}

func (s *swarm) gossip(envelopes [][]byte, spread types.Time) types.BatchID {
	body, err := types.EncodeBatch(envelopes)
	if err != nil {
		s.t.Fatal(err)
	}
	id := types.BatchIDOf(body)
	s.bodies[id], s.envelopes[id] = body, envelopes
	for i := range s.nodes {
		at := s.now + 1 + types.Time(s.rng.Int64N(int64(spread)))
		s.heard[id] = append(s.heard[id], at)
		s.post(at, i, s.held(id, at, true))
	}
	return id
}

func (s *swarm) held(id types.BatchID, at types.Time, admitted bool) consensus.BatchHeld {
	held := consensus.BatchHeld{ID: id, Size: uint64(len(s.bodies[id])), Time: at, Admitted: admitted, From: -1}
	for _, e := range s.envelopes[id] {
		info, err := testInfo(e)
		if err != nil {
			s.t.Fatal(err)
		}
		info.Size = uint64(len(e))
		held.Txs = append(held.Txs, info)
	}
	return held
}

func (s *swarm) post(at types.Time, to int, event consensus.Event) {
	s.sent++
	s.inbox = append(s.inbox, delivery{at, s.sent, to, event})
}

// run lets virtual time pass in steps of 5 ms.
func (s *swarm) run(d time.Duration) {
	for end := s.now.Add(d); s.now < end; s.now += 5 * millisecond {
		var due, later []delivery
		for _, m := range s.inbox {
			if m.at <= s.now {
				due = append(due, m)
			} else {
				later = append(later, m)
			}
		}
		s.inbox = later
		sort.Slice(due, func(i, j int) bool {
			return due[i].at < due[j].at || due[i].at == due[j].at && due[i].order < due[j].order
		})
		for _, m := range due {
			s.step(m.to, m.event)
		}
		for i := range s.nodes {
			s.step(i, consensus.Tick{})
		}
	}
}

func (s *swarm) step(i int, event consensus.Event) {
	n := s.nodes[i]
	fx := n.core.Step(s.now, event)
	if err := n.core.Err(); err != nil {
		s.t.Fatalf("sequencer %d: %v", i, err)
	}
	for _, v := range fx.Persist {
		n.persist(s, v)
	}
	for _, m := range fx.Send {
		at := s.now + types.Time(1+s.rng.IntN(20))*millisecond
		for _, id := range m.Batches {
			held := s.held(id, at, false)
			held.From = i
			s.post(at, int(m.To), held)
		}
		for _, v := range m.Vertices {
			s.post(at, int(m.To), consensus.VertexReceived{Vertex: v, From: types.Member(i)})
		}
	}
	for _, f := range fx.Fetch {
		s.fetch(i, f)
	}
	s.keep(n, fx)
	for _, e := range fx.Encode {
		s.step(i, s.encode(e))
	}
	for _, digest := range fx.Sign {
		s.step(i, consensus.Signed{Digest: digest, Signature: types.SignDigest(n.key, digest)})
	}
	for _, c := range fx.Certified {
		s.headers[c.Header.Height] = c
		s.step(i, consensus.Executed{Height: c.Header.Height})
	}
}

func (n *sequencer) persist(s *swarm, v *types.Vertex) {
	for _, r := range v.Body().Receipts {
		if !n.logged[r.Batch] {
			n.logged[r.Batch] = true
			n.log = append(n.log, logEntry{batch: s.bodies[r.Batch]})
		}
	}
	n.log = append(n.log, logEntry{vertex: v.Encode()})
	n.vertices = append(n.vertices, v)
}

func (s *swarm) fetch(i int, f consensus.Fetch) {
	for _, id := range f.Batches {
		s.post(s.now+millisecond, i, s.held(id, s.now+millisecond, false))
	}
	for _, digest := range f.Vertices {
		for _, v := range s.nodes[f.From[0]].vertices {
			if v.Digest() == digest {
				s.post(s.now+millisecond, i, consensus.VertexReceived{Vertex: v, From: f.From[0], Asked: true})
			}
		}
	}
}

func (s *swarm) encode(e consensus.Encode) consensus.Encoded {
	var envelopes [][]byte
	for _, ref := range e.Transactions {
		envelopes = append(envelopes, s.envelopes[ref.Batch][ref.Index])
	}
	data := types.EncodeBlockData(envelopes)
	block, err := coding.Encode(data)
	if err != nil {
		s.t.Fatal(err)
	}
	return consensus.Encoded{Height: e.Height, DataLength: uint64(len(data)), Commitment: block.Commitment()}
}

// keep notes what a sequencer keeps for auditors: records through their codec, and the place of every transaction.
func (s *swarm) keep(n *sequencer, fx consensus.Effects) {
	for _, r := range fx.Released {
		record := RecordOf(r)
		decoded, err := DecodeRecord(record.Encode())
		if err != nil {
			s.t.Fatal(err)
		}
		n.records[r.Batch] = decoded
	}
	for _, block := range fx.Closed {
		for i, ref := range block.Transactions {
			hash := sha256.Sum256(s.envelopes[ref.Batch][ref.Index])
			n.places[hash] = Place{Batch: ref.Batch, Height: block.Header.Height, Index: uint32(i)}
		}
	}
}

// config is that of an auditor who knows the certified headers.
func (s *swarm) config(target types.Hash) Config {
	return Config{
		Genesis: s.genesis, Origin: s.origin, Target: target, Now: s.now, Info: testInfo,
		Header: func(h types.Height) (types.Header, bool) {
			c, ok := s.headers[h]
			return c.Header, ok
		},
	}
}

// replay feeds a log in chunks of a few vertices, as answers to requests bring it.
func replay(t testing.TB, cfg Config, log []logEntry) (*Replay, error) {
	t.Helper()
	r, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r, feed(r, log)
}

func feed(r *Replay, log []logEntry) error {
	const chunk = 7
	for from := 0; from < len(log) && !r.Done(); from += chunk {
		var batches, vertices [][]byte
		for _, e := range log[from:min(from+chunk, len(log))] {
			if e.batch != nil {
				batches = append(batches, e.batch)
			} else {
				vertices = append(vertices, e.vertex)
			}
		}
		if err := r.Feed(batches, vertices); err != nil {
			return err
		}
	}
	return nil
}
