package execution

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/rawdb"
	"github.com/ethereum/go-ethereum/core/state"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/ethdb"
	"github.com/ethereum/go-ethereum/ethdb/pebble"
	"github.com/ethereum/go-ethereum/event"
	"github.com/ethereum/go-ethereum/params"
	"github.com/ethereum/go-ethereum/triedb"
	"github.com/ethereum/go-ethereum/triedb/pathdb"

	"github.com/etherscale/bedrock/types"
)

// Errors that callers test with errors.Is.
var (
	// ErrExecuted: the block's height has been executed already.
	ErrExecuted = errors.New("block is already executed")
	// ErrGap: blocks between the head and this one are missing.
	ErrGap = errors.New("blocks before this one are not executed yet")
	// ErrParent: the block does not follow the head.
	ErrParent = errors.New("block does not follow the executed head")
	// ErrWrongNetwork: the directory belongs to another network.
	ErrWrongNetwork = errors.New("state directory belongs to another network")
	// ErrRecovery: state lost in a crash cannot be rebuilt.
	ErrRecovery = errors.New("state cannot be rebuilt after a crash")
)

// Blocks gives the ordered blocks that were stored before execution saw them. After a crash the heights above
// Chain.Durable are asked for.
type Blocks interface {
	Block(height types.Height) (header types.Header, data []byte, ok bool)
}

// Config opens a chain. Zero values of the optional fields mean defaults.
type Config struct {
	Genesis *types.Genesis
	Dir     string // owned by the chain; made if missing
	Blocks  Blocks // optional; without it a crash rewinds to the newest state on disk
	Cache   int    // MiB of memory for caches, default 192
	// DurableEvery bounds the blocks that are executed again after a crash, default 1024. Flushing more often costs
	// reads of recent states: just after a flush only the newest is there.
	DurableEvery uint64
	WitnessBytes int64 // of disk for the witnesses of executed blocks, default 16 GiB
	Logger       *slog.Logger
}

// Chain is the executed chain of one network on disk.
type Chain struct {
	config      Config
	rules       Rules
	chainConfig *params.ChainConfig
	disk        ethdb.Database
	tdb         *triedb.Database
	states      state.Database
	nodes       *nodeCache
	known       Known // may be nil
	head        atomic.Pointer[head]
	first       atomic.Uint64 // height whose state was restored last; 0: none was
	accounts    accountReader
	past        history

	witnesses *segments // written by Apply's goroutine

	heads event.FeedOf[core.ChainHeadEvent]
	logs  event.FeedOf[[]*ethtypes.Log]
	scope event.SubscriptionScope

	signalsMu sync.Mutex
	signals   map[chan struct{}]struct{}
}

// head is the newest executed block; immutable.
type head struct {
	header types.Header // bedrock
	claim  Claim
	block  *ethtypes.Header
}

// genesisStateID is the number that the state database gives the genesis state. Every block changes the state (EIP-2935),
// so that the state of height h has the number h+1.
const genesisStateID = 1

// Open opens or creates the chain and, after a crash, executes stored blocks again until its state is that of its head.
func Open(config Config) (*Chain, error) {
	rules, err := RulesOf(config.Genesis)
	if err != nil {
		return nil, err
	}
	if err := rules.Validate(); err != nil {
		return nil, err
	}
	if config.Cache == 0 {
		config.Cache = 192
	}
	if config.DurableEvery == 0 {
		config.DurableEvery = 1024
	}
	if config.WitnessBytes == 0 {
		config.WitnessBytes = 16 << 30
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	c := &Chain{config: config, rules: rules, chainConfig: rules.ChainConfig()}
	c.past.chain = c
	dir := filepath.Join(config.Dir, "ethereum-v1")
	if err := c.openDisk(dir); err != nil {
		return nil, err
	}
	if err := c.load(dir); err != nil {
		return nil, errors.Join(err, c.closeDisk())
	}
	return c, nil
}

func (c *Chain) openDisk(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("state directory: %w", err)
	}
	kv, err := pebble.New(dir, c.config.Cache/2, 64, "", false)
	if err != nil {
		return fmt.Errorf("state database %s: %w", dir, err)
	}
	c.disk = rawdb.NewDatabase(kv)
	cache := c.config.Cache << 20
	c.nodes = newNodeCache(cache/4, kv)
	paths := *pathdb.Defaults
	paths.TrieCleanSize = 0 // c.nodes does its work
	paths.StateCleanSize, paths.WriteBufferSize = cache/8, max(cache/8, 4<<20)
	paths.NoAsyncFlush = true // so that Commit returns when the state is written
	c.tdb = triedb.NewDatabase(c.disk, &triedb.Config{PathDB: &paths})
	c.states = state.NewMPTDatabase(c.tdb, nil)
	return nil
}

func (c *Chain) closeDisk() error { return errors.Join(c.tdb.Close(), c.disk.Close()) }

// load brings an opened database to the point where it can apply blocks.
func (c *Chain) load(dir string) error {
	witnesses := filepath.Join(c.config.Dir, "witnesses-v1")
	stored, err := c.disk.Get([]byte(keyNetwork))
	if err != nil || len(stored) == 0 {
		// Either new, or a crash hit before the genesis was complete; nothing in it was ever promised to anybody.
		if err := c.closeDisk(); err != nil {
			return err
		}
		if err := errors.Join(os.RemoveAll(dir), os.RemoveAll(witnesses)); err != nil {
			return fmt.Errorf("state directory: %w", err)
		}
		if err := c.openDisk(dir); err != nil {
			return err
		}
		if err := c.create(); err != nil {
			return err
		}
	} else if types.NetworkID(types.Hash(stored)) != c.rules.Network {
		return fmt.Errorf("%s holds network %x, genesis is of %s: %w: use another data directory", dir, stored,
			c.rules.Network, ErrWrongNetwork)
	}
	if first, err := c.disk.Get([]byte(keyFirst)); err == nil && len(first) == 8 {
		c.first.Store(binary.BigEndian.Uint64(first))
	}
	if c.witnesses, err = openSegments(witnesses, c.config.WitnessBytes); err != nil {
		return err
	}
	if err := c.resumeRestore(); err != nil {
		return err
	}
	return c.recover()
}

// create writes the genesis.
func (c *Chain) create() error {
	genesis, err := EthereumGenesis(c.config.Genesis)
	if err != nil {
		return err
	}
	header, err := c.config.Genesis.Header()
	if err != nil {
		return err
	}
	block, err := genesis.Commit(c.disk, c.tdb, nil)
	if err != nil {
		return fmt.Errorf("write genesis: %w", err)
	}
	if id := rawdb.ReadPersistentStateID(c.disk); id != genesisStateID {
		return fmt.Errorf("write genesis: state id %d, want %d", id, genesisStateID)
	}
	claim := c.rules.GenesisClaim(block.Root())
	batch := c.disk.NewBatch()
	for key, value := range map[string][]byte{
		keyNetwork:                      c.rules.Network[:],
		string(heightKey(keyHeader, 0)): header.Encode(),
		string(heightKey(keyClaims, 0)): claim.Encode(),
		string(heightKey(keySkips, 0)):  {0xc0},
	} {
		if err := batch.Put([]byte(key), value); err != nil {
			return err
		}
	}
	if err := batch.Write(); err != nil {
		return fmt.Errorf("write genesis: %w", err)
	}
	if err := c.disk.SyncKeyValue(); err != nil {
		return fmt.Errorf("write genesis: %w", err)
	}
	c.setHead(&head{header: header, claim: claim, block: block.Header()})
	return nil
}

// Close writes what is only in memory and closes the database. Apply and every reader must have returned.
func (c *Chain) Close() error {
	c.scope.Close()
	err := c.witnesses.Close() // before the state: what the state has, witnesses were durable for
	err = errors.Join(err, c.tdb.Journal(c.head.Load().claim.Root))
	return errors.Join(err, c.closeDisk())
}

// Durable is the height whose state is on disk once the last block was applied durably: blocks above it must stay available
// to Config.Blocks.
func (c *Chain) Durable() types.Height {
	id := rawdb.ReadPersistentStateID(c.disk)
	if first := c.First(); first > 0 { // the database counts anew from a restored state on
		return first + types.Height(id)
	}
	return types.Height(id - genesisStateID)
}

// Height is the newest executed height.
func (c *Chain) Height() types.Height { return c.head.Load().header.Height }

// Rules are the network's parameters of execution.
func (c *Chain) Rules() Rules { return c.rules }
