package rpc

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"
)

// CallArgs is the transaction object that eth_call, eth_estimateGas and eth_createAccessList take.
type CallArgs struct {
	From                 *common.Address              `json:"from"`
	To                   *common.Address              `json:"to"`
	Gas                  *hexutil.Uint64              `json:"gas"`
	GasPrice             *hexutil.Big                 `json:"gasPrice"`
	MaxFeePerGas         *hexutil.Big                 `json:"maxFeePerGas"`
	MaxPriorityFeePerGas *hexutil.Big                 `json:"maxPriorityFeePerGas"`
	Value                *hexutil.Big                 `json:"value"`
	Nonce                *hexutil.Uint64              `json:"nonce"`
	Data                 *hexutil.Bytes               `json:"data"` // the older name of input
	Input                *hexutil.Bytes               `json:"input"`
	AccessList           *types.AccessList            `json:"accessList"`
	ChainID              *hexutil.Big                 `json:"chainId"`
	MaxFeePerBlobGas     *hexutil.Big                 `json:"maxFeePerBlobGas"`
	BlobVersionedHashes  []common.Hash                `json:"blobVersionedHashes"`
	AuthorizationList    []types.SetCodeAuthorization `json:"authorizationList"`
}

func (a *CallArgs) from() common.Address {
	if a.From == nil {
		return common.Address{}
	}
	return *a.From
}

// data is what the call is made with: of two that differ, the one under the newer name.
func (a *CallArgs) data() []byte {
	if a.Input != nil {
		return *a.Input
	}
	if a.Data != nil {
		return *a.Data
	}
	return nil
}

// check refuses what no transaction could say.
func (a *CallArgs) check(chainID *big.Int) error {
	if a.MaxFeePerBlobGas != nil && len(a.BlobVersionedHashes) == 0 {
		return errors.New("maxFeePerBlobGas specified without blobVersionedHashes")
	}
	return a.consistent(chainID)
}

// consistent is check for eth_simulateV1 and debug_traceCall, which let a blob fee without blobs pass.
func (a *CallArgs) consistent(chainID *big.Int) error {
	switch {
	case a.GasPrice != nil && (a.MaxFeePerGas != nil || a.MaxPriorityFeePerGas != nil):
		return errors.New("both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified")
	case a.ChainID != nil && a.ChainID.ToInt().Cmp(chainID) != 0:
		return fmt.Errorf("chainId does not match node's (have=%v, want=%v)", a.ChainID.ToInt(), chainID)
	case a.To == nil && a.BlobVersionedHashes != nil:
		return core.ErrBlobTxCreate
	case a.To == nil && a.AuthorizationList != nil:
		return core.ErrSetCodeTxCreate
	}
	return nil
}

// message builds the call for a block with the given base fee (nil before London). Without a gas limit, or with one
// above the cap, the cap is taken. Nonce, code of the sender and the gas cap of one transaction are not checked.
func (a *CallArgs) message(baseFee *big.Int, gasCap uint64) (*core.Message, error) {
	m, err := a.fields(baseFee)
	if err != nil {
		return nil, err
	}
	if a.Gas == nil || m.GasLimit > gasCap {
		m.GasLimit = gasCap
	}
	return m.SkipNonceCheck().SkipEOACheck().SkipGasLimitCapCheck(), nil
}

// fields is the message with what was said, zero where nothing was.
func (a *CallArgs) fields(baseFee *big.Int) (*core.Message, error) {
	m := &core.Message{
		From: a.from(), To: a.To, Data: a.data(),
		BlobHashes: a.BlobVersionedHashes, SetCodeAuthorizations: a.AuthorizationList,
	}
	if a.Gas != nil {
		m.GasLimit = uint64(*a.Gas)
	}
	if a.Nonce != nil {
		m.Nonce = uint64(*a.Nonce)
	}
	if a.AccessList != nil {
		m.AccessList = *a.AccessList
	}
	if baseFee == nil && (a.MaxFeePerGas != nil || a.MaxPriorityFeePerGas != nil) {
		return nil, errors.New("maxFeePerGas and maxPriorityFeePerGas are not valid before London is active")
	}
	var err error
	word := func(name string, v *hexutil.Big) *uint256.Int {
		if v == nil {
			return new(uint256.Int)
		}
		out, overflow := uint256.FromBig(v.ToInt())
		if overflow && err == nil {
			err = invalidParams("%s does not fit 256 bits", name)
		}
		return out
	}
	m.Value = word("value", a.Value)
	if a.BlobVersionedHashes != nil || a.MaxFeePerBlobGas != nil {
		m.BlobGasFeeCap = word("maxFeePerBlobGas", a.MaxFeePerBlobGas)
	}
	if a.GasPrice != nil || baseFee == nil {
		m.GasPrice = word("gasPrice", a.GasPrice)
		m.GasFeeCap, m.GasTipCap = m.GasPrice, m.GasPrice
	} else {
		m.GasFeeCap, m.GasTipCap = word("maxFeePerGas", a.MaxFeePerGas), word("maxPriorityFeePerGas", a.MaxPriorityFeePerGas)
		m.GasPrice = priceOf(m.GasFeeCap, m.GasTipCap, baseFee)
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

// transaction is the unsigned transaction that the message could have come from: of the oldest type that has all that
// was said, but none older than dynamic fees where there are any and no gas price was named.
func (a *CallArgs) transaction(m *core.Message, chainID *big.Int, beforeLondon bool) *types.Transaction {
	id, list := uint256.MustFromBig(chainID), m.AccessList
	if list == nil {
		list = types.AccessList{}
	}
	switch {
	case a.AuthorizationList != nil:
		return types.NewTx(&types.SetCodeTx{
			ChainID: id, Nonce: m.Nonce, GasTipCap: m.GasTipCap, GasFeeCap: m.GasFeeCap, Gas: m.GasLimit, To: *m.To,
			Value: m.Value, Data: m.Data, AccessList: list, AuthList: a.AuthorizationList,
		})
	case a.BlobVersionedHashes != nil:
		return types.NewTx(&types.BlobTx{
			ChainID: id, Nonce: m.Nonce, GasTipCap: m.GasTipCap, GasFeeCap: m.GasFeeCap, Gas: m.GasLimit, To: *m.To,
			Value: m.Value, Data: m.Data, AccessList: list, BlobFeeCap: m.BlobGasFeeCap, BlobHashes: m.BlobHashes,
		})
	case a.GasPrice == nil && !beforeLondon:
		return types.NewTx(&types.DynamicFeeTx{
			ChainID: chainID, Nonce: m.Nonce, GasTipCap: m.GasTipCap.ToBig(), GasFeeCap: m.GasFeeCap.ToBig(), Gas: m.GasLimit,
			To: m.To, Value: m.Value.ToBig(), Data: m.Data, AccessList: list,
		})
	case a.AccessList != nil:
		return types.NewTx(&types.AccessListTx{
			ChainID: chainID, Nonce: m.Nonce, GasPrice: m.GasPrice.ToBig(), Gas: m.GasLimit, To: m.To,
			Value: m.Value.ToBig(), Data: m.Data, AccessList: list,
		})
	default:
		return types.NewTx(&types.LegacyTx{
			Nonce: m.Nonce, GasPrice: m.GasPrice.ToBig(), Gas: m.GasLimit, To: m.To, Value: m.Value.ToBig(), Data: m.Data,
		})
	}
}

// priceOf is what a unit of gas costs under the caps; 0 if the caller named none, so a call without fees needs no
// balance.
func priceOf(feeCap, tipCap *uint256.Int, baseFee *big.Int) *uint256.Int {
	if feeCap.IsZero() && tipCap.IsZero() {
		return new(uint256.Int)
	}
	base, overflow := uint256.FromBig(baseFee)
	if overflow {
		return feeCap.Clone()
	}
	price, overflow := new(uint256.Int).AddOverflow(base, tipCap)
	if overflow || price.Gt(feeCap) {
		return feeCap.Clone()
	}
	return price
}
