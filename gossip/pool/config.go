package pool

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"github.com/etherscale/bedrock/types"
)

// State is the pool's view of the chain: the newest executed state. Methods are called concurrently, often, and with the
// pool's lock held: they have to be fast and must not call back into the pool.
type State interface {
	// Nonce is the account's next nonce.
	Nonce(account common.Address) uint64
	// Balance is what the account owns, in wei.
	Balance(account common.Address) *uint256.Int
	// HasCode reports whether the account has code, a delegation (EIP-7702) included.
	HasCode(account common.Address) bool
	// BaseFee is the base fee of the next block, in wei per gas.
	BaseFee() *uint256.Int
}

// Config is what New needs. Zero values of the optional fields stand for the defaults named with them.
type Config struct {
	ChainID      uint64
	BaseFeeFloor uint64 // wei per gas, from genesis: no fee cap below it can ever be executed
	// State is the executed state; nil at a peer that executes nothing (a light client): then only what needs no state is
	// checked and the other peers judge the rest.
	State State
	// Publish sends a batch out. It is called from Run's goroutine alone, in the order that accounts need.
	Publish func(ctx context.Context, out Outgoing)

	// Journal, if set, keeps what entered here over a crash.
	Journal Journal

	// Ready reports whether what is published now reaches anybody (optional). While it does not, nothing leaves the pool, so
	// that a transaction is not overtaken by the next one of its account because its batch was lost.
	Ready func() bool

	// NextBurst, if set, is when this sequencer begins to make vertices again; zero: unknown. A busy one holds batches back
	// for it, at most 20 ms. It is called with the pool's lock held.
	NextBurst func() time.Time

	AccountTransactions int           // released and not executed of one account; default 16
	AccountBytes        int           // likewise in bytes of envelopes; default 128 KiB
	AccountQueue        int           // transactions of one account that may enter here; default 64
	MaxTransactions     int           // in the whole pool; default 16384
	MaxBytes            int           // likewise in bytes; default 64 MiB
	FlushDelay          time.Duration // how long a transaction waits for company; default 5 ms
	Spacing             time.Duration // between batches with the same account; default 50 ms
	Rebroadcast         time.Duration // first pause before publishing again, doubling; default 4 s
	Expiry              time.Duration // after which an own transaction is given up; default 10 min
	ForeignExpiry       time.Duration // likewise for transactions of others; default 1 min
	PeerBytes           float64       // bytes of batches a second from one peer; default 6 MiB, four times that at once
	PeerTransactions    float64       // likewise transactions; default 12000
	Workers             int           // goroutines that recover signatures at once; default GOMAXPROCS
	Logger              *slog.Logger  // default slog.Default
}

// Validate returns everything that is wrong with the configuration, each problem naming its key.
func (c *Config) Validate() error {
	var problems []error
	need := func(ok bool, problem string) {
		if !ok {
			problems = append(problems, errors.New("pool config: "+problem))
		}
	}
	need(c.ChainID > 0, "ChainID must be above 0")
	need(c.Publish != nil, "Publish is missing")
	need(c.AccountTransactions >= 0 && c.AccountBytes >= 0 && c.AccountQueue >= 0 && c.MaxTransactions >= 0 && c.MaxBytes >= 0,
		"limits must not be negative")
	need(c.AccountBytes == 0 || c.AccountBytes >= types.MaxLoneTransactionBytes, "AccountBytes must admit one transaction of 128 KiB")
	need(c.FlushDelay >= 0 && c.Spacing >= 0 && c.Rebroadcast >= 0 && c.Expiry >= 0 && c.ForeignExpiry >= 0, "durations must not be negative")
	return errors.Join(problems...)
}

// Defaults of the bounds in Config and OpaqueConfig.
const (
	// defaultAccountTransactions is what one account has under way: geth's number of executable slots.
	defaultAccountTransactions = 16
	defaultAccountBytes        = types.MaxLoneTransactionBytes
	// defaultAccountQueue is geth's number of queued slots of an account.
	defaultAccountQueue = 64
	// defaultMaxTransactions and defaultMaxBytes bound the pool: some seconds of full blocks.
	defaultMaxTransactions = 16384
	defaultMaxBytes        = 64 << 20
	// defaultPeerBytes and defaultPeerTransactions are what one peer may send a second: all that blocks carry.
	defaultPeerBytes        = 6 << 20
	defaultPeerTransactions = 12000
	// orderedRemembered is how many ordered transactions are told from new ones: several times what the pool holds.
	orderedRemembered = 1 << 16
	// The opaque pool's: what waits is what the order takes in a second, so that clients hear "full" soon.
	opaqueMaxTransactions  = 1 << 13
	opaqueMaxBytes         = 4 << 20
	opaquePeerBytes        = 32 << 20
	opaquePeerTransactions = 1 << 17
	// opaqueSeen and opaqueCarried are how many transactions and batches it remembers: a minute's at its highest rate.
	opaqueSeen    = 1 << 18
	opaqueCarried = 1 << 14
)

func (c *Config) fill() {
	orDefault(&c.AccountTransactions, defaultAccountTransactions)
	orDefault(&c.AccountBytes, defaultAccountBytes)
	orDefault(&c.AccountQueue, defaultAccountQueue)
	orDefault(&c.MaxTransactions, defaultMaxTransactions)
	orDefault(&c.MaxBytes, defaultMaxBytes)
	orDefault(&c.FlushDelay, 5*time.Millisecond)
	orDefault(&c.Spacing, 50*time.Millisecond)
	orDefault(&c.Rebroadcast, 4*time.Second)
	orDefault(&c.Expiry, 10*time.Minute)
	orDefault(&c.ForeignExpiry, time.Minute)
	orDefault(&c.PeerBytes, defaultPeerBytes)
	orDefault(&c.PeerTransactions, defaultPeerTransactions)
	orDefault(&c.Workers, runtime.GOMAXPROCS(0))
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	c.AccountQueue = max(c.AccountQueue, c.AccountTransactions)
}

func orDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}
