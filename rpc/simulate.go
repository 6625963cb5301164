package rpc

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/types"
	gethrpc "github.com/ethereum/go-ethereum/rpc"
)

// What one eth_simulateV1 may ask for, beside the gas and the time of a call.
const (
	maxSimulatedBlocks = 256 // from the base on, those that fill gaps included
	maxSimulatedCalls  = 10_000
	maxSimulatedBytes  = 16 << 20 // of return data and logs; hex doubles them
)

// SimulateArgs is the payload of eth_simulateV1.
type SimulateArgs struct {
	BlockStateCalls        simulatedBlocks `json:"blockStateCalls"`
	TraceTransfers         bool            `json:"traceTransfers"`
	Validation             bool            `json:"validation"`
	ReturnFullTransactions bool            `json:"returnFullTransactions"`
}

// simulatedBlocks is decoded no further than it takes to see that there are too many.
type simulatedBlocks []SimulatedBlock

// UnmarshalJSON implements json.Unmarshaler.
func (s *simulatedBlocks) UnmarshalJSON(input []byte) (err error) {
	*s, err = decodeList[SimulatedBlock](input, maxSimulatedBlocks)
	return err
}

// SimulatedBlock is a block to simulate: what differs from the block before, and its calls.
type SimulatedBlock struct {
	Block *BlockOverride
	State *StateOverride
	Calls []CallArgs
}

// UnmarshalJSON refuses overrides with unknown names: what is misspelt would be simulated as if it were not there.
func (b *SimulatedBlock) UnmarshalJSON(input []byte) error {
	var parts struct {
		Block json.RawMessage `json:"blockOverrides"`
		State json.RawMessage `json:"stateOverrides"`
		Calls json.RawMessage `json:"calls"`
	}
	if err := json.Unmarshal(input, &parts); err != nil {
		return err
	}
	for _, part := range []struct {
		raw json.RawMessage
		out any
	}{{parts.Block, &b.Block}, {parts.State, &b.State}} {
		if part.raw == nil {
			continue
		}
		decoder := json.NewDecoder(bytes.NewReader(part.raw))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(part.out); err != nil {
			return err
		}
	}
	if parts.Calls == nil {
		return nil
	}
	var err error
	b.Calls, err = decodeList[CallArgs](parts.Calls, maxSimulatedCalls)
	return err
}

// decodeList reads a JSON list, but at most one element more than the limit: whoever asks for more is refused, and the
// elements, which are larger decoded than written, are not made first.
func decodeList[T any](input []byte, limit int) ([]T, error) {
	decoder := json.NewDecoder(bytes.NewReader(input))
	open, err := decoder.Token()
	if err != nil || open == nil {
		return nil, err
	}
	if open != json.Delim('[') {
		return nil, fmt.Errorf("want a list, have %v", open)
	}
	var out []T
	for decoder.More() && len(out) <= limit {
		var element T
		if err := decoder.Decode(&element); err != nil {
			return nil, err
		}
		out = append(out, element)
	}
	return out, nil
}

// SimulatedCall is the outcome of one call.
type SimulatedCall struct {
	ReturnData hexutil.Bytes        `json:"returnData"`
	Logs       []*types.Log         `json:"logs"`
	GasUsed    hexutil.Uint64       `json:"gasUsed"`
	MaxUsedGas hexutil.Uint64       `json:"maxUsedGas"` // at the peak, before refunds
	Status     hexutil.Uint64       `json:"status"`
	Error      *SimulatedCallFailed `json:"error,omitempty"`
}

// SimulatedCallFailed says why a call failed; the block goes on after it.
type SimulatedCallFailed struct {
	Message string `json:"message"`
	Code    int    `json:"code"`
	Data    string `json:"data,omitempty"`
}

// simulation runs a series of blocks on a base, none of which becomes part of the chain.
type simulation struct {
	calls *Calls
	args  *SimulateArgs
	base  *types.Header
	state *state.StateDB // grows from call to call

	headers []*types.Header // of the blocks simulated so far
	gas     uint64          // left over all blocks
	bytes   int             // left of the answer
}

// SimulateV1 answers eth_simulateV1: blocks of calls that build on each other's state. A call that fails is part of the
// answer; one that no block could hold (nonce, funds, gas of the block) ends the whole with an error.
func (c *Calls) SimulateV1(ctx context.Context, args SimulateArgs, at *gethrpc.BlockNumberOrHash) ([]map[string]any, error) {
	calls := 0
	for _, block := range args.BlockStateCalls {
		calls += len(block.Calls)
	}
	switch {
	case len(args.BlockStateCalls) == 0:
		return nil, invalidParams("empty input")
	case len(args.BlockStateCalls) > maxSimulatedBlocks:
		return nil, limitExceeded("too many blocks")
	case calls > maxSimulatedCalls:
		return nil, limitExceeded("too many calls: %d > %d", calls, maxSimulatedCalls)
	}
	ctx, end, err := c.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	statedb, base, err := c.r.state(at)
	if err != nil {
		return nil, err
	}
	s := &simulation{calls: c, args: &args, base: base, state: statedb, gas: c.gasCap, bytes: maxSimulatedBytes}
	plan, err := s.plan()
	if err != nil {
		return nil, err
	}
	var out []map[string]any
	for _, block := range plan {
		answer, err := s.run(ctx, block)
		if err != nil {
			return nil, err
		}
		out = append(out, answer)
	}
	return out, nil
}
