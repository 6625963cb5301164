package exectest

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/big"
	"sort"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/types"
)

// Accounts is the number of rich accounts.
const Accounts = 40

// Vault is the fee vault of the test genesis.
const Vault = "0x00000000000000000000000000000000000fee00"

// Key is the key of account i.
func Key(i int) *ecdsa.PrivateKey {
	seed := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("test key"), uint64(i)))
	key, err := crypto.ToECDSA(seed[:])
	if err != nil {
		panic(err)
	}
	return key
}

// Address is the address of account i.
func Address(i int) common.Address { return crypto.PubkeyToAddress(Key(i).PublicKey) }

// PeerKey is the Ed25519 key of peer i; peers 0 to 3 are the committee, peers 4 to 7 the provers.
func PeerKey(i int) ed25519.PrivateKey {
	seed := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("test peer"), uint64(i)))
	return ed25519.NewKeyFromSeed(seed[:])
}

// PublicKey is the public half of PeerKey.
func PublicKey(i int) types.PublicKey {
	return types.PublicKey(PeerKey(i).Public().(ed25519.PublicKey))
}

// Genesis is a valid genesis with small chunks.
func Genesis() *types.Genesis {
	g := &types.Genesis{
		Version: 1, Name: "test", ChainID: 48848, Time: 1_800_000_000_000_000, Payload: types.PayloadEthereum,
		EpochLength: 100, BlockInterval: 500_000, Heartbeat: 10_000_000, BlockBytes: 2 << 20, BlockGas: 60_000_000,
		BaseFee: 1_000_000_000, BaseFeeFloor: 1000, GasTarget: 15_000_000,
		ChunkTransactions: 4, ChunkGas: 1 << 24, ChunkBytes: 64 << 10, ChallengeWindow: 10_000_000, WindowStep: 1_000_000,
		Retention: 40_000_000, UnbondingDelay: 2_000_000_000, ShardReplicas: 3, FeeVault: Vault, RuleVersion: 1,
		Alloc: map[string]types.GenesisAccount{},
	}
	for i := range 4 {
		g.Committee = append(g.Committee, types.CommitteeMember{Key: PublicKey(i), Stake: 1})
		g.Provers = append(g.Provers, PublicKey(4+i))
	}
	sort.Slice(g.Committee, func(a, b int) bool { return string(g.Committee[a].Key[:]) < string(g.Committee[b].Key[:]) })
	for i := range Accounts {
		g.Alloc[Address(i).Hex()] = types.GenesisAccount{Balance: "0x152d02c7e14af6800000"} // 100,000 ether
	}
	for address, code := range assembled() {
		g.Alloc[address.Hex()] = types.GenesisAccount{Balance: "0x0", Nonce: 1, Code: hexutil.Encode(code)}
	}
	return g
}

// Swarm builds blocks on a chain and keeps them, as package chain does.
type Swarm struct {
	TB      testing.TB
	Genesis *types.Genesis
	Network types.NetworkID
	Dir     string
	Chain   *execution.Chain
	Nonces  map[int]uint64

	Stored map[types.Height]Stored
	last   types.Header
}

// Stored is a certified block with its data.
type Stored struct {
	Header types.CertifiedHeader
	Data   []byte
}

// New makes a swarm on a fresh directory; change may alter the genesis first.
func New(tb testing.TB, change func(*types.Genesis)) *Swarm {
	tb.Helper()
	s := Unopened(tb, tb.TempDir(), change)
	s.Open()
	return s
}

// Unopened makes a swarm on a directory whose chain is not open yet; Next makes blocks without it.
func Unopened(tb testing.TB, dir string, change func(*types.Genesis)) *Swarm {
	tb.Helper()
	g := Genesis()
	if change != nil {
		change(g)
	}
	s := &Swarm{TB: tb, Genesis: g, Dir: dir, Nonces: map[int]uint64{}, Stored: map[types.Height]Stored{}}
	var err error
	if s.last, err = g.Header(); err != nil {
		tb.Fatal(err)
	}
	s.Network = s.last.Network
	tb.Cleanup(func() {
		if s.Chain == nil {
			return
		}
		if err := s.Chain.Close(); err != nil {
			tb.Error("close:", err)
		}
	})
	return s
}

// Open opens the chain on the swarm's directory.
func (s *Swarm) Open() {
	s.TB.Helper()
	chain, err := execution.Open(execution.Config{Genesis: s.Genesis, Dir: s.Dir, Blocks: s, Cache: 6})
	if err != nil {
		s.TB.Fatal(err)
	}
	s.Chain = chain
}

// Rules are the network's.
func (s *Swarm) Rules() execution.Rules {
	rules, err := execution.RulesOf(s.Genesis)
	if err != nil {
		s.TB.Fatal(err)
	}
	return rules
}

// Committee is the one committee.
func (s *Swarm) Committee() *types.Committee {
	c, err := types.NewCommittee(s.Genesis.Committee)
	if err != nil {
		s.TB.Fatal(err)
	}
	return c
}

// Next makes the block after the last, half a second later, without executing it.
func (s *Swarm) Next(envelopes ...[]byte) Stored { return s.NextData(types.EncodeBlockData(envelopes)) }

// NextData makes a block of any data.
func (s *Swarm) NextData(data []byte) Stored { return s.NextHeader(data, nil) }

// NextHeader makes a block of any data whose header change may alter before it is certified.
func (s *Swarm) NextHeader(data []byte, change func(*types.Header)) Stored {
	s.TB.Helper()
	block, err := coding.Encode(data)
	if err != nil {
		s.TB.Fatal(err)
	}
	h := types.Header{
		Version: types.Version, Network: s.Network, Height: s.last.Height + 1, Parent: s.last.Digest(),
		Time: s.last.Time + 500_000, VertexIndex: uint64(s.last.Height) * 3, DataLength: uint64(len(data)),
		Commitment: block.Commitment(), VertexDigest: sha256.Sum256(fmt.Appendf(nil, "vertex %d", s.last.Height)),
	}
	if change != nil {
		change(&h)
	}
	b := Stored{Header: s.Certify(h), Data: data}
	s.Stored[h.Height], s.last = b, h
	return b
}

// Certify signs a header with the whole committee.
func (s *Swarm) Certify(h types.Header) types.CertifiedHeader {
	committee := s.Committee()
	signers := types.NewBitmap(committee.Len())
	certificate := types.Certificate{Signers: signers}
	for m := range types.Member(committee.Len()) {
		for i := range 4 {
			if PublicKey(i) == committee.Member(m).Key {
				signers.Set(m)
				certificate.Signatures = append(certificate.Signatures, types.SignDigest(PeerKey(i), h.Digest()))
			}
		}
	}
	return types.CertifiedHeader{Header: h, Certificate: certificate}
}

// Apply makes the next block and executes it.
func (s *Swarm) Apply(envelopes ...[]byte) *execution.Result {
	s.TB.Helper()
	return s.ApplyHeader(nil, envelopes...)
}

// ApplyHeader is Apply with a header that change may alter.
func (s *Swarm) ApplyHeader(change func(*types.Header), envelopes ...[]byte) *execution.Result {
	s.TB.Helper()
	b := s.NextHeader(types.EncodeBlockData(envelopes), change)
	r, err := s.Chain.Apply(b.Header.Header, b.Data)
	if err != nil {
		s.TB.Fatal(err)
	}
	return r
}

// Block implements execution.Blocks.
func (s *Swarm) Block(h types.Height) (types.Header, []byte, bool) {
	b, ok := s.Stored[h]
	return b.Header.Header, b.Data, ok
}

// Certified is the certified header of a height.
func (s *Swarm) Certified(h types.Height) (types.CertifiedHeader, bool) {
	b, ok := s.Stored[h]
	return b.Header, ok
}

// Data is a block's data.
func (s *Swarm) Data(h types.Height) ([]byte, error) {
	b, ok := s.Stored[h]
	if !ok {
		return nil, fmt.Errorf("no block %d", h)
	}
	return b.Data, nil
}

// Encoded is a block's data, encoded.
func (s *Swarm) Encoded(h types.Height) (*coding.Block, error) {
	data, err := s.Data(h)
	if err != nil {
		return nil, err
	}
	return coding.Encode(data)
}

// Signer signs for the network.
func (s *Swarm) Signer() ethtypes.Signer {
	return ethtypes.LatestSignerForChainID(new(big.Int).SetUint64(s.Genesis.ChainID))
}

// Call is a transaction of account i with its next nonce; to nil creates a contract.
func (s *Swarm) Call(i int, to *common.Address, wei int64, gas uint64, data []byte) []byte {
	nonce := s.Nonces[i]
	s.Nonces[i]++
	return s.CallAt(i, nonce, to, wei, gas, data)
}

// CallAt is Call with a nonce of one's own choice.
func (s *Swarm) CallAt(i int, nonce uint64, to *common.Address, wei int64, gas uint64, data []byte) []byte {
	return s.Sign(i, &ethtypes.DynamicFeeTx{
		ChainID: new(big.Int).SetUint64(s.Genesis.ChainID), Nonce: nonce, GasTipCap: big.NewInt(1e6),
		GasFeeCap: big.NewInt(1e12), Gas: gas, To: to, Value: big.NewInt(wei), Data: data,
	})
}

// Sign signs any transaction with account i's key.
func (s *Swarm) Sign(i int, tx ethtypes.TxData) []byte {
	encoded, err := ethtypes.MustSignNewTx(Key(i), s.Signer(), tx).MarshalBinary()
	if err != nil {
		s.TB.Fatal(err)
	}
	return encoded
}

// Transfer sends wei from one account to another.
func (s *Swarm) Transfer(from, to int, wei int64) []byte {
	a := Address(to)
	return s.Call(from, &a, wei, 21000, nil)
}
