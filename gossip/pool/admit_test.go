package pool

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"pgregory.net/rapid"

	"github.com/etherscale/bedrock/types"
)

func TestCheckIsStructureAlone(t *testing.T) {
	w := newWallet(t, 1)
	p := newPool(t, newLedger()) // where nobody has funds
	txs := make([]*ethtypes.Transaction, 30)
	for i := range txs {
		txs[i] = w.sign(t, uint64(i*1000), gas(1))
	}
	infos, err := p.Check(batchOf(t, txs...))
	if err != nil || len(infos) != len(txs) {
		t.Fatal(len(infos), err)
	}
	for i, info := range infos {
		raw := envelope(t, txs[i])
		if info.Hash != types.Hash(crypto.Keccak256(raw)) || info.Hash != hashOf(txs[i]) || info.Gas != 1 || info.Size != uint64(len(raw)) {
			t.Fatalf("transaction %d: %+v", i, info)
		}
	}
	if again, err := p.Check(batchOf(t, txs...)); err != nil || !slices.Equal(again, infos) {
		t.Fatal("the second look differs", err)
	}
	for name, body := range map[string][]byte{
		"empty":          {0xc0},
		"garbage":        {1, 2, 3},
		"gas above 2^24": batchOf(t, w.sign(t, 0), w.sign(t, 1, gas(1<<24+1))),
		"trailing byte":  append(batchOf(t, txs[0]), 0),
		"last malformed": func() []byte {
			b, err := types.EncodeBatch([][]byte{envelope(t, txs[0]), {0x02, 0xc0}})
			if err != nil {
				t.Fatal(err)
			}
			return b
		}(),
	} {
		if _, err := p.Check(body); !errors.Is(err, types.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAdmitBatch(t *testing.T) {
	a, b := newWallet(t, 1), newWallet(t, 2)
	state := newLedger()
	state.set(a.address, 3, ether)
	state.set(b.address, 0, ether)
	cases := []struct {
		name     string
		txs      []*ethtypes.Transaction
		admitted bool
		reason   error // of a batch that is not admitted
		invalid  error // of a batch no honest peer sends
	}{
		{"two accounts", []*ethtypes.Transaction{a.sign(t, 3), a.sign(t, 4), b.sign(t, 0)}, true, nil, nil},
		{"stale", []*ethtypes.Transaction{a.sign(t, 2)}, false, core.ErrNonceTooLow, nil},
		{"gap", []*ethtypes.Transaction{a.sign(t, 4)}, false, core.ErrNonceTooHigh, nil},
		{"half stale", []*ethtypes.Transaction{a.sign(t, 2), b.sign(t, 0)}, true, nil, nil},
		{"two thirds stale", []*ethtypes.Transaction{a.sign(t, 2), a.sign(t, 1), b.sign(t, 0)}, false, core.ErrNonceTooLow, nil},
		{"stale with much gas", []*ethtypes.Transaction{a.sign(t, 2, gas(1_000_000)), b.sign(t, 0)}, false, core.ErrNonceTooLow, nil},
		{"conflict inside", []*ethtypes.Transaction{a.sign(t, 3), a.sign(t, 3, value(2))}, true, nil, nil},
		{"no funds", []*ethtypes.Transaction{newWallet(t, 9).sign(t, 0)}, false, core.ErrInsufficientFunds, nil},
		{"below base fee", []*ethtypes.Transaction{a.sign(t, 3, fees(1, gwei-1))}, false, core.ErrFeeCapTooLow, nil},
		{"below the floor", []*ethtypes.Transaction{a.sign(t, 3), a.sign(t, 4, fees(1, 999))}, false, nil, ErrUnderpriced},
		{"intrinsic gas", []*ethtypes.Transaction{a.sign(t, 3), a.sign(t, 4), a.sign(t, 5, gas(20999))}, false, nil, core.ErrIntrinsicGas},
		{"32 of one account", many(t, a, 3, 32), true, nil, nil},
		{"65 of one account", many(t, a, 3, 65), false, core.ErrNonceTooHigh, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := newPool(t, state)
			got, err := p.AdmitBatch(batchOf(t, c.txs...), "peer")
			if c.invalid != nil {
				if !errors.Is(err, ErrInvalid) || !errors.Is(err, c.invalid) {
					t.Fatalf("error %v, want %v", err, c.invalid)
				}
			} else if err != nil || got.Admitted != c.admitted || !errors.Is(got.Reason, c.reason) {
				t.Fatalf("%+v, %v; want admitted %v, reason %v", got, err, c.admitted, c.reason)
			}
			if s := p.Stats(); !got.Admitted && s != (Stats{}) {
				t.Fatalf("a batch that is not admitted left %+v", s)
			}
		})
	}
}

func many(t *testing.T, w *wallet, from uint64, n int) []*ethtypes.Transaction {
	txs := make([]*ethtypes.Transaction, n)
	for i := range txs {
		txs[i] = w.sign(t, from+uint64(i))
	}
	return txs
}

func TestKnownBatchIsAdmittedAgain(t *testing.T) {
	w := newWallet(t, 1)
	state := newLedger()
	state.set(w.address, 0, ether)
	p := newPool(t, state)
	tx := w.sign(t, 0)
	body := batchOf(t, tx)
	id := types.BatchIDOf(body)
	for range 2 { // a batch that the order forgot is asked about again
		if !p.Admits(id, body) {
			t.Fatal("not admitted")
		}
	}
	other := batchOf(t, tx, w.sign(t, 1, value(5)), w.sign(t, 2, value(7)))
	if a, err := p.AdmitBatch(other, "peer"); err != nil || !a.Admitted {
		t.Fatal("two thirds new, but", a, err)
	}
	small := batchOf(t, w.sign(t, 1, value(5)), tx)
	if a, _ := p.AdmitBatch(small, "peer"); a.Admitted || !errors.Is(a.Reason, ErrAlreadyKnown) {
		t.Fatal("known transactions in new clothes are admitted", a)
	}
	p.cfg.Rebroadcast = time.Nanosecond // as if long ago: the batch that carried them seems lost
	if a, _ := p.AdmitBatch(small, "peer"); !a.Admitted {
		t.Fatal("published again, but", a)
	}
	state.set(w.address, 1, ether)
	p.Executed(1, []types.Hash{hashOf(tx)})
	if p.Admits(id, body) {
		t.Fatal("an executed batch is admitted")
	}
}

// An entry peer releases the next ones when it has executed the first; another peer may not have yet.
func TestLaggingPeerAdmitsTheNextOnes(t *testing.T) {
	w := newWallet(t, 1)
	state := newLedger()
	state.set(w.address, 0, ether)
	p := newPool(t, state)
	for _, from := range []uint64{0, 16} {
		if a, err := p.AdmitBatch(batchOf(t, many(t, w, from, 16)...), "peer"); err != nil || !a.Admitted {
			t.Fatal(from, a, err)
		}
	}
	if a, _ := p.AdmitBatch(batchOf(t, w.sign(t, 32)), "peer"); a.Admitted {
		t.Fatal("33 are under way")
	}
}

func TestPeerSharesAreBounded(t *testing.T) {
	w := newWallet(t, 1)
	state := newLedger()
	state.set(w.address, 0, ether)
	p := newPool(t, state, func(c *Config) { c.PeerBytes = 10; c.PeerTransactions = 1 })
	body := batchOf(t, w.sign(t, 0))
	if _, err := p.AdmitBatch(body, "loud"); err != nil {
		t.Fatal(err)
	}
	if _, err := p.AdmitBatch(body, "loud"); !errors.Is(err, ErrRateLimited) {
		t.Fatalf("over its share: %v", err)
	}
	if _, err := p.AdmitBatch(batchOf(t, w.sign(t, 1)), "quiet"); err != nil {
		t.Fatalf("another peer pays for it: %v", err)
	}
}

// I1 and I5: whatever arrives in whatever order, what is under way of an account is within its limits and payable, the
// books balance, and a batch that is not admitted changes nothing.
func TestUnderWayIsBounded(t *testing.T) {
	wallets := []*wallet{newWallet(t, 1), newWallet(t, 2), newWallet(t, 3)}
	type choice struct {
		w     *wallet
		nonce uint64
		tip   int64
	}
	signed := make(map[choice]*ethtypes.Transaction) // signing is slow
	rapid.Check(t, func(rt *rapid.T) {
		state := newLedger()
		for _, w := range wallets {
			state.set(w.address, 0, rapid.Uint64Range(0, 30).Draw(rt, "funds")*21000*2*gwei)
		}
		limit := rapid.IntRange(1, 4).Draw(rt, "limit")
		p := newPool(t, state, func(c *Config) { c.AccountTransactions = limit; c.AccountQueue = 8 })
		draw := func() *ethtypes.Transaction {
			w := rapid.SampledFrom(wallets).Draw(rt, "wallet")
			tip := rapid.SampledFrom([]int64{gwei / 2, gwei, 2 * gwei}).Draw(rt, "tip")
			key := choice{w, state.Nonce(w.address) + rapid.Uint64Range(0, 6).Draw(rt, "nonce"), tip}
			if signed[key] == nil {
				signed[key] = w.sign(t, key.nonce, fees(tip, 2*tip+gwei), value(0))
			}
			return signed[key]
		}
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			switch rapid.IntRange(0, 4).Draw(rt, "what") {
			case 0, 1:
				_ = p.Add(background, draw())
			case 2:
				body, err := types.EncodeBatch(distinct(t, draw(), draw(), draw()))
				if err != nil {
					rt.Fatal(err)
				}
				before := slices.Sorted(maps.Keys(keysOf(p)))
				if a, err := p.AdmitBatch(body, "peer"); err != nil {
					rt.Fatal(err)
				} else if !a.Admitted && !slices.Equal(before, slices.Sorted(maps.Keys(keysOf(p)))) {
					// own transactions whose nonce is used up may go at any time, and only these: none is here
					rt.Fatal("a batch that is not admitted changed the pool")
				}
			case 3:
				p.flush(time.Now().Add(time.Hour))
			case 4:
				w := rapid.SampledFrom(wallets).Draw(rt, "payer")
				executeNext(p, state, w.address)
			}
			checkBooks(rt, p, state, limit)
		}
	})
}

func distinct(t *testing.T, txs ...*ethtypes.Transaction) [][]byte {
	var envelopes [][]byte
	for _, tx := range txs {
		if raw := envelope(t, tx); !slices.ContainsFunc(envelopes, func(e []byte) bool { return string(e) == string(raw) }) {
			envelopes = append(envelopes, raw)
		}
	}
	return envelopes
}

func keysOf(p *Pool) map[string]struct{} {
	keys := make(map[string]struct{})
	for h := range p.byHash {
		keys[h.String()] = struct{}{}
	}
	return keys
}

func executeNext(p *Pool, state *ledger, a common.Address) {
	account := p.accounts[a]
	if account == nil || account.current[state.Nonce(a)] == nil || account.current[state.Nonce(a)].stage != sent {
		return
	}
	e := account.current[state.Nonce(a)]
	state.mu.Lock()
	state.nonces[a]++
	state.funds[a].Sub(state.funds[a], e.cost)
	state.mu.Unlock()
	p.Executed(1, []types.Hash{e.info.Hash})
}

func checkBooks(rt *rapid.T, p *Pool, state *ledger, limit int) {
	bytes, count := 0, 0
	for address, a := range p.accounts {
		if a.empty() {
			rt.Fatal("an empty account is kept")
		}
		under, size, cost := a.underWay()
		if under > lag*limit {
			rt.Fatalf("%d under way, limit %d", under, limit)
		}
		if size > lag*p.cfg.AccountBytes || cost.Gt(state.Balance(address)) {
			rt.Fatalf("%d bytes and cost %v under way, balance %v", size, cost, state.Balance(address))
		}
		for nonce, e := range a.current {
			if e.tx.Nonce() != nonce || p.byHash[e.info.Hash] != e {
				rt.Fatal("an entry is misfiled")
			}
			if e.stage != held && !a.contiguous(state.Nonce(address), nonce) {
				rt.Fatalf("nonce %d is under way behind a gap", nonce)
			}
			bytes, count = bytes+len(e.envelope), count+1
		}
		for _, e := range a.replaced {
			bytes, count = bytes+len(e.envelope), count+1
		}
	}
	boxedEntries := 0
	for _, e := range p.byHash {
		if e.stage == boxed {
			boxedEntries++
		}
	}
	if bytes != p.bytes || count != len(p.byHash) || boxedEntries != len(p.outbox.parcels) {
		rt.Fatalf("books: %d of %d bytes, %d of %d entries, %d of %d boxed", p.bytes, bytes, len(p.byHash), count, len(p.outbox.parcels), boxedEntries)
	}
}
