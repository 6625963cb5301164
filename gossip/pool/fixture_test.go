package pool

import (
	"context"
	"crypto/ecdsa"
	"math/big"
	"sync"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"

	"github.com/etherscale/bedrock/types"
)

const (
	testChain = 48848
	gwei      = 1_000_000_000
	ether     = 1_000_000_000 * gwei
)

// ledger is a State that tests change at will.
type ledger struct {
	mu      sync.Mutex
	nonces  map[common.Address]uint64
	funds   map[common.Address]*uint256.Int
	code    map[common.Address]bool
	baseFee uint64
}

func newLedger() *ledger {
	return &ledger{nonces: map[common.Address]uint64{}, funds: map[common.Address]*uint256.Int{}, code: map[common.Address]bool{}, baseFee: gwei}
}

func (l *ledger) Nonce(a common.Address) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.nonces[a]
}

func (l *ledger) Balance(a common.Address) *uint256.Int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.funds[a]
}

func (l *ledger) HasCode(a common.Address) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.code[a]
}

func (l *ledger) BaseFee() *uint256.Int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return uint256.NewInt(l.baseFee)
}

func (l *ledger) set(a common.Address, nonce uint64, funds uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.nonces[a], l.funds[a] = nonce, uint256.NewInt(funds)
}

// wallet signs transactions of one key.
type wallet struct {
	key     *ecdsa.PrivateKey
	address common.Address
	signer  ethtypes.Signer
}

func newWallet(t testing.TB, n byte) *wallet {
	t.Helper()
	seed := make([]byte, 32)
	seed[31], seed[0] = n, 1
	key, err := crypto.ToECDSA(seed)
	if err != nil {
		t.Fatal(err)
	}
	return &wallet{key: key, address: crypto.PubkeyToAddress(key.PublicKey), signer: ethtypes.NewPragueSigner(big.NewInt(testChain))}
}

// change alters a transaction before it is signed.
type change func(*ethtypes.DynamicFeeTx)

func (w *wallet) sign(t testing.TB, nonce uint64, changes ...change) *ethtypes.Transaction {
	t.Helper()
	to := common.Address{0xaa}
	inner := &ethtypes.DynamicFeeTx{ChainID: big.NewInt(testChain), Nonce: nonce, GasTipCap: big.NewInt(gwei), GasFeeCap: big.NewInt(2 * gwei),
		Gas: 21000, To: &to, Value: big.NewInt(1)}
	for _, c := range changes {
		c(inner)
	}
	return w.signInner(t, inner)
}

func (w *wallet) signInner(t testing.TB, inner ethtypes.TxData) *ethtypes.Transaction {
	t.Helper()
	tx, err := ethtypes.SignNewTx(w.key, w.signer, inner)
	if err != nil {
		t.Fatal(err)
	}
	return tx
}

func fees(tip, cap int64) change {
	return func(tx *ethtypes.DynamicFeeTx) { tx.GasTipCap, tx.GasFeeCap = big.NewInt(tip), big.NewInt(cap) }
}
func gas(n uint64) change  { return func(tx *ethtypes.DynamicFeeTx) { tx.Gas = n } }
func value(n int64) change { return func(tx *ethtypes.DynamicFeeTx) { tx.Value = big.NewInt(n) } }
func data(n int, b byte) change {
	return func(tx *ethtypes.DynamicFeeTx) {
		tx.Data = make([]byte, n)
		for i := range tx.Data {
			tx.Data[i] = b
		}
		tx.Gas = 21000 + 50*uint64(n)
	}
}
func creation(tx *ethtypes.DynamicFeeTx) { tx.To = nil }

func envelope(t testing.TB, tx *ethtypes.Transaction) []byte {
	t.Helper()
	raw, err := tx.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func batchOf(t testing.TB, txs ...*ethtypes.Transaction) []byte {
	t.Helper()
	envelopes := make([][]byte, len(txs))
	for i, tx := range txs {
		envelopes[i] = envelope(t, tx)
	}
	body, err := types.EncodeBatch(envelopes)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func hashOf(tx *ethtypes.Transaction) types.Hash { return types.Hash(tx.Hash()) }

// newPool makes a pool that nobody runs: tests flush it by hand.
func newPool(t testing.TB, state State, changes ...func(*Config)) *Pool {
	t.Helper()
	cfg := Config{ChainID: testChain, BaseFeeFloor: 1000, State: state, Publish: func(context.Context, Outgoing) {}, AccountQueue: 64}
	for _, c := range changes {
		c(&cfg)
	}
	p, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// flushAll takes what is due when all waiting is over, decoded.
func flushAll(t testing.TB, p *Pool, now time.Time) (outs []Outgoing, envelopes [][]byte) {
	t.Helper()
	outs = p.flush(now)
	for _, out := range outs {
		b, err := types.DecodeBatch(out.Body)
		if err != nil {
			t.Fatal(err)
		}
		if out.ID != types.BatchIDOf(out.Body) || len(out.Txs) != len(b.Envelopes) {
			t.Fatal("a batch does not match its description")
		}
		envelopes = append(envelopes, b.Envelopes...)
	}
	return outs, envelopes
}
