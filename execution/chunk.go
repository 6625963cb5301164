package execution

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/state"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/params"
)

// Source gives the ordered transaction at a place of the block: nil if its envelope is malformed, false beyond the last
// place. An error means that the source cannot know.
type Source func(place uint64) (tx *ethtypes.Transaction, ok bool, err error)

// Skip is an ordered transaction that was not executed.
type Skip struct {
	Place  uint64 // in the block's data
	Reason Reason
}

// Chunk is an executed chunk.
type Chunk struct {
	Claim        Claim // after it
	Frontier     Frontier
	Transactions []*ethtypes.Transaction // executed
	Receipts     []*ethtypes.Receipt     // of these; without block hash
	Skipped      []Skip
	// SystemError says why a system call of the bonding contract failed. It never does; if it did, the block would be what it
	// is without that call.
	SystemError error
}

// runner executes one chunk.
type runner struct {
	env    *Env
	config *params.ChainConfig
	rules  params.Rules
	signer ethtypes.Signer
	state  *state.StateDB
	meter  *Meter
	evm    *vm.EVM
	claim  Claim // so far
	noHash common.Hash
}

// RunChunk executes the chunk that begins at before (Env.Start for a block's first chunk) and decides where it ends:
// after ChunkTransactions places, before the place whose declared gas or bytes (calldata, and what the meter counts) would
// take the chunk above ChunkGas or ChunkBytes, or with the block. Calldata counts because a challenge has to show it, too;
// a transaction alone in its chunk has all of ChunkBytes for its state. A chunk holds at least one place, unless the block
// is empty. The first chunk of a block also runs its system calls, which are not metered. The state must be the one before
// names; it is left at the chunk's end, uncommitted. Errors come from the source or the state, never from a transaction.
func (e *Env) RunChunk(s *state.StateDB, first bool, before Claim, frontier Frontier, source Source) (*Chunk, error) {
	config := e.Rules.ChainConfig()
	r := &runner{env: e, config: config, signer: ethtypes.LatestSigner(config), state: s, meter: NewMeter(s), claim: before}
	r.renew()
	defer func() { r.evm.Release() }()
	chunk := &Chunk{Frontier: frontier}
	if first {
		chunk.SystemError = e.preamble(r.evm, before.Root)
	}
	if err := r.run(chunk, source); err != nil {
		return nil, err
	}
	r.claim.Root = s.IntermediateRoot(r.rules)
	r.claim.Receipts = chunk.Frontier.Root()
	if err := s.Error(); err != nil { // a read that found no node returned zero: nothing above may be believed
		return nil, fmt.Errorf("state at block %d: %w", e.Header.Height, err)
	}
	chunk.Claim = r.claim
	return chunk, nil
}

func (r *runner) run(chunk *Chunk, source Source) error {
	limits := r.env.Rules
	var gas, bytes uint64
	for count := uint64(0); count < limits.ChunkTransactions; count++ {
		tx, ok, err := source(r.claim.Place)
		if err != nil || !ok {
			return err
		}
		var declared, data uint64
		if tx != nil {
			declared, data = min(tx.Gas(), limits.ChunkGas), uint64(len(tx.Data()))
		}
		left := limits.ChunkBytes - bytes
		if count > 0 {
			if declared > limits.ChunkGas-gas || data > left {
				return nil
			}
			left -= data
		}
		out, fits := r.apply(tx, left)
		if !fits && count > 0 {
			return nil
		}
		if !fits {
			out = r.exhaust(tx)
		}
		if err := r.record(chunk, tx, out); err != nil {
			return err
		}
		gas += declared
		bytes = min(bytes+data+out.bytes, limits.ChunkBytes)
	}
	return nil
}

// record books the outcome at the current place and moves on to the next.
func (r *runner) record(chunk *Chunk, tx *ethtypes.Transaction, out outcome) error {
	place := r.claim.Place
	r.claim.Place++
	if out.receipt == nil {
		chunk.Skipped = append(chunk.Skipped, Skip{Place: place, Reason: out.reason})
		return nil
	}
	leaf, err := ReceiptLeaf(place, out.receipt)
	if err != nil {
		return err
	}
	chunk.Frontier = chunk.Frontier.Append(leaf)
	chunk.Transactions = append(chunk.Transactions, tx)
	chunk.Receipts = append(chunk.Receipts, out.receipt)
	r.claim.Transactions++
	r.claim.Gas = out.receipt.CumulativeGasUsed
	r.claim.Logs += uint64(len(out.receipt.Logs))
	return nil
}

// renew puts a fresh EVM over the metered state.
func (r *runner) renew() {
	if r.evm != nil {
		r.evm.Release()
	}
	r.evm = vm.NewEVM(r.env.context(), r.meter, r.config, vm.Config{})
	r.rules = r.evm.GetRules()
}
