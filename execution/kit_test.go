package execution

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/etherscale/bedrock/types"
)

const testVault = "0x00000000000000000000000000000000000fee00"

func testKey(i int) *ecdsa.PrivateKey {
	seed := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("test key"), uint64(i)))
	key, err := crypto.ToECDSA(seed[:])
	if err != nil {
		panic(err)
	}
	return key
}

func testAddress(i int) common.Address { return crypto.PubkeyToAddress(testKey(i).PublicKey) }

// testGenesis has 40 rich accounts and small chunks.
func testGenesis() *types.Genesis {
	g := &types.Genesis{
		Version: 1, Name: "test", ChainID: 48848, Time: 1_800_000_000_000_000, Payload: types.PayloadEthereum,
		BlockGas: 60_000_000, BaseFee: 1_000_000_000, BaseFeeFloor: 1000, GasTarget: 15_000_000,
		ChunkTransactions: 4, ChunkGas: 1 << 24, ChunkBytes: 64 << 10, ChallengeWindow: 10_000_000, WindowStep: 1_000_000,
		FeeVault: testVault, Alloc: map[string]types.GenesisAccount{},
	}
	for i := range 40 {
		g.Alloc[testAddress(i).Hex()] = types.GenesisAccount{Balance: "0x152d02c7e14af6800000"} // 100,000 ether
	}
	for address, code := range testContracts() {
		g.Alloc[address.Hex()] = types.GenesisAccount{Balance: "0x0", Nonce: 1, Code: hexutil.Encode(code)}
	}
	return g
}

// swarm builds blocks on a chain and remembers them, as package chain does.
type swarm struct {
	t      *testing.T
	g      *types.Genesis
	dir    string
	chain  *Chain
	blocks map[types.Height]storedBlock
	nonces map[int]uint64
	last   types.Header
}

type storedBlock struct {
	header types.Header
	data   []byte
}

func (s *swarm) Block(h types.Height) (types.Header, []byte, bool) {
	b, ok := s.blocks[h]
	return b.header, b.data, ok
}

func newSwarm(t *testing.T, change func(*types.Genesis)) *swarm {
	g := testGenesis()
	if change != nil {
		change(g)
	}
	s := &swarm{t: t, g: g, dir: t.TempDir(), blocks: map[types.Height]storedBlock{}, nonces: map[int]uint64{}}
	s.open()
	t.Cleanup(func() {
		if s.chain != nil {
			if err := s.chain.Close(); err != nil {
				t.Error("close:", err)
			}
		}
	})
	var err error
	if s.last, err = g.Header(); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *swarm) open() {
	s.t.Helper()
	chain, err := Open(Config{Genesis: s.g, Dir: s.dir, Blocks: s, Cache: 6})
	if err != nil {
		s.t.Fatal(err)
	}
	s.chain = chain
}

// crash drops the chain as a kill would: nothing in memory is written.
func (s *swarm) crash() {
	s.t.Helper()
	if err := s.chain.disk.Close(); err != nil {
		s.t.Fatal(err)
	}
	s.chain = nil
}

// next makes the header and data of the block after the last, half a second later.
func (s *swarm) next(envelopes ...[]byte) storedBlock {
	data := types.EncodeBlockData(envelopes)
	h := types.Header{
		Version: types.Version, Network: s.last.Network, Height: s.last.Height + 1, Parent: s.last.Digest(),
		Time: s.last.Time + 500_000, VertexIndex: uint64(s.last.Height) * 3, DataLength: uint64(len(data)),
		VertexDigest: sha256.Sum256(fmt.Appendf(nil, "vertex %d", s.last.Height)),
	}
	if h.Network == (types.NetworkID{}) {
		id, err := s.g.NetworkID()
		if err != nil {
			s.t.Fatal(err)
		}
		h.Network = id
	}
	b := storedBlock{header: h, data: data}
	s.blocks[h.Height], s.last = b, h
	return b
}

func (s *swarm) apply(envelopes ...[]byte) *Result {
	s.t.Helper()
	b := s.next(envelopes...)
	r, err := s.chain.Apply(b.header, b.data)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

func (s *swarm) signer() ethtypes.Signer {
	return ethtypes.LatestSignerForChainID(big.NewInt(int64(s.g.ChainID)))
}

// call is a transaction from account i with the next nonce.
func (s *swarm) call(i int, to *common.Address, wei int64, gas uint64, data []byte) []byte {
	tx := ethtypes.MustSignNewTx(testKey(i), s.signer(), &ethtypes.DynamicFeeTx{
		ChainID: big.NewInt(int64(s.g.ChainID)), Nonce: s.nonces[i], GasTipCap: big.NewInt(1e6),
		GasFeeCap: big.NewInt(1e12), Gas: gas, To: to, Value: big.NewInt(wei), Data: data,
	})
	s.nonces[i]++
	return envelope(tx)
}

func (s *swarm) transfer(from, to int, wei int64) []byte {
	a := testAddress(to)
	return s.call(from, &a, wei, 21000, nil)
}

func envelope(tx *ethtypes.Transaction) []byte {
	b, err := tx.MarshalBinary()
	if err != nil {
		panic(err)
	}
	return b
}
