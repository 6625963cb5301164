package rpc

import (
	"context"
	"math/big"
	"time"

	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/eth/filters"
	gethrpc "github.com/ethereum/go-ethereum/rpc"
)

// Logs serves eth_getLogs, the filter methods and eth_subscribe: go-ethereum's, within limits.
type Logs struct {
	*filters.FilterAPI
	r        *reader
	maxRange uint64 // blocks
	maxLogs  int
	timeout  time.Duration
	quota    *quota
}

// GetLogs searches at most maxRange blocks and returns at most maxLogs logs; a client asks for more in pieces.
func (l *Logs) GetLogs(ctx context.Context, query filters.FilterCriteria) ([]*types.Log, error) {
	if query.BlockHash == nil {
		from, to := l.height(query.FromBlock), l.height(query.ToBlock)
		if to >= from && to-from >= l.maxRange {
			return nil, limitExceeded("query spans %d blocks, at most %d: ask for a smaller range", to-from+1, l.maxRange)
		}
	}
	return l.bounded(ctx, func(ctx context.Context) ([]*types.Log, error) { return l.FilterAPI.GetLogs(ctx, query) })
}

// GetFilterLogs searches with the criteria of an installed filter.
func (l *Logs) GetFilterLogs(ctx context.Context, id gethrpc.ID) ([]*types.Log, error) {
	l.quota.touch(id)
	return l.bounded(ctx, func(ctx context.Context) ([]*types.Log, error) { return l.FilterAPI.GetFilterLogs(ctx, id) })
}

func (l *Logs) bounded(ctx context.Context, search func(context.Context) ([]*types.Log, error)) ([]*types.Log, error) {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	logs, err := search(ctx)
	if err != nil {
		return nil, err
	}
	if len(logs) > l.maxLogs {
		return nil, limitExceeded("query matches %d logs, at most %d: ask for a smaller range", len(logs), l.maxLogs)
	}
	return logs, nil
}

// height resolves an end of the range as far as the limit needs it; the search itself judges whether it exists.
func (l *Logs) height(number *big.Int) uint64 {
	if number != nil && number.IsUint64() {
		return number.Uint64()
	}
	tag := gethrpc.LatestBlockNumber
	if number != nil && number.IsInt64() {
		tag = gethrpc.BlockNumber(number.Int64())
	}
	if header := l.r.headerAt(tag); header != nil {
		return header.Number.Uint64()
	}
	return l.r.Head().Number.Uint64()
}
