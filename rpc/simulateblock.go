package rpc

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/params"
	"github.com/ethereum/go-ethereum/trie"
)

// simulatedBlock is a block while its calls run.
type simulatedBlock struct {
	header *types.Header
	scene  *scene
	rules  params.Rules

	transactions types.Transactions
	senders      []common.Address
	receipts     types.Receipts
	results      []*SimulatedCall
	logs         uint // of the calls so far
	blobGas      uint64
}

// run simulates one block and returns its object.
func (s *simulation) run(ctx context.Context, plan plannedBlock) (map[string]any, error) {
	parent := s.base
	if n := len(s.headers); n > 0 {
		parent = s.headers[n-1]
	}
	s.complete(plan.header, parent, plan.Block)
	b, err := s.open(plan)
	if err != nil {
		return nil, err
	}
	for i := range plan.Calls {
		if err := s.call(ctx, b, &plan.Calls[i]); err != nil {
			return nil, err
		}
	}
	block, err := s.close(b, plan.Block.Withdrawals)
	if err != nil {
		return nil, err
	}
	s.headers = append(s.headers, block.Header())
	if ctx.Err() != nil {
		return nil, s.tooLong()
	}
	return s.marshal(b, block), nil
}

// open applies what comes before the first call: overrides of the state, then the block's system calls.
func (s *simulation) open(plan plannedBlock) (*simulatedBlock, error) {
	backend, header := s.calls.r, plan.header
	context := backend.BlockContext(header)
	context.GetHash = s.blockHash(s.hashes())
	switch {
	case plan.Block.BlobBaseFee != nil:
		context.BlobBaseFee = plan.Block.BlobBaseFee.ToInt()
	case !s.args.Validation:
		context.BlobBaseFee = new(big.Int)
	}
	rules := backend.ChainConfig().Rules(header.Number, context.Random != nil, header.Time)
	b := &simulatedBlock{header: header, rules: rules, results: []*SimulatedCall{}}
	b.scene = &scene{header: header, state: s.state, block: context, precompiles: maps.Clone(vm.ActivePrecompiledContracts(rules))}
	if err := plan.State.apply(s.state, b.scene.precompiles); err != nil {
		return nil, err
	}
	return b, backend.BeginSimulated(header, s.state)
}

// hashes is BLOCKHASH of the chain's own blocks up to the base.
func (s *simulation) hashes() func(uint64) common.Hash {
	after := types.CopyHeader(s.base)
	after.Number.Add(after.Number, common.Big1)
	after.ParentHash = s.base.Hash()
	return s.calls.r.BlockContext(after).GetHash
}

// call runs one call and books its outcome.
func (s *simulation) call(ctx context.Context, b *simulatedBlock, args *CallArgs) error {
	capped, err := s.defaults(b, args)
	if err != nil {
		return err
	}
	message, err := args.fields(b.header.BaseFee)
	if err != nil {
		return err
	}
	message.SkipEOACheck().SkipGasLimitCapCheck()
	if !s.args.Validation {
		message.SkipNonceCheck().SkipExecutionGasCapCheck()
	}
	tx := args.transaction(message, s.calls.r.ChainConfig().ChainID, b.header.BaseFee == nil)
	s.state.SetTxContext(tx.Hash(), len(b.results), uint32(len(b.results)+1))
	recorder := &logRecorder{transfers: s.args.TraceTransfers && !b.rules.IsAmsterdam} // EIP-7708 logs transfers itself
	config := vm.Config{NoBaseFee: !s.args.Validation, Tracer: recorder.hooks()}
	result, err := s.calls.r.Apply(ctx, Call{
		Message: message, State: s.state, Block: b.scene.block, Config: config, Precompiles: b.scene.precompiles,
	})
	switch {
	case s.state.Error() != nil:
		return s.state.Error()
	case ctx.Err() != nil:
		return s.tooLong()
	case err != nil:
		return refusal(fmt.Errorf("err: %w (supplied gas %d)", err, message.GasLimit))
	}
	s.gas -= min(s.gas, result.UsedGas)
	b.header.GasUsed += result.UsedGas
	b.receipt(s, tx, result)
	b.transactions, b.senders = append(b.transactions, tx), append(b.senders, message.From)
	return s.book(b, tx, result, recorder.logs(), capped)
}

// defaults fills in what a call does not say and refuses what does not fit the block. It reports whether the gas was
// cut to what is left over all blocks.
func (s *simulation) defaults(b *simulatedBlock, args *CallArgs) (capped bool, err error) {
	if err := args.consistent(s.calls.r.ChainConfig().ChainID); err != nil {
		return false, err
	}
	if args.Nonce == nil {
		nonce := hexutil.Uint64(s.state.GetNonce(args.from()))
		args.Nonce = &nonce
	}
	left := b.header.GasLimit - min(b.header.GasLimit, b.header.GasUsed)
	gas := left
	if args.Gas != nil {
		gas = uint64(*args.Gas)
	}
	if gas > left {
		return false, codedError(codeBlockGas, "block gas limit reached: remaining: %d, required: %d", left, gas)
	}
	capped = gas > s.gas
	gas = min(gas, s.gas)
	args.Gas = (*hexutil.Uint64)(&gas)
	return capped, nil
}

// receipt adds what the header commits to.
func (b *simulatedBlock) receipt(s *simulation, tx *types.Transaction, result *core.ExecutionResult) {
	r := &types.Receipt{Type: tx.Type(), Status: types.ReceiptStatusSuccessful, CumulativeGasUsed: b.header.GasUsed, TxHash: tx.Hash()}
	if result.Failed() {
		r.Status = types.ReceiptStatusFailed
	}
	if b.rules.IsByzantium {
		s.state.Finalise(b.rules)
	} else {
		r.PostState = s.state.IntermediateRoot(b.rules).Bytes()
	}
	r.Logs = s.state.GetLogs(tx.Hash(), b.header.Number.Uint64(), common.Hash{}, b.header.Time)
	r.Bloom = types.CreateBloom(r)
	b.receipts = append(b.receipts, r)
	b.blobGas += uint64(len(tx.BlobHashes())) * params.BlobTxBlobGasPerBlob
}

// book adds the call to the answer, within the bytes that are left.
func (s *simulation) book(b *simulatedBlock, tx *types.Transaction, result *core.ExecutionResult, logs []*types.Log, capped bool) error {
	call := &SimulatedCall{
		ReturnData: result.Return(), Logs: []*types.Log{}, Status: hexutil.Uint64(types.ReceiptStatusSuccessful),
		GasUsed: hexutil.Uint64(result.UsedGas), MaxUsedGas: hexutil.Uint64(result.MaxUsedGas),
	}
	if result.Failed() {
		call.Status, call.Error = hexutil.Uint64(types.ReceiptStatusFailed), failure(result, capped)
	}
	s.bytes -= len(result.ReturnData)
	for _, log := range logs {
		log.BlockNumber, log.BlockTimestamp = b.header.Number.Uint64(), b.header.Time
		log.TxHash, log.TxIndex, log.Index = tx.Hash(), uint(len(b.results)), b.logs
		b.logs++
		call.Logs = append(call.Logs, log)
		s.bytes -= len(log.Data) + logBytes
	}
	if s.bytes < 0 {
		return limitExceeded("the answer is larger than %d bytes", maxSimulatedBytes)
	}
	b.results = append(b.results, call)
	return nil
}

// logBytes stands for what a log has beside its data.
const logBytes = 300

func failure(result *core.ExecutionResult, capped bool) *SimulatedCallFailed {
	if errors.Is(result.Err, vm.ErrExecutionReverted) {
		reverted := NewRevertError(result.Revert())
		return &SimulatedCallFailed{Message: reverted.Error(), Code: codeReverted, Data: hexutil.Encode(reverted.data)}
	}
	message := result.Err.Error()
	if capped {
		message += " (gas limit was capped by the RPC server's global gas cap)"
	}
	return &SimulatedCallFailed{Message: message, Code: codeVM}
}

// close applies what comes after the last call and builds the block.
func (s *simulation) close(b *simulatedBlock, withdrawals types.Withdrawals) (*types.Block, error) {
	config, header := s.calls.r.ChainConfig(), b.header
	body := &types.Body{Transactions: b.transactions}
	if config.IsShanghai(header.Number, header.Time) {
		body.Withdrawals = append(types.Withdrawals{}, withdrawals...)
	} else if len(withdrawals) > 0 {
		return nil, invalidParams("block %d is before withdrawals were possible", header.Number)
	}
	if config.IsCancun(header.Number, header.Time) {
		header.BlobGasUsed = &b.blobGas
	}
	var logs []*types.Log
	for _, receipt := range b.receipts {
		logs = append(logs, receipt.Logs...)
	}
	requests, err := s.calls.r.EndSimulated(header, s.state, logs, body.Withdrawals)
	if err != nil {
		return nil, err
	}
	if requests != nil {
		hash := types.CalcRequestsHash(requests)
		header.RequestsHash = &hash
	}
	header.Root = s.state.IntermediateRoot(b.rules)
	return types.NewBlock(header, body, b.receipts, trie.NewStackTrie(nil)), s.state.Error()
}

// marshal is the block object with the outcomes of its calls.
func (s *simulation) marshal(b *simulatedBlock, block *types.Block) map[string]any {
	for _, call := range b.results {
		for _, log := range call.Logs {
			log.BlockHash = block.Hash()
		}
	}
	fields := (&Blocks{s.calls.r}).marshal(block, s.args.ReturnFullTransactions)
	for i, tx := range fields["transactions"].([]any) {
		if full, ok := tx.(*Transaction); ok {
			full.From = b.senders[i] // there is no signature to recover it from
		}
	}
	fields["calls"] = b.results
	return fields
}

func (s *simulation) tooLong() error {
	return codedError(codeTimeout, "execution aborted (timeout = %v)", s.calls.timeout)
}
