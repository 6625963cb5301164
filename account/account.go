package account

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"slices"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
	ethtypes "github.com/ethereum/go-ethereum/core/types"

	"github.com/etherscale/bedrock/types"
)

// Pool is where the account's transactions enter the network. *pool.Pool is one.
type Pool interface {
	// PendingNonce is the account's next nonce, counting what waits here.
	PendingNonce(common.Address) uint64
	// Add admits a transaction and publishes it until it is executed.
	Add(context.Context, *ethtypes.Transaction) error
}

// Chain is what the account reads of the executed state. *execution.Chain is one.
type Chain interface {
	// Nonce is an account's next nonce at the executed head, BaseFee (wei) that block's base fee.
	Nonce(common.Address) uint64
	BaseFee() uint64
	// Outcome says where an executed transaction stands and whether it succeeded.
	Outcome(types.Hash) (height types.Height, succeeded, known bool)
}

// Config makes an account. All fields but Logger are required.
type Config struct {
	Key     Key
	ChainID uint64
	Pool    Pool
	Chain   Chain
	Logger  *slog.Logger // default: slog.Default
}

// Account sends transactions of one key. Nobody else should send with it meanwhile; who does costs the calls under way at
// most a failure (ErrDisplaced).
type Account struct {
	config  Config
	signer  ethtypes.Signer
	address common.Address

	mu      sync.Mutex
	waiting []*Sent // ascending by nonce
}

// Fees: the fee cap is twice the base fee, so that it holds while full blocks double it; the order follows time, not fees, so
// the tip is small.
const (
	feeFactor = 2
	tip       = 1_000_000 // wei per gas
	// retryAfter is how long a call waits for execution before it is sent again with fees a quarter higher.
	retryAfter = 12 * time.Second
	lookEvery  = time.Second
)

// New makes an account.
func New(config Config) *Account {
	if config.Logger == nil {
		config.Logger = slog.Default()
	}
	return &Account{config: config, signer: ethtypes.LatestSignerForChainID(new(big.Int).SetUint64(config.ChainID)), address: AddressOf(config.Key)}
}

// Address is the account's address.
func (a *Account) Address() [20]byte { return a.address }

// Send signs a call and gives it to the pool: of the account at an address, with a value (wei, nil: none), data, and at most so
// much gas. It does not wait for execution; Sent.Wait does. Errors are the pool's: too little balance above all.
func (a *Account) Send(ctx context.Context, to [20]byte, value *big.Int, data []byte, gas uint64) (*Sent, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	address := common.Address(to)
	inner := &ethtypes.DynamicFeeTx{
		ChainID: new(big.Int).SetUint64(a.config.ChainID), Nonce: a.nextNonce(), To: &address, Value: value, Data: slices.Clone(data), Gas: gas,
		GasTipCap: big.NewInt(tip), GasFeeCap: a.feeCap(),
	}
	tx, err := ethtypes.SignNewTx(a.config.Key, a.signer, inner)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	if err := a.config.Pool.Add(ctx, tx); err != nil {
		return nil, fmt.Errorf("send from %s: %w", a.address, err)
	}
	s := &Sent{inner: inner, done: make(chan struct{}), since: time.Now()}
	s.note(tx)
	a.waiting = append(a.waiting, s)
	return s, nil
}

// nextNonce is above what waits in the pool and what was sent from here: the pool may have dropped that for a while.
func (a *Account) nextNonce() uint64 {
	next := a.config.Pool.PendingNonce(a.address)
	for _, s := range a.waiting {
		next = max(next, s.inner.Nonce+1)
	}
	return next
}

func (a *Account) feeCap() *big.Int {
	return new(big.Int).SetUint64(feeFactor*a.config.Chain.BaseFee() + tip)
}

// Run looks after what was sent until ctx ends.
func (a *Account) Run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			a.look(ctx, now)
		}
	}
}

// Executed says that execution moved: who waits for an outcome learns it now.
func (a *Account) Executed() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.finish()
}

// look finishes what was executed and sends again what takes too long.
func (a *Account) look(ctx context.Context, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.finish()
	for _, s := range a.waiting {
		if now.Sub(s.since) < retryAfter {
			continue
		}
		s.since = now
		if err := a.again(ctx, s); err != nil {
			a.config.Logger.Warn("a transaction of this node waits and cannot be sent again", "nonce", s.inner.Nonce, "error", err)
		}
	}
}

// finish settles the calls whose nonce is used up.
func (a *Account) finish() {
	if len(a.waiting) == 0 {
		return
	}
	next := a.config.Chain.Nonce(a.address)
	a.waiting = slices.DeleteFunc(a.waiting, func(s *Sent) bool {
		if s.inner.Nonce >= next {
			return false
		}
		s.finish(a.config.Chain)
		return true
	})
}

// again sends a call with fees a quarter higher, or as high as the base fee demands.
func (a *Account) again(ctx context.Context, s *Sent) error {
	raised := func(fee *big.Int) *big.Int {
		return new(big.Int).Div(new(big.Int).Mul(fee, big.NewInt(5)), big.NewInt(4))
	}
	next := *s.inner
	next.GasFeeCap, next.GasTipCap = raised(s.inner.GasFeeCap), raised(s.inner.GasTipCap)
	if now := a.feeCap(); now.Cmp(next.GasFeeCap) > 0 {
		next.GasFeeCap = now
	}
	tx, err := ethtypes.SignNewTx(a.config.Key, a.signer, &next)
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	if err := a.config.Pool.Add(ctx, tx); err != nil {
		return err
	}
	s.inner = &next
	s.note(tx)
	return nil
}

// ErrDisplaced says that another transaction of the account took a call's nonce.
var ErrDisplaced = errors.New("another transaction of the account took its nonce")
