package rpc

import (
	"context"
	"errors"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/filtermaps"
	"github.com/ethereum/go-ethereum/core/rawdb"
	"github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/eth/filters"
	"github.com/ethereum/go-ethereum/eth/gasprice"
	"github.com/ethereum/go-ethereum/ethdb"
	"github.com/ethereum/go-ethereum/event"
	gethrpc "github.com/ethereum/go-ethereum/rpc"
)

// feed gives go-ethereum's filters and fee oracle what they need: reads, and events made from the blocks on disk.
type feed struct {
	*reader
	pool Pool

	scope   event.SubscriptionScope
	blocks  event.FeedOf[core.ChainEvent]
	heads   event.FeedOf[core.ChainHeadEvent]
	logs    event.FeedOf[[]*types.Log]
	added   event.FeedOf[core.NewTxsEvent]
	removed event.FeedOf[core.RemovedLogsEvent] // stays silent: an ordered block is never taken back
}

var (
	_ filters.Backend        = (*feed)(nil)
	_ gasprice.OracleBackend = (*feed)(nil)
)

// run sends every block after the current head to the subscribers, in order, until ctx ends; not those that are not kept, over
// which a state that was fetched leads. A subscriber that does not read holds up this goroutine alone.
func (f *feed) run(ctx context.Context) error {
	signal, cancel := f.NewHeads()
	defer cancel()
	added, cancelAdded := f.pool.NewTransactions()
	defer cancelAdded()
	defer context.AfterFunc(ctx, f.scope.Close)() // frees a Send that a stuck subscriber blocks
	next := f.Head().Number.Uint64() + 1
	for {
		select {
		case <-ctx.Done():
			return nil
		case transactions, open := <-added:
			if !open {
				added = nil // the pool has ended
				continue
			}
			f.added.Send(core.NewTxsEvent{Txs: transactions})
		case <-signal:
			for ; next <= f.Head().Number.Uint64() && ctx.Err() == nil; next++ {
				if next = max(next, f.Pruned()+1); next > f.Head().Number.Uint64() {
					break
				}
				if err := f.send(next); err != nil && next > f.Pruned() {
					return err
				}
			}
		}
	}
}

func (f *feed) send(height uint64) error {
	header := f.headerAt(gethrpc.BlockNumber(height))
	block := f.block(header)
	if block == nil {
		return errors.New("an executed block is missing on disk: the data directory is damaged")
	}
	receipts, err := f.receiptsOf(block)
	if err != nil {
		return err
	}
	f.blocks.Send(core.ChainEvent{Header: header, Receipts: receipts, Transactions: block.Transactions()})
	var logs []*types.Log
	for _, receipt := range receipts {
		logs = append(logs, receipt.Logs...)
	}
	if len(logs) > 0 {
		f.logs.Send(logs)
	}
	f.heads.Send(core.ChainHeadEvent{Header: header})
	return nil
}

func (f *feed) ChainDb() ethdb.Database      { return f.Disk() }
func (f *feed) CurrentHeader() *types.Header { return f.Head() }

// HistoryPruningCutoff is the first block whose logs are kept: a search below it is an error, not an empty answer.
func (f *feed) HistoryPruningCutoff() uint64 {
	if pruned := f.Pruned(); pruned > 0 {
		return pruned + 1
	}
	return 0
}

// HeaderByNumber answers nil without an error where there is none, as the callers expect.
func (f *feed) HeaderByNumber(_ context.Context, number gethrpc.BlockNumber) (*types.Header, error) {
	return f.headerAt(number), nil
}

func (f *feed) HeaderByHash(_ context.Context, hash common.Hash) (*types.Header, error) {
	return f.headerOf(hash), nil
}

func (f *feed) BlockByNumber(_ context.Context, number gethrpc.BlockNumber) (*types.Block, error) {
	return f.block(f.headerAt(number)), nil
}

func (f *feed) GetBody(_ context.Context, hash common.Hash, _ gethrpc.BlockNumber) (*types.Body, error) {
	if block := f.block(f.headerOf(hash)); block != nil {
		return block.Body(), nil
	}
	return nil, ErrNoHeader
}

func (f *feed) GetReceipts(_ context.Context, hash common.Hash) (types.Receipts, error) {
	if block := f.block(f.headerOf(hash)); block != nil {
		return f.receiptsOf(block)
	}
	return nil, ErrNoHeader
}

// GetLogs reads logs without their place, which the filters add; that is cheaper than decoding the whole block.
func (f *feed) GetLogs(_ context.Context, hash common.Hash, height uint64) ([][]*types.Log, error) {
	return rawdb.ReadLogs(f.Disk(), hash, height), nil
}

// Pending answers that there is no pending block: the order makes blocks, not this node.
func (f *feed) Pending() (*types.Block, types.Receipts, *state.StateDB) { return nil, nil, nil }

func (f *feed) SubscribeNewTxsEvent(ch chan<- core.NewTxsEvent) event.Subscription {
	return f.scope.Track(f.added.Subscribe(ch))
}

func (f *feed) SubscribeChainEvent(ch chan<- core.ChainEvent) event.Subscription {
	return f.scope.Track(f.blocks.Subscribe(ch))
}

func (f *feed) SubscribeChainHeadEvent(ch chan<- core.ChainHeadEvent) event.Subscription {
	return f.scope.Track(f.heads.Subscribe(ch))
}

func (f *feed) SubscribeRemovedLogsEvent(ch chan<- core.RemovedLogsEvent) event.Subscription {
	return f.scope.Track(f.removed.Subscribe(ch))
}

func (f *feed) SubscribeLogsEvent(ch chan<- []*types.Log) event.Subscription {
	return f.scope.Track(f.logs.Subscribe(ch))
}

// CurrentView is the chain up to the head.
func (f *feed) CurrentView() *filtermaps.ChainView {
	head := f.Head()
	return filtermaps.NewChainView(f, head.Number.Uint64(), head.Hash())
}

func (f *feed) GetHeader(hash common.Hash, height uint64) *types.Header {
	return rawdb.ReadHeader(f.Disk(), hash, height)
}

func (f *feed) GetCanonicalHash(height uint64) common.Hash {
	return rawdb.ReadCanonicalHash(f.Disk(), height)
}

func (f *feed) GetReceiptsByHash(hash common.Hash) types.Receipts {
	receipts, _ := f.GetReceipts(context.Background(), hash)
	return receipts
}

func (f *feed) GetRawReceipts(hash common.Hash, height uint64) types.Receipts {
	return rawdb.ReadRawReceipts(f.Disk(), hash, height)
}

// NewMatcherBackend says that no block is indexed, so that a log search reads the bloom filters of the headers in its
// range, and the receipts where they match. The range is bounded (Config.LogRange); nothing has to be kept in step
// with the chain or rebuilt after a crash.
func (f *feed) NewMatcherBackend() filtermaps.MatcherBackend { return unindexed{} }

// unindexed is a log index without blocks.
type unindexed struct{}

var errUnindexed = errors.New("no block is indexed")

func (unindexed) GetParams() *filtermaps.Params { return &filtermaps.DefaultParams }

func (unindexed) GetBlockLvPointer(context.Context, uint64) (uint64, error) { return 0, errUnindexed }

func (unindexed) GetFilterMapRows(context.Context, []uint32, uint32, bool) ([]filtermaps.FilterRow, error) {
	return nil, errUnindexed
}

func (unindexed) GetLogByLvIndex(context.Context, uint64) (*types.Log, error) {
	return nil, errUnindexed
}

func (unindexed) SyncLogIndex(context.Context) (filtermaps.SyncRange, error) {
	return filtermaps.SyncRange{}, nil
}

func (unindexed) Close() {}
