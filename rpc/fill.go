package rpc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	gethrpc "github.com/ethereum/go-ethereum/rpc"
)

// Filler serves eth_fillTransaction.
type Filler struct {
	calls *Calls
	fees  *Fees
	pool  Pool
}

// FilledTransaction is a transaction that only lacks a signature.
type FilledTransaction struct {
	Raw hexutil.Bytes      `json:"raw"`
	Tx  *types.Transaction `json:"tx"`
}

// FillTransaction answers eth_fillTransaction: nonce, fees and gas where the caller named none. The nonce counts the
// pool; the fee cap leaves room for the base fee to double; the gas is what eth_estimateGas says.
func (f *Filler) FillTransaction(ctx context.Context, args CallArgs) (*FilledTransaction, error) {
	chainID := f.calls.r.ChainConfig().ChainID
	if err := args.check(chainID); err != nil {
		return nil, err
	}
	switch {
	case args.Data != nil && args.Input != nil && !bytes.Equal(*args.Data, *args.Input):
		return nil, errors.New(`both "data" and "input" are set and not equal. Please use "input" to pass transaction call data`)
	case args.BlobVersionedHashes != nil:
		return nil, errors.New("blob transactions are not filled in here")
	case args.To == nil && len(args.data()) == 0:
		return nil, errors.New("contract creation without any data provided")
	}
	if err := f.price(&args); err != nil {
		return nil, err
	}
	if args.Nonce == nil {
		nonce := hexutil.Uint64(f.pool.PendingNonce(args.from()))
		args.Nonce = &nonce
	}
	if args.Gas == nil {
		latest := gethrpc.BlockNumberOrHashWithNumber(gethrpc.LatestBlockNumber)
		gas, err := f.calls.EstimateGas(ctx, args, &latest, nil, nil)
		if err != nil {
			return nil, err
		}
		args.Gas = &gas
	}
	base := f.calls.r.Head().BaseFee
	message, err := args.fields(base)
	if err != nil {
		return nil, err
	}
	tx := args.transaction(message, chainID, base == nil)
	raw, err := tx.MarshalBinary()
	return &FilledTransaction{raw, tx}, err
}

// price sets the fees that were not named.
func (f *Filler) price(args *CallArgs) error {
	base := f.fees.nextBaseFee(f.calls.r.Head().Number.Uint64())
	if f.calls.r.Head().BaseFee == nil && args.GasPrice == nil {
		args.GasPrice = f.fees.GasPrice()
	}
	if args.GasPrice != nil {
		if args.GasPrice.ToInt().Sign() == 0 {
			return errors.New("gasPrice must be non-zero after london fork")
		}
		return nil
	}
	if args.MaxFeePerGas != nil && args.MaxFeePerGas.ToInt().Sign() == 0 {
		return errors.New("maxFeePerGas must be non-zero")
	}
	if args.MaxPriorityFeePerGas == nil {
		args.MaxPriorityFeePerGas = suggestedTip()
	}
	if args.MaxFeePerGas == nil {
		room := new(big.Int).Lsh(base, 1)
		args.MaxFeePerGas = (*hexutil.Big)(room.Add(room, args.MaxPriorityFeePerGas.ToInt()))
	}
	if args.MaxFeePerGas.ToInt().Cmp(args.MaxPriorityFeePerGas.ToInt()) < 0 {
		return fmt.Errorf("maxFeePerGas (%v) < maxPriorityFeePerGas (%v)", args.MaxFeePerGas, args.MaxPriorityFeePerGas)
	}
	return nil
}
