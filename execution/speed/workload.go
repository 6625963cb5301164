package speed

import (
	"crypto/ecdsa"
	"crypto/sha256"
	_ "embed"
	"encoding/binary"
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/types"
)

const (
	chainID = 48848
	vault   = "0x00000000000000000000000000000000000bed05"
	token   = "0x000000000000000000000000000000000000e420"

	// tokenGas is what wallets give an ERC-20 transfer; it takes about 35,000.
	tokenGas = 60_000
)

// tokenCode is the runtime code of Token.sol.
//
//go:embed Token.hex
var tokenCode string

// workload is the state and the blocks that are executed on it: every transaction has a sender and a recipient of its own.
type workload struct {
	accounts  []common.Address // the first ones send
	transfers [][]byte         // block data
	tokens    [][]byte
}

func newWorkload(c Config) (*workload, error) {
	w := &workload{}
	keys := make([]*ecdsa.PrivateKey, c.senders())
	for i := range keys {
		seed := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("bedrock/speed key"), uint64(i)))
		key, err := crypto.ToECDSA(seed[:])
		if err != nil {
			return nil, fmt.Errorf("speed: %w", err)
		}
		keys[i] = key
		w.accounts = append(w.accounts, crypto.PubkeyToAddress(key.PublicKey))
	}
	for i := len(keys); i < c.Accounts; i++ {
		seed := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("bedrock/speed account"), uint64(i)))
		w.accounts = append(w.accounts, common.Address(seed[:20]))
	}
	var err error
	if w.transfers, err = w.blocks(c, keys, 0, func(to common.Address) *ethtypes.DynamicFeeTx {
		return &ethtypes.DynamicFeeTx{To: &to, Value: big.NewInt(1_000_000_007), Gas: 21_000}
	}); err != nil {
		return nil, err
	}
	contract := common.HexToAddress(token)
	w.tokens, err = w.blocks(c, keys, 1, func(to common.Address) *ethtypes.DynamicFeeTx {
		// transfer(to, 1,000,003)
		data := append(crypto.Keccak256([]byte("transfer(address,uint256)"))[:4], common.LeftPadBytes(to[:], 32)...)
		return &ethtypes.DynamicFeeTx{To: &contract, Gas: tokenGas, Data: append(data, common.LeftPadBytes(big.NewInt(1_000_003).Bytes(), 32)...)}
	})
	return w, err
}

// blocks signs one transaction of each key, in an order of its own, to a recipient that does not send.
func (w *workload) blocks(c Config, keys []*ecdsa.PrivateKey, nonce uint64, make func(to common.Address) *ethtypes.DynamicFeeTx) ([][]byte, error) {
	random := rand.New(rand.NewPCG(nonce, 5))
	senders, recipients := random.Perm(len(keys)), random.Perm(c.Accounts-len(keys))
	signer := ethtypes.LatestSignerForChainID(big.NewInt(chainID))
	var blocks [][]byte
	var envelopes [][]byte
	for i, sender := range senders {
		tx := make(w.accounts[len(keys)+recipients[i]])
		tx.ChainID, tx.Nonce, tx.GasTipCap, tx.GasFeeCap = big.NewInt(chainID), nonce, big.NewInt(1_000_000), big.NewInt(1_000_000_000_000)
		signed, err := ethtypes.SignNewTx(keys[sender], signer, tx)
		if err != nil {
			return nil, fmt.Errorf("speed: %w", err)
		}
		envelope, err := signed.MarshalBinary()
		if err != nil {
			return nil, fmt.Errorf("speed: %w", err)
		}
		if envelopes = append(envelopes, envelope); len(envelopes) == c.Transactions {
			blocks, envelopes = append(blocks, types.EncodeBlockData(envelopes)), nil
		}
	}
	return blocks, nil
}

// genesis has a chunk of so many transactions, whatever their gas and bytes.
func (w *workload) genesis(chunk int) *types.Genesis {
	const ether = "0xde0b6b3a7640000"
	g := &types.Genesis{
		Version: 1, Name: "speed", ChainID: chainID, Time: 1_800_000_000_000_000, Payload: types.PayloadEthereum,
		EpochLength: 10_000_000, BlockInterval: 500_000, Heartbeat: 10_000_000, BlockBytes: 64 << 20, BlockGas: 1 << 40,
		BaseFee: 1_000_000_000, BaseFeeFloor: 1000, GasTarget: 1 << 40,
		ChunkTransactions: uint64(chunk), ChunkGas: 1 << 40, ChunkBytes: 1 << 40, ChallengeWindow: 1_800_000_000, WindowStep: 20_000_000,
		Retention: 86_400_000_000, ShardReplicas: 3, FeeVault: vault, RuleVersion: 1,
		Alloc: make(map[string]types.GenesisAccount, len(w.accounts)+1),
	}
	balances := make(map[string]string, len(w.accounts))
	for _, a := range w.accounts {
		g.Alloc[a.Hex()] = types.GenesisAccount{Balance: ether}
		balances[crypto.Keccak256Hash(common.LeftPadBytes(a[:], 32), make([]byte, 32)).Hex()] = ether // mapping in slot 0
	}
	g.Alloc[token] = types.GenesisAccount{Balance: "0x0", Nonce: 1, Code: "0x" + strings.TrimSpace(tokenCode), Storage: balances}
	return g
}

// recover is the CPU time of reading an envelope and recovering its sender, in microseconds.
func (w *workload) recover() (float64, error) {
	signer := ethtypes.LatestSignerForChainID(big.NewInt(chainID))
	count := 0
	before, err := CPUTime()
	if err != nil {
		return 0, err
	}
	for _, data := range w.transfers[:min(4, len(w.transfers))] {
		for _, e := range types.DecodeBlockData(data) {
			if _, err := ethtypes.Sender(signer, execution.DecodeTransaction(e)); err != nil {
				return 0, fmt.Errorf("speed: %w", err)
			}
			count++
		}
	}
	after, err := CPUTime()
	return float64(after-before) / float64(time.Microsecond) / float64(count), err
}
