package account

import (
	"context"
	"errors"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/pbnjay/memory"

	"github.com/etherscale/bedrock/types"
)

// ledger is a pool and a chain in one: it takes transactions as the real pool does, and executes what it is told to.
type ledger struct {
	t       *testing.T
	signer  ethtypes.Signer
	nonce   uint64
	baseFee uint64
	waiting map[uint64]*ethtypes.Transaction
	results map[types.Hash]bool
}

func newLedger(t *testing.T) *ledger {
	return &ledger{t: t, signer: ethtypes.LatestSignerForChainID(big.NewInt(7)), baseFee: 100, waiting: map[uint64]*ethtypes.Transaction{}, results: map[types.Hash]bool{}}
}

func (l *ledger) PendingNonce(common.Address) uint64 {
	next := l.nonce
	for l.waiting[next] != nil {
		next++
	}
	return next
}

func (l *ledger) Add(_ context.Context, tx *ethtypes.Transaction) error {
	if _, err := ethtypes.Sender(l.signer, tx); err != nil {
		l.t.Error(err)
	}
	old := l.waiting[tx.Nonce()]
	switch {
	case tx.Nonce() < l.nonce:
		return core.ErrNonceTooLow
	case tx.GasFeeCap().Uint64() < l.baseFee:
		return core.ErrFeeCapTooLow
	case old != nil && new(big.Int).Mul(old.GasFeeCap(), big.NewInt(11)).Cmp(new(big.Int).Mul(tx.GasFeeCap(), big.NewInt(10))) > 0:
		return errors.New("replacement transaction underpriced")
	}
	l.waiting[tx.Nonce()] = tx
	return nil
}

func (l *ledger) Nonce(common.Address) uint64 { return l.nonce }
func (l *ledger) BaseFee() uint64             { return l.baseFee }

func (l *ledger) Outcome(hash types.Hash) (types.Height, bool, bool) {
	succeeded, known := l.results[hash]
	return 9, succeeded, known
}

func (l *ledger) execute(tx *ethtypes.Transaction, succeeds bool) {
	if tx.Nonce() != l.nonce {
		l.t.Fatalf("nonce %d, next is %d", tx.Nonce(), l.nonce)
	}
	l.nonce++
	delete(l.waiting, tx.Nonce())
	l.results[types.Hash(tx.Hash())] = succeeds
}

func testAccount(t *testing.T, l *ledger) *Account {
	t.Helper()
	key, err := DeriveKey([]byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	return New(Config{Key: key, ChainID: 7, Pool: l, Chain: l})
}

// TestSend: calls get consecutive nonces, and each learns its own outcome.
func TestSend(t *testing.T) {
	l := newLedger(t)
	a := testAccount(t, l)
	var sent [3]*Sent
	for i := range sent {
		s, err := a.Send(t.Context(), [20]byte{5}, nil, []byte{byte(i)}, 50_000)
		if err != nil {
			t.Fatal(err)
		}
		sent[i] = s
	}
	delete(l.waiting, 2) // the pool forgets one: its nonce is not given again
	if s, err := a.Send(t.Context(), [20]byte{5}, nil, nil, 50_000); err != nil || s.inner.Nonce != 3 {
		t.Fatalf("nonce after what was sent: %v", err)
	}
	l.execute(l.waiting[0], true)
	l.execute(l.waiting[1], false)
	l.nonce++ // a stranger with the same key
	a.Executed()
	for i, want := range []Outcome{{9, sent[0].Hash(), true}, {9, sent[1].Hash(), false}} {
		if got, err := sent[i].Wait(t.Context()); err != nil || got != want {
			t.Errorf("call %d: %+v, %v", i, got, err)
		}
	}
	if _, err := sent[2].Wait(t.Context()); !errors.Is(err, ErrDisplaced) {
		t.Errorf("displaced: %v", err)
	}
}

// TestAgain (I2, I3): what is not executed in time is sent again with the same nonce and a fee that the pool takes and
// that pays the base fee of the day.
func TestAgain(t *testing.T) {
	l := newLedger(t)
	a := testAccount(t, l)
	s, err := a.Send(t.Context(), [20]byte{5}, big.NewInt(3), []byte("call"), 50_000)
	if err != nil {
		t.Fatal(err)
	}
	first := l.waiting[0]
	a.look(t.Context(), time.Now())
	if l.waiting[0] != first {
		t.Fatal("sent again at once")
	}
	l.baseFee = 10 * first.GasFeeCap().Uint64()
	a.look(t.Context(), time.Now().Add(retryAfter))
	second := l.waiting[0]
	if second == first || second.GasFeeCap().Uint64() < l.baseFee || second.Nonce() != first.Nonce() || second.Value().Cmp(first.Value()) != 0 || string(second.Data()) != "call" {
		t.Fatalf("sent again: %+v", second)
	}
	a.look(t.Context(), time.Now().Add(retryAfter))
	if l.waiting[0] != second {
		t.Fatal("sent again before its time")
	}
	l.execute(second, true)
	a.Executed()
	if got, err := s.Wait(t.Context()); err != nil || got.Hash != types.Hash(second.Hash()) || !got.Succeeded {
		t.Fatalf("%+v, %v", got, err)
	}
	if s.Hash() != types.Hash(first.Hash()) {
		t.Error("the first attempt names the call")
	}
}

// TestKeyFile (I1): a key file is private, comes back as it was, and is never overwritten.
func TestKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "account.json")
	if _, err := LoadKey(path, ""); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("no file: %v", err)
	}
	made, err := LoadOrMakeKey(path, "")
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	if back, err := LoadOrMakeKey(path, ""); err != nil || !back.Equal(made) {
		t.Fatalf("read back: %v", err)
	}
	if err := SaveKey(path, made); err == nil {
		t.Error("overwritten")
	}
	if err := os.WriteFile(path, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadOrMakeKey(path, ""); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a broken file: %v", err)
	}
}

// TestPassword: a key's file gets a password and loses it; only the right one opens it, and what was cut off does no harm.
func TestPassword(t *testing.T) {
	path := filepath.Join(t.TempDir(), "account.json")
	key, err := LoadOrMakeKey(path, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".new", []byte("cut off"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct{ next, wrong string }{{"correct horse", ""}, {"", "correct horse"}} {
		if err := ReplaceKey(path, key, step.next); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadKey(path, step.wrong); !errors.Is(err, ErrPassword) {
			t.Errorf("password %q: %v", step.wrong, err)
		}
		if again, err := LoadKey(path, step.next); err != nil || !again.Equal(key) {
			t.Errorf("password %q: another key, %v", step.next, err)
		}
		if Costly(path) != (step.next != "" && memory.TotalMemory() >= smallMemory) {
			t.Errorf("password %q: costly %v", step.next, Costly(path))
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
	}
	if err := os.WriteFile(path, make([]byte, maxFileBytes+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadKey(path, ""); err == nil || errors.Is(err, ErrPassword) {
		t.Errorf("a file of %d bytes: %v", maxFileBytes+1, err)
	}
}
