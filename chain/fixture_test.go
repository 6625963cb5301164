package chain

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/store/storetest"
	"github.com/etherscale/bedrock/types"
)

const interval = 500_000

// signers are the keys of a committee of equal stakes, in committee order.
type signers []ed25519.PrivateKey

func newSigners(name string, n int) signers {
	s := make(signers, n)
	for i := range s {
		seed := sha256.Sum256(binary.BigEndian.AppendUint32([]byte(name), uint32(i)))
		s[i] = ed25519.NewKeyFromSeed(seed[:])
	}
	slices.SortFunc(s, func(a, b ed25519.PrivateKey) int {
		return slices.Compare(a.Public().(ed25519.PublicKey), b.Public().(ed25519.PublicKey))
	})
	return s
}

func (s signers) members() []types.CommitteeMember {
	out := make([]types.CommitteeMember, len(s))
	for i, key := range s {
		out[i] = types.CommitteeMember{Key: types.PublicKey(key.Public().(ed25519.PublicKey)), Stake: 1}
	}
	return out
}

// certify signs with the members given.
func (s signers) certify(h types.Header, who ...int) types.CertifiedHeader {
	cert := types.Certificate{Signers: types.NewBitmap(len(s))}
	for _, i := range who {
		cert.Signers.Set(types.Member(i))
		cert.Signatures = append(cert.Signatures, types.SignDigest(s[i], h.Digest()))
	}
	return types.CertifiedHeader{Header: h, Certificate: cert}
}

func testGenesis(s signers) *types.Genesis {
	g := &types.Genesis{
		Version: 1, Name: "chain test", ChainID: 48848, Time: 1_800_000_000_000_000, Payload: types.PayloadOpaque,
		Committee: s.members(), Provers: []types.PublicKey{},
		EpochLength: 65, BlockInterval: interval, Heartbeat: 20 * interval, BlockBytes: 2 << 20, BlockGas: 60_000_000,
		BaseFee: 7, BaseFeeFloor: 7, GasTarget: 1, ChunkTransactions: 64, ChunkGas: 1 << 24, ChunkBytes: 2 << 20,
		ChallengeWindow: 10_000_000, WindowStep: 5_000_000, Retention: 60 * interval * 4, LightAbsence: 1,
		ShardReplicas: 1, RuleVersion: 1, Alloc: map[string]types.GenesisAccount{},
	}
	g.Retention = 4 * g.ChallengeWindow
	g.UnbondingDelay = g.ChallengeWindow + g.EpochLength*g.Heartbeat + g.LightAbsence
	return g
}

// network is an honest network: a chain of certified blocks grown as asked.
type network struct {
	t       testing.TB
	genesis *types.Genesis
	signers signers
	list    []types.CertifiedHeader // by height; 0 is genesis
	data    [][]byte
}

func newNetwork(t testing.TB) *network {
	s := newSigners("first committee", 4)
	n := &network{t: t, genesis: testGenesis(s), signers: s, data: [][]byte{nil}}
	if err := n.genesis.Validate(); err != nil {
		t.Fatal(err)
	}
	header, err := n.genesis.Header()
	if err != nil {
		t.Fatal(err)
	}
	n.list = []types.CertifiedHeader{{Header: header}}
	return n
}

func (n *network) id() types.NetworkID   { return n.list[0].Header.Network }
func (n *network) head() types.Header    { return n.list[len(n.list)-1].Header }
func (n *network) at(h int) types.Header { return n.list[h].Header }
func blockData(h types.Height) []byte {
	return slices.Repeat([]byte{byte(h), byte(h >> 8), 7}, 40+int(h%50))
}
func noError(t testing.TB, err error) { t.Helper(); must(t, err == nil, "%v", err) }
func encodeData(t testing.TB, data []byte) *coding.Block {
	t.Helper()
	block, err := coding.Encode(data)
	noError(t, err)
	return block
}

func must(t testing.TB, ok bool, format string, args ...any) {
	t.Helper()
	if !ok {
		t.Fatalf(format, args...)
	}
}

// next is the header an honest committee makes after the head, for the data.
func (n *network) next(data []byte) types.Header {
	parent := n.head()
	block := encodeData(n.t, data)
	return types.Header{
		Version: types.Version, Network: n.id(), Epoch: nextEpoch(&parent), Height: parent.Height + 1, Parent: parent.Digest(),
		Time: parent.Time + interval, DataLength: uint64(len(data)), Commitment: types.Hash(block.Commitment()),
	}
}

func (n *network) push(h types.Header, data []byte) {
	n.list = append(n.list, n.signers.certify(h, 0, 2, 3))
	n.data = append(n.data, data)
}

// grow adds blocks; every seventh is an empty one. Where an epoch ends, its committee stays.
func (n *network) grow(blocks int) *network {
	for range blocks {
		h := n.next(nil)
		if uint64(h.Height)%n.genesis.EpochLength == 0 {
			n.hand(n.signers, n.genesis.RuleVersion)
			continue
		}
		var data []byte
		if h.Height%7 != 0 {
			data = blockData(h.Height)
		}
		n.push(n.next(data), data)
	}
	return n
}

// endEpoch grows to an epoch's last block, which hands over to a new committee.
func (n *network) endEpoch(name string, rules uint64) {
	for (uint64(n.head().Height)+1)%n.genesis.EpochLength != 0 {
		n.grow(1)
	}
	n.hand(newSigners(name, 4), rules)
}

// hand adds an epoch's last block.
func (n *network) hand(next signers, rules uint64) {
	h := n.next(nil)
	h.Next = &types.EpochEnd{Committee: next.members(), Rewards: make([]uint64, len(n.signers)), RuleVersion: rules}
	n.push(h, nil)
	n.signers = next
}

// node is a chain on a simulated disk.
type node struct {
	*Chain
	disk *storetest.Disk
	db   *store.DB
}

func (n *network) node(change ...func(*Config)) *node {
	return n.nodeOn(storetest.NewDisk(), change...)
}

func (n *network) nodeOn(disk *storetest.Disk, change ...func(*Config)) *node {
	n.t.Helper()
	db, err := disk.Open(n.id())
	noError(n.t, err)
	cfg := Config{Genesis: n.genesis, Store: db, Retry: time.Millisecond, Poll: 20 * time.Millisecond}
	for _, f := range change {
		f(&cfg)
	}
	c, err := Open(cfg)
	noError(n.t, err)
	n.t.Cleanup(func() { _ = db.Close() })
	return &node{c, disk, db}
}

// reopen closes the node and opens it again on the same disk.
func (n *network) reopen(old *node) *node {
	n.t.Helper()
	noError(n.t, old.db.Close())
	return n.nodeOn(old.disk)
}

func (n *network) digest(h int) types.Hash { return n.list[h].Header.Digest() }
