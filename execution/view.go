package execution

import (
	"fmt"
	"math/big"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/state"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/ethdb"
	"github.com/ethereum/go-ethereum/event"
	"github.com/ethereum/go-ethereum/params"
	"github.com/ethereum/go-ethereum/triedb"
	"github.com/holiman/uint256"

	"github.com/etherscale/bedrock/types"
)

// Disk is the database: blocks, receipts and the transaction index in go-ethereum's layout. Not to be written to.
func (c *Chain) Disk() ethdb.Database { return c.disk }

// TrieDB holds the states: of the head, and of up to 128 blocks below it.
func (c *Chain) TrieDB() *triedb.Database { return c.tdb }

// States is TrieDB as a state database.
func (c *Chain) States() state.Database { return c.states }

// ChainConfig is go-ethereum's configuration of the rules.
func (c *Chain) ChainConfig() *params.ChainConfig { return c.chainConfig }

// Head is the Ethereum-style header of the newest executed block.
func (c *Chain) Head() *ethtypes.Header { return ethtypes.CopyHeader(c.head.Load().block) }

// HeadHeader is the bedrock header of the newest executed block.
func (c *Chain) HeadHeader() types.Header { return c.head.Load().header }

// StateAt opens a state for one reader; only recent roots are there. What is written to it stays in it.
func (c *Chain) StateAt(root common.Hash) (*state.StateDB, error) { return state.New(root, c.states) }

// BlockContext is the EVM's view of an Ethereum-style block of this chain, as execution had it. The error is always nil.
func (c *Chain) BlockContext(h *ethtypes.Header) (vm.BlockContext, error) {
	random := h.MixDigest
	return vm.BlockContext{
		CanTransfer: core.CanTransfer, Transfer: core.Transfer,
		GetHash:  func(n uint64) common.Hash { return common.Hash(c.digest(n)) },
		Coinbase: h.Coinbase, GasLimit: h.GasLimit, BlockNumber: new(big.Int).Set(h.Number), Time: h.Time,
		Difficulty: new(big.Int), BaseFee: new(big.Int).Set(h.BaseFee), BlobBaseFee: big.NewInt(1), Random: &random,
		CostPerStateByte: params.CostPerStateByte,
	}, nil
}

// NewEVM makes an EVM for a call that is not part of a block (eth_call, estimates), under the meter that transactions
// run under. If the meter is exceeded afterwards, the call ended out of gas, whatever its result says.
func (c *Chain) NewEVM(context vm.BlockContext, s vm.StateDB, config vm.Config) (*vm.EVM, *Meter) {
	return c.rules.newEVM(c.chainConfig, context, s, config)
}

func (r *Rules) newEVM(chain *params.ChainConfig, context vm.BlockContext, s vm.StateDB, config vm.Config) (*vm.EVM, *Meter) {
	meter := NewMeter(s)
	evm := vm.NewEVM(context, meter, chain, config)
	meter.Begin(r.ChunkBytes, evm.Cancel)
	return evm, meter
}

// SubscribeHeads delivers the head after each executed block. Subscribers must keep up: execution waits for them.
func (c *Chain) SubscribeHeads(ch chan<- core.ChainHeadEvent) event.Subscription {
	return c.scope.Track(c.heads.Subscribe(ch))
}

// SubscribeLogs delivers the logs of each executed block that has any. Subscribers must keep up.
func (c *Chain) SubscribeLogs(ch chan<- []*ethtypes.Log) event.Subscription {
	return c.scope.Track(c.logs.Subscribe(ch))
}

// accountReader reads accounts of the head's state.
type accountReader struct {
	mu     sync.Mutex
	root   common.Hash
	reader state.Reader
}

func (c *Chain) setHead(h *head) { c.head.Store(h) }

// Account reads an account at the head; nil if it does not exist.
func (c *Chain) Account(a common.Address) (*ethtypes.StateAccount, error) {
	r := &c.accounts
	r.mu.Lock()
	defer r.mu.Unlock()
	if root := c.head.Load().claim.Root; r.reader == nil || r.root != root {
		reader, err := c.states.Reader(root)
		if err != nil {
			return nil, fmt.Errorf("state of the head: %w", err)
		}
		r.reader, r.root = reader, root
	}
	return r.reader.Account(a)
}

// Nonce is the next nonce of an account at the head; 0 if it cannot be read.
func (c *Chain) Nonce(a common.Address) uint64 {
	account, err := c.Account(a)
	if err != nil || account == nil {
		return 0
	}
	return account.Nonce
}

// Balance is the balance (wei) of an account at the head; 0 if it cannot be read.
func (c *Chain) Balance(a common.Address) *uint256.Int {
	account, err := c.Account(a)
	if err != nil || account == nil {
		return new(uint256.Int)
	}
	return account.Balance
}

// HasCode reports whether an account has code at the head, a delegation included.
func (c *Chain) HasCode(a common.Address) bool {
	account, err := c.Account(a)
	return err == nil && account != nil && common.BytesToHash(account.CodeHash) != ethtypes.EmptyCodeHash
}

// BaseFee is the base fee (wei) of the head.
func (c *Chain) BaseFee() uint64 { return c.head.Load().claim.BaseFee }
