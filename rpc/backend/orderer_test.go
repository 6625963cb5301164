package backend

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"fmt"
	"math/big"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"
	gethrpc "github.com/ethereum/go-ethereum/rpc"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/types"
)

const testChainID = 31415

func key(i int) *ecdsa.PrivateKey {
	seed := sha256.Sum256(fmt.Appendf(nil, "rpc test key %d", i))
	key, err := crypto.ToECDSA(seed[:])
	if err != nil {
		panic(err)
	}
	return key
}

func address(i int) common.Address { return crypto.PubkeyToAddress(key(i).PublicKey) }

// orderer is a pool and an order of one: what it is given, it executes by nonce.
type orderer struct {
	t     *testing.T
	chain *execution.Chain
	last  types.Header

	mu      sync.Mutex
	waiting []*ethtypes.Transaction
	byHash  map[common.Hash]*ethtypes.Transaction
	safe    types.Height
	settled types.Height
}

func testGenesis(codes map[common.Address]string) *types.Genesis {
	g := &types.Genesis{
		Version: 1, Name: "rpc test", ChainID: testChainID, Time: types.TimeOf(time.Now().Add(-time.Hour)), Payload: types.PayloadEthereum,
		BlockInterval: 500_000, BlockGas: 60_000_000, BaseFee: 1_000_000_000, BaseFeeFloor: 1000, GasTarget: 15_000_000,
		ChunkTransactions: 4, ChunkGas: 1 << 24, ChunkBytes: 64 << 10, ChallengeWindow: 10_000_000, WindowStep: 1_000_000,
		FeeVault: "0x00000000000000000000000000000000000fee00", Alloc: map[string]types.GenesisAccount{},
	}
	for i := range 4 {
		g.Alloc[address(i).Hex()] = types.GenesisAccount{Balance: "0x152d02c7e14af6800000"}
	}
	for a, code := range codes {
		g.Alloc[a.Hex()] = types.GenesisAccount{Balance: "0x0", Nonce: 1, Code: code}
	}
	return g
}

// newOrderer starts a chain with contracts and returns it with a connected client.
func newOrderer(t *testing.T, codes map[common.Address]string) (*orderer, *ethclient.Client, *rpc.Server) {
	t.Helper()
	g := testGenesis(codes)
	chain, err := execution.Open(execution.Config{Genesis: g, Dir: t.TempDir(), Cache: 6})
	if err != nil {
		t.Fatal(err)
	}
	o := &orderer{t: t, chain: chain, byHash: make(map[common.Hash]*ethtypes.Transaction)}
	if o.last, err = g.Header(); err != nil {
		t.Fatal(err)
	}
	server, err := rpc.New(rpc.Config{
		Address: "127.0.0.1:0", ChainID: g.ChainID, Version: "test", Backend: New(chain, o), Pool: NewPool(o), Debug: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx) }()
	client, err := ethclient.Dial(server.WS())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		client.Close()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := chain.Close(); err != nil {
			t.Error(err)
		}
	})
	return o, client, server
}

func (o *orderer) Safe() types.Height      { o.mu.Lock(); defer o.mu.Unlock(); return o.safe }
func (o *orderer) Finalized() types.Height { o.mu.Lock(); defer o.mu.Unlock(); return o.settled }

func (o *orderer) Add(_ context.Context, tx *ethtypes.Transaction) error {
	from, err := ethtypes.Sender(ethtypes.LatestSigner(o.chain.ChainConfig()), tx)
	if err != nil {
		return err
	}
	if tx.Nonce() < o.chain.Nonce(from) {
		return core.ErrNonceTooLow
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.waiting = append(o.waiting, tx)
	slices.SortStableFunc(o.waiting, func(a, b *ethtypes.Transaction) int { return cmp.Compare(a.Nonce(), b.Nonce()) })
	o.byHash[tx.Hash()] = tx
	return nil
}

func (o *orderer) PendingNonce(account common.Address) uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	nonce := o.chain.Nonce(account)
	for _, tx := range o.waiting {
		if from, err := ethtypes.Sender(ethtypes.LatestSigner(o.chain.ChainConfig()), tx); err == nil && from == account && tx.Nonce() == nonce {
			nonce++
		}
	}
	return nonce
}

func (o *orderer) Get(hash common.Hash) *ethtypes.Transaction {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.byHash[hash]
}

func (o *orderer) Content() (pending, queued map[common.Address][]*ethtypes.Transaction) {
	return map[common.Address][]*ethtypes.Transaction{}, nil
}

func (o *orderer) NewTransactions() (<-chan []*ethtypes.Transaction, func()) { return nil, func() {} }

// close executes what waits as the next block.
func (o *orderer) close() *execution.Result {
	o.t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	var envelopes [][]byte
	for _, tx := range o.waiting {
		raw, err := tx.MarshalBinary()
		if err != nil {
			o.t.Fatal(err)
		}
		envelopes = append(envelopes, raw)
	}
	data := types.EncodeBlockData(envelopes)
	h := types.Header{
		Version: types.Version, Network: o.chain.Rules().Network, Height: o.last.Height + 1, Parent: o.last.Digest(),
		Time: o.last.Time + 500_000, DataLength: uint64(len(data)), VertexDigest: sha256.Sum256(fmt.Append(nil, o.last.Height)),
	}
	result, err := o.chain.Apply(h, data)
	if err != nil {
		o.t.Fatal(err)
	}
	o.last, o.waiting, o.byHash = h, nil, make(map[common.Hash]*ethtypes.Transaction)
	return result
}

// send signs and sends a transaction of account i through the client, with the nonce the client is told.
func (o *orderer) send(client *ethclient.Client, i int, to *common.Address, value int64, data []byte) *ethtypes.Transaction {
	o.t.Helper()
	ctx := context.Background()
	nonce, err := client.PendingNonceAt(ctx, address(i))
	if err != nil {
		o.t.Fatal(err)
	}
	price, err := client.SuggestGasPrice(ctx)
	if err != nil {
		o.t.Fatal(err)
	}
	tx := ethtypes.MustSignNewTx(key(i), ethtypes.LatestSignerForChainID(big.NewInt(testChainID)), &ethtypes.DynamicFeeTx{
		ChainID: big.NewInt(testChainID), Nonce: nonce, To: to, Value: big.NewInt(value), Data: data, Gas: 500_000,
		GasFeeCap: price, GasTipCap: new(big.Int),
	})
	if err := client.SendTransaction(ctx, tx); err != nil {
		o.t.Fatal(err)
	}
	return tx
}

func (o *orderer) receipt(client *ethclient.Client, tx *ethtypes.Transaction) *ethtypes.Receipt {
	o.t.Helper()
	receipt, err := client.TransactionReceipt(context.Background(), tx.Hash())
	if err != nil {
		o.t.Fatalf("receipt of %s: %v", tx.Hash(), err)
	}
	return receipt
}

func errorCode(err error) int {
	if coded, ok := err.(gethrpc.Error); ok {
		return coded.ErrorCode()
	}
	return 0
}

func hexOf(code []byte) string { return hexutil.Encode(code) }
