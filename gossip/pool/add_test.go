package pool

import (
	"context"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"

	"github.com/etherscale/bedrock/types"
)

var background = context.Background()

func TestAddRefuses(t *testing.T) {
	w, other := newWallet(t, 1), newWallet(t, 2)
	to := common.Address{1}
	wrongSigner := *w
	wrongSigner.signer = ethtypes.NewPragueSigner(big.NewInt(1))
	highS := func() *ethtypes.Transaction {
		tx := w.sign(t, 5)
		v, r, s := tx.RawSignatureValues()
		raised := new(big.Int).Sub(crypto.S256().Params().N, s)
		return ethtypes.NewTx(&ethtypes.DynamicFeeTx{ChainID: tx.ChainId(), Nonce: tx.Nonce(), GasTipCap: tx.GasTipCap(), GasFeeCap: tx.GasFeeCap(),
			Gas: tx.Gas(), To: tx.To(), Value: tx.Value(), V: new(big.Int).Sub(big.NewInt(1), v), R: r, S: raised})
	}
	cases := []struct {
		name string
		tx   *ethtypes.Transaction
		want error
		text string // that wallets match
	}{
		{"other chain", wrongSigner.signInner(t, &ethtypes.DynamicFeeTx{ChainID: big.NewInt(1), Nonce: 5, Gas: 21000, GasFeeCap: big.NewInt(2 * gwei), GasTipCap: big.NewInt(1), To: &to}), ErrInvalidSender, "invalid sender"},
		{"unprotected", func() *ethtypes.Transaction {
			h := *w
			h.signer = ethtypes.HomesteadSigner{}
			return h.signInner(t, &ethtypes.LegacyTx{Nonce: 5, Gas: 21000, GasPrice: big.NewInt(2 * gwei), To: &to})
		}(), ErrUnprotected, "replay-protected"},
		{"blob", w.signInner(t, &ethtypes.BlobTx{ChainID: uint256.NewInt(testChain), Nonce: 5, Gas: 21000, GasFeeCap: uint256.NewInt(2 * gwei), GasTipCap: uint256.NewInt(1), BlobFeeCap: uint256.NewInt(1), BlobHashes: []common.Hash{{1}}, Value: uint256.NewInt(0)}), core.ErrTxTypeNotSupported, "transaction type not supported"},
		{"high s", highS(), ErrInvalidSender, "invalid sender"},
		{"gas above 2^24", w.sign(t, 5, gas(1<<24+1)), core.ErrGasLimitTooHigh, "transaction gas limit too high"},
		{"intrinsic gas", w.sign(t, 5, gas(20999)), core.ErrIntrinsicGas, "intrinsic gas too low"},
		{"floor for data", w.sign(t, 5, data(1000, 7), gas(21000+16*1000+1)), core.ErrFloorDataGas, "insufficient gas for floor data gas cost"},
		{"init code", w.sign(t, 5, creation, data(49153, 0), gas(16_000_000)), vm.ErrMaxInitCodeSizeExceeded, "max initcode size exceeded"},
		{"oversized", w.sign(t, 5, data(128<<10, 0)), ErrOversized, "oversized data"},
		{"tip above fee cap", w.sign(t, 5, fees(3*gwei, 2*gwei)), core.ErrTipAboveFeeCap, "max priority fee per gas higher than max fee per gas"},
		{"below the floor", w.sign(t, 5, fees(1, 999)), ErrUnderpriced, "transaction underpriced"},
		{"below the base fee", w.sign(t, 5, fees(1, gwei-1)), core.ErrFeeCapTooLow, "max fee per gas less than block base fee"},
		{"nonce too low", w.sign(t, 4), core.ErrNonceTooLow, "nonce too low"},
		{"nonce beyond the window", w.sign(t, 5+64), core.ErrNonceTooHigh, "nonce too high"},
		{"no funds", other.sign(t, 0), core.ErrInsufficientFunds, "insufficient funds for gas * price + value"},
		{"value above funds", w.sign(t, 5, value(ether)), core.ErrInsufficientFunds, "insufficient funds for gas * price + value"},
		{"fee above 256 bits", w.sign(t, 5, func(tx *ethtypes.DynamicFeeTx) { tx.GasFeeCap = new(big.Int).Lsh(big.NewInt(1), 256) }), core.ErrFeeCapVeryHigh, "higher than 2^256-1"},
		{"cost above 256 bits", w.sign(t, 5, func(tx *ethtypes.DynamicFeeTx) { tx.GasFeeCap = new(big.Int).Lsh(big.NewInt(1), 250) }), core.ErrInsufficientFunds, "insufficient funds"},
		{"empty authorization list", w.signInner(t, &ethtypes.SetCodeTx{ChainID: uint256.NewInt(testChain), Nonce: 5, Gas: 60000, GasFeeCap: uint256.NewInt(2 * gwei), GasTipCap: uint256.NewInt(1), To: to, Value: new(uint256.Int)}), ErrEmptyAuthorization, "at least one authorization"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			state := newLedger()
			state.set(w.address, 5, ether)
			p := newPool(t, state)
			err := p.Add(background, c.tx)
			if !errors.Is(err, c.want) {
				t.Fatalf("error %v, want %v", err, c.want)
			}
			if !strings.Contains(err.Error(), c.text) {
				t.Fatalf("error %q does not say %q", err, c.text)
			}
			if s := p.Stats(); s != (Stats{}) {
				t.Fatalf("the refused transaction left %+v", s)
			}
		})
	}
}

func TestAddTakesEveryType(t *testing.T) {
	w := newWallet(t, 1)
	to := common.Address{1}
	authorization, err := ethtypes.SignSetCode(newWallet(t, 2).key, ethtypes.SetCodeAuthorization{ChainID: *uint256.NewInt(testChain), Address: to})
	if err != nil {
		t.Fatal(err)
	}
	state := newLedger()
	state.set(w.address, 0, ether)
	p := newPool(t, state)
	for nonce, inner := range []ethtypes.TxData{
		&ethtypes.LegacyTx{Nonce: 0, Gas: 21000, GasPrice: big.NewInt(2 * gwei), To: &to},
		&ethtypes.AccessListTx{ChainID: big.NewInt(testChain), Nonce: 1, Gas: 30000, GasPrice: big.NewInt(2 * gwei), To: &to, AccessList: ethtypes.AccessList{{Address: to}}},
		&ethtypes.DynamicFeeTx{ChainID: big.NewInt(testChain), Nonce: 2, Gas: 21000, GasFeeCap: big.NewInt(2 * gwei), GasTipCap: big.NewInt(0), To: &to},
		&ethtypes.SetCodeTx{ChainID: uint256.NewInt(testChain), Nonce: 3, Gas: 80000, GasFeeCap: uint256.NewInt(2 * gwei), GasTipCap: new(uint256.Int), To: to, Value: new(uint256.Int), AuthList: []ethtypes.SetCodeAuthorization{authorization}},
	} {
		tx := w.signInner(t, inner)
		hash, err := p.AddEnvelope(background, envelope(t, tx))
		if err != nil {
			t.Fatalf("type %d: %v", tx.Type(), err)
		}
		if hash != hashOf(tx) || p.Get(tx.Hash()) == nil || p.PendingNonce(w.address) != uint64(nonce+1) {
			t.Fatalf("type %d is not in the pool as it should", tx.Type())
		}
		if err := p.Add(background, tx); !errors.Is(err, ErrAlreadyKnown) {
			t.Fatalf("the second time: %v", err)
		}
	}
	if p.authorities[newWallet(t, 2).address] != 1 {
		t.Fatal("the authority of the waiting set-code transaction is not noted")
	}
}

func TestReplacementNeedsATenthMore(t *testing.T) {
	w := newWallet(t, 1)
	state := newLedger()
	state.set(w.address, 0, ether)
	p := newPool(t, state)
	first := w.sign(t, 0, fees(10*gwei, 20*gwei))
	if err := p.Add(background, first); err != nil {
		t.Fatal(err)
	}
	for _, f := range [][2]int64{{10 * gwei, 20 * gwei}, {11 * gwei, 20 * gwei}, {10 * gwei, 22 * gwei}, {11*gwei - 1, 22 * gwei}, {11 * gwei, 22*gwei - 1}} {
		if err := p.Add(background, w.sign(t, 0, fees(f[0], f[1]), value(2))); !errors.Is(err, ErrReplaceUnderpriced) {
			t.Fatalf("fees %v: %v", f, err)
		}
	}
	second := w.sign(t, 0, fees(11*gwei, 22*gwei))
	if err := p.Add(background, second); err != nil {
		t.Fatal(err)
	}
	_, got := flushAll(t, p, time.Now().Add(time.Second))
	if len(got) != 1 || string(got[0]) != string(envelope(t, second)) {
		t.Fatal("what was replaced before it was published leaves all the same")
	}
	third := w.sign(t, 0, fees(13*gwei, 25*gwei)) // now the second is on its way and may still win
	if err := p.Add(background, third); err != nil {
		t.Fatal(err)
	}
	if p.Get(second.Hash()) == nil || p.Stats().Transactions != 2 {
		t.Fatal("a replaced transaction under way is forgotten too early")
	}
	state.set(w.address, 1, ether)
	p.Executed(1, []types.Hash{hashOf(second)})
	if s := p.Stats(); s.Transactions != 0 || s.Bytes != 0 || s.Accounts != 0 {
		t.Fatalf("after the nonce is used up the pool holds %+v", s)
	}
}

// A wallet may hand over many at once, in any order; they leave in order of nonce, as many as may be under way.
func TestHeldTransactionsLeaveAsOthersAreExecuted(t *testing.T) {
	w := newWallet(t, 1)
	state := newLedger()
	state.set(w.address, 0, ether)
	p := newPool(t, state)
	txs := make([]*ethtypes.Transaction, 40)
	for i := range txs {
		txs[i] = w.sign(t, uint64(i))
	}
	for i := len(txs) - 1; i >= 1; i-- {
		if err := p.Add(background, txs[i]); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	if _, got := flushAll(t, p, now.Add(time.Minute)); len(got) != 0 || p.PendingNonce(w.address) != 0 {
		t.Fatal("transactions behind a gap are published")
	}
	pending, queued := p.Content()
	if len(pending) != 0 || len(queued[w.address]) != 39 || queued[w.address][0].Nonce() != 1 {
		t.Fatal("content does not list the gapped ones as queued")
	}
	if err := p.Add(background, txs[0]); err != nil {
		t.Fatal(err)
	}
	if p.PendingNonce(w.address) != 40 {
		t.Fatalf("pending nonce %d", p.PendingNonce(w.address))
	}
	next := 0
	for round := 0; next < len(txs); round++ {
		now = now.Add(time.Minute)
		_, got := flushAll(t, p, now)
		if want := min(16, len(txs)-next); len(got) != want {
			t.Fatalf("round %d publishes %d, want %d", round, len(got), want)
		}
		var hashes []types.Hash
		for _, e := range got {
			if string(e) != string(envelope(t, txs[next])) {
				t.Fatalf("round %d is out of order at nonce %d", round, next)
			}
			hashes = append(hashes, hashOf(txs[next]))
			next++
		}
		state.set(w.address, uint64(next), ether)
		p.Executed(types.Height(round+1), hashes)
	}
	if s := p.Stats(); s.Transactions != 0 {
		t.Fatalf("left over: %+v", s)
	}
	if err := p.Add(background, txs[39]); err == nil {
		t.Fatal("an executed transaction is taken again")
	}
}

func TestQueuedCostIsPayable(t *testing.T) {
	w := newWallet(t, 1)
	cost := uint64(21000*2*gwei + 1)
	state := newLedger()
	state.set(w.address, 0, 3*cost)
	p := newPool(t, state)
	for nonce := range uint64(3) {
		if err := p.Add(background, w.sign(t, nonce)); err != nil {
			t.Fatal(err)
		}
	}
	err := p.Add(background, w.sign(t, 3))
	if !errors.Is(err, core.ErrInsufficientFunds) || !strings.Contains(err.Error(), "queued cost") {
		t.Fatalf("the fourth: %v", err)
	}
	if err := p.Add(background, w.sign(t, 2, fees(2*gwei, 3*gwei))); !errors.Is(err, core.ErrInsufficientFunds) {
		t.Fatalf("a replacement that is not payable: %v", err)
	}
}

func TestAccountWithCodeHasOneUnderWay(t *testing.T) {
	w := newWallet(t, 1)
	state := newLedger()
	state.set(w.address, 0, ether)
	state.code[w.address] = true
	p := newPool(t, state)
	for nonce := range uint64(3) {
		if err := p.Add(background, w.sign(t, nonce)); err != nil {
			t.Fatal(err)
		}
	}
	if _, got := flushAll(t, p, time.Now().Add(time.Minute)); len(got) != 1 {
		t.Fatalf("%d under way, want 1", len(got))
	}
	q := newPool(t, state)
	a, err := q.AdmitBatch(batchOf(t, many(t, w, 0, 5)...), "peer")
	if err != nil || a.Admitted || !errors.Is(a.Reason, ErrAccountLimit) {
		t.Fatalf("five at once in a batch: %+v, %v", a, err)
	}
}

func TestPoolFull(t *testing.T) {
	w := newWallet(t, 1)
	state := newLedger()
	state.set(w.address, 0, ether)
	p := newPool(t, state, func(c *Config) { c.MaxTransactions = 2 })
	for nonce := range uint64(2) {
		if err := p.Add(background, w.sign(t, nonce)); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Add(background, w.sign(t, 2)); !errors.Is(err, ErrPoolFull) || !strings.HasPrefix(err.Error(), "txpool is full") {
		t.Fatal(err)
	}
}

func TestNewTransactionsAreTold(t *testing.T) {
	w := newWallet(t, 1)
	state := newLedger()
	state.set(w.address, 0, ether)
	p := newPool(t, state)
	c, cancel := p.NewTransactions()
	own, foreign := w.sign(t, 0), w.sign(t, 1)
	if err := p.Add(background, own); err != nil {
		t.Fatal(err)
	}
	if a, err := p.AdmitBatch(batchOf(t, foreign), "peer"); err != nil || !a.Admitted {
		t.Fatal(a, err)
	}
	for _, want := range []*ethtypes.Transaction{own, foreign} {
		if got := <-c; len(got) != 1 || got[0].Hash() != want.Hash() {
			t.Fatal("wrong transactions told")
		}
	}
	cancel()
	cancel()
	if _, open := <-c; open {
		t.Fatal("the channel stays open")
	}
}

func TestLightPoolChecksWhatNeedsNoState(t *testing.T) {
	w := newWallet(t, 1)
	p := newPool(t, nil)
	for _, nonce := range []uint64{7, 900} {
		if err := p.Add(background, w.sign(t, nonce)); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Add(background, w.sign(t, 8, gas(20999))); !errors.Is(err, core.ErrIntrinsicGas) {
		t.Fatal(err)
	}
	if _, got := flushAll(t, p, time.Now().Add(time.Minute)); len(got) != 2 {
		t.Fatalf("%d published", len(got))
	}
}

func TestConfigNamesItsProblems(t *testing.T) {
	_, err := New(Config{AccountBytes: 1, MaxBytes: -1})
	for _, want := range []string{"ChainID", "Publish", "AccountBytes", "negative"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("%v does not name %s", err, want)
		}
	}
}
