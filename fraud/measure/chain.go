package measure

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"sort"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/fraud"
	"github.com/etherscale/bedrock/types"
)

const (
	chainID = 48848
	vault   = "0x00000000000000000000000000000000000fee00"
	members = 4
	prover  = members // its key comes after the committee's
)

var (
	gasPrice     = big.NewInt(1e12)
	storeAddress = common.HexToAddress("0xc0de000000000000000000000000000000000001")
	// storeCode is sstore(word0, word1) of the calldata.
	storeCode = []byte{0x60, 0x20, 0x35, 0x5f, 0x35, 0x55, 0x00}
)

// chain makes certified blocks and executes them.
type chain struct {
	genesis *types.Genesis
	exec    *execution.Chain
	last    types.Header
	blocks  map[types.Height]block
	nonces  map[int]uint64
}

type block struct {
	header types.CertifiedHeader
	data   []byte
}

func peerKey(i int) ed25519.PrivateKey {
	seed := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("measured peer"), uint64(i)))
	return ed25519.NewKeyFromSeed(seed[:])
}

func publicKey(i int) types.PublicKey {
	return types.PublicKey(peerKey(i).Public().(ed25519.PublicKey))
}

// accountKey is the key of a sender.
func accountKey(i int) (*ecdsa.PrivateKey, error) {
	seed := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("measured account"), uint64(i)))
	return crypto.ToECDSA(seed[:])
}

// dormant is the address of an account whose key nobody has.
func dormant(i int) common.Address {
	return common.BytesToAddress(crypto.Keccak256(binary.BigEndian.AppendUint64(nil, uint64(i)))[:20])
}

// newChain opens a chain in dir with senders rich accounts, more that hold one wei, and a contract with slots in use.
func newChain(dir string, senders, more, slots int) (*chain, error) {
	g := &types.Genesis{
		Version: 1, Name: "measure", ChainID: chainID, Time: 1_800_000_000_000_000, Payload: types.PayloadEthereum,
		EpochLength: 1000, BlockInterval: 500_000, Heartbeat: 10_000_000, BlockBytes: 2 << 20, BlockGas: 60_000_000,
		BaseFee: 1_000_000_000, BaseFeeFloor: 1_000_000, GasTarget: 60_000_000,
		ChunkTransactions: 64, ChunkGas: 1 << 24, ChunkBytes: 2 << 20, ChallengeWindow: 10_000_000, WindowStep: 1_000_000,
		Retention: 40_000_000, UnbondingDelay: 20_000_000_000, ShardReplicas: 3, FeeVault: vault, RuleVersion: 1,
		Provers: []types.PublicKey{publicKey(prover)}, Alloc: map[string]types.GenesisAccount{},
	}
	for i := range members {
		g.Committee = append(g.Committee, types.CommitteeMember{Key: publicKey(i), Stake: 1})
	}
	sort.Slice(g.Committee, func(a, b int) bool { return string(g.Committee[a].Key[:]) < string(g.Committee[b].Key[:]) })
	for i := range senders {
		key, err := accountKey(i)
		if err != nil {
			return nil, err
		}
		g.Alloc[crypto.PubkeyToAddress(key.PublicKey).Hex()] = types.GenesisAccount{Balance: "0x152d02c7e14af6800000"}
	}
	for i := range more {
		g.Alloc[dormant(i).Hex()] = types.GenesisAccount{Balance: "0x1"}
	}
	storage := make(map[string]string, slots)
	for i := range slots {
		storage[hexutil.EncodeUint64(uint64(i))] = "0x1"
	}
	g.Alloc[storeAddress.Hex()] = types.GenesisAccount{Nonce: 1, Code: hexutil.Encode(storeCode), Storage: storage}
	last, err := g.Header()
	if err != nil {
		return nil, err
	}
	exec, err := execution.Open(execution.Config{Genesis: g, Dir: dir, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	return &chain{genesis: g, exec: exec, last: last, blocks: map[types.Height]block{}, nonces: map[int]uint64{}}, nil
}

// call signs the next transaction of a sender.
func (c *chain) call(sender int, to common.Address, wei int64, gas uint64, data []byte) ([]byte, error) {
	key, err := accountKey(sender)
	if err != nil {
		return nil, err
	}
	nonce := c.nonces[sender]
	c.nonces[sender]++
	tx, err := ethtypes.SignNewTx(key, ethtypes.LatestSignerForChainID(big.NewInt(chainID)), &ethtypes.DynamicFeeTx{
		ChainID: big.NewInt(chainID), Nonce: nonce, GasTipCap: big.NewInt(1e6), GasFeeCap: gasPrice, Gas: gas, To: &to, Value: big.NewInt(wei), Data: data,
	})
	if err != nil {
		return nil, err
	}
	return tx.MarshalBinary()
}

// apply makes the next block, certifies it and executes it; every transaction must be executed.
func (c *chain) apply(envelopes [][]byte) (types.Height, error) {
	data := types.EncodeBlockData(envelopes)
	encoded, err := coding.Encode(data)
	if err != nil {
		return 0, err
	}
	h := types.Header{
		Version: types.Version, Network: c.last.Network, Height: c.last.Height + 1, Parent: c.last.Digest(), Time: c.last.Time + 500_000,
		VertexIndex: uint64(c.last.Height) * 3, DataLength: uint64(len(data)), Commitment: encoded.Commitment(),
		VertexDigest: sha256.Sum256(fmt.Appendf(nil, "vertex %d", c.last.Height)),
	}
	certified, err := c.certify(h)
	if err != nil {
		return 0, err
	}
	c.blocks[h.Height], c.last = block{certified, data}, h
	r, err := c.exec.Apply(h, data)
	if err != nil {
		return 0, err
	}
	for _, receipt := range r.Receipts {
		if receipt.Status != ethtypes.ReceiptStatusSuccessful {
			return 0, fmt.Errorf("transaction %s failed", receipt.TxHash)
		}
	}
	if len(r.Receipts) != len(envelopes) {
		return 0, fmt.Errorf("%d of %d transactions were executed", len(r.Receipts), len(envelopes))
	}
	return h.Height, nil
}

func (c *chain) committee() (*types.Committee, error) { return types.NewCommittee(c.genesis.Committee) }

func (c *chain) certify(h types.Header) (types.CertifiedHeader, error) {
	committee, err := c.committee()
	if err != nil {
		return types.CertifiedHeader{}, err
	}
	certificate := types.Certificate{Signers: types.NewBitmap(members)}
	for m := range types.Member(members) {
		for i := range members {
			if publicKey(i) == committee.Member(m).Key {
				certificate.Signers.Set(m)
				certificate.Signatures = append(certificate.Signatures, types.SignDigest(peerKey(i), h.Digest()))
			}
		}
	}
	return types.CertifiedHeader{Header: h, Certificate: certificate}, nil
}

var _ fraud.Blocks = (*chain)(nil)

var errNoBlock = errors.New("no such block")

// Certified implements fraud.Blocks.
func (c *chain) Certified(h types.Height) (types.CertifiedHeader, bool) {
	b, ok := c.blocks[h]
	return b.header, ok
}

// Data implements fraud.Blocks.
func (c *chain) Data(h types.Height) ([]byte, error) {
	b, ok := c.blocks[h]
	if !ok {
		return nil, errNoBlock
	}
	return b.data, nil
}

// Encoded implements fraud.Blocks.
func (c *chain) Encoded(h types.Height) (*coding.Block, error) {
	data, err := c.Data(h)
	if err != nil {
		return nil, err
	}
	return coding.Encode(data)
}
