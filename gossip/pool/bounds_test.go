package pool

import (
	"fmt"
	"testing"
	"time"

	"github.com/etherscale/bedrock/types"
)

// TestLimitsOfThePool: number and bytes of transactions, at the bound and one past it.
func TestLimitsOfThePool(t *testing.T) {
	w := newWallet(t, 1)
	state := newLedger()
	state.set(w.address, 0, ether)
	encoded, err := w.sign(t, 0).MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	size := len(encoded)
	for name, x := range map[string]struct {
		change func(*Config)
		taken  int
	}{
		"two":                 {func(c *Config) { c.MaxTransactions = 2 }, 2},
		"bytes of two":        {func(c *Config) { c.MaxBytes = 2 * size }, 2},
		"a byte too few":      {func(c *Config) { c.MaxBytes = 2*size - 1 }, 1},
		"queue of an account": {func(c *Config) { c.AccountTransactions, c.AccountQueue = 1, 2 }, 2},
	} {
		p := newPool(t, state, x.change)
		taken := 0
		for nonce := range uint64(4) {
			if p.Add(background, w.sign(t, nonce)) == nil {
				taken++
			}
		}
		if taken != x.taken {
			t.Errorf("%s: %d taken", name, taken)
		}
	}
}

// TestLimitsOfUnderWay: of others' transactions of one account, twice what this peer would release itself is admitted.
func TestLimitsOfUnderWay(t *testing.T) {
	w := newWallet(t, 1)
	state := newLedger()
	state.set(w.address, 0, ether)
	p := newPool(t, state, func(c *Config) { c.AccountTransactions = 2 })
	for nonce := range uint64(5) {
		a, err := p.AdmitBatch(batchOf(t, w.sign(t, nonce)), fmt.Sprint("peer ", nonce))
		if err != nil || a.Admitted != (nonce < 4) {
			t.Errorf("number %d: %+v, %v", nonce+1, a, err)
		}
	}
}

// TestLimitsOfMemory: how many peers, ordered transactions and bytes of parsed batches are remembered.
func TestLimitsOfMemory(t *testing.T) {
	s := newShares(10, 10)
	for i := range 4096 {
		if !s.bytes(fmt.Sprint(i), 40) {
			t.Fatalf("peer %d is refused", i)
		}
	}
	if s.bytes("another", 1) || len(s.peers) != 4096 {
		t.Errorf("%d peers, all busy, are remembered", len(s.peers))
	}
	r := newRecent(3)
	for k := range byte(4) {
		r.add(types.Hash{k})
	}
	if r.has(types.Hash{0}) || !r.has(types.Hash{1}) || !r.has(types.Hash{3}) || len(r.set) != 3 {
		t.Errorf("%d are remembered", len(r.set))
	}
	p := newParser(testChain, 1)
	p.remember(&parsed{id: types.BatchID{1}}, 1)
	if p.remember(&parsed{id: types.BatchID{2}}, 8<<20-1); len(p.known) != 2 {
		t.Errorf("%d batches of 8 MiB are remembered", len(p.known))
	}
	if p.remember(&parsed{id: types.BatchID{3}}, 1); len(p.known) != 2 || p.known[types.BatchID{1}] != nil {
		t.Errorf("%d batches of 8 MiB and a byte are remembered", len(p.known))
	}
}

// TestLimitsOfDefaults: what a pool has when nothing is configured.
func TestLimitsOfDefaults(t *testing.T) {
	var c Config
	c.fill()
	if c.AccountTransactions != 16 || c.AccountBytes != 128<<10 || c.AccountQueue != 64 || c.MaxTransactions != 16384 || c.MaxBytes != 64<<20 ||
		c.PeerBytes != 6<<20 || c.PeerTransactions != 12000 || c.Expiry != 10*time.Minute || c.ForeignExpiry != time.Minute {
		t.Errorf("%+v", c)
	}
}

// TestLimitOfCarriers: a transaction counts as new in three batches that the order lists within a short time.
func TestLimitOfCarriers(t *testing.T) {
	w := newWallet(t, 1)
	state := newLedger()
	state.set(w.address, 0, ether)
	p := newPool(t, state)
	shared := w.sign(t, 0)
	for k := range byte(5) {
		body := batchOf(t, shared, newWallet(t, k+2).sign(t, 0)) // the second transaction cannot be paid for
		if admitted := p.Admits(types.BatchIDOf(body), body); admitted != (k < 3) {
			t.Errorf("batch %d: admitted %v", k+1, admitted)
		}
	}
}
