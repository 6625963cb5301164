package rpc

import (
	"context"
	"errors"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	gethrpc "github.com/ethereum/go-ethereum/rpc"
)

// Transactions serves the eth_ methods about transactions and receipts.
type Transactions struct {
	r    *reader
	pool Pool
}

// Transaction is the transaction object of the execution API. The place is null while the transaction is pending.
type Transaction struct {
	BlockHash            *common.Hash                 `json:"blockHash"`
	BlockNumber          *hexutil.Big                 `json:"blockNumber"`
	BlockTimestamp       *hexutil.Uint64              `json:"blockTimestamp"`
	From                 common.Address               `json:"from"`
	Gas                  hexutil.Uint64               `json:"gas"`
	GasPrice             *hexutil.Big                 `json:"gasPrice"` // what was paid; while pending, the most that may be
	MaxFeePerGas         *hexutil.Big                 `json:"maxFeePerGas,omitempty"`
	MaxPriorityFeePerGas *hexutil.Big                 `json:"maxPriorityFeePerGas,omitempty"`
	MaxFeePerBlobGas     *hexutil.Big                 `json:"maxFeePerBlobGas,omitempty"`
	Hash                 common.Hash                  `json:"hash"`
	Input                hexutil.Bytes                `json:"input"`
	Nonce                hexutil.Uint64               `json:"nonce"`
	To                   *common.Address              `json:"to"`
	TransactionIndex     *hexutil.Uint64              `json:"transactionIndex"`
	Value                *hexutil.Big                 `json:"value"`
	Type                 hexutil.Uint64               `json:"type"`
	AccessList           *types.AccessList            `json:"accessList,omitempty"`
	ChainID              *hexutil.Big                 `json:"chainId,omitempty"`
	BlobVersionedHashes  []common.Hash                `json:"blobVersionedHashes,omitempty"`
	AuthorizationList    []types.SetCodeAuthorization `json:"authorizationList,omitempty"`
	V                    *hexutil.Big                 `json:"v"`
	R                    *hexutil.Big                 `json:"r"`
	S                    *hexutil.Big                 `json:"s"`
	YParity              *hexutil.Uint64              `json:"yParity,omitempty"`
}

// newTransaction describes a transaction at its place; header nil: pending. A sender that cannot be recovered is zero.
func newTransaction(tx *types.Transaction, signer types.Signer, header *types.Header, index uint64) *Transaction {
	from, _ := types.Sender(signer, tx)
	v, r, s := tx.RawSignatureValues()
	t := &Transaction{
		From: from, To: tx.To(), Hash: tx.Hash(), Nonce: hexutil.Uint64(tx.Nonce()), Type: hexutil.Uint64(tx.Type()),
		Gas: hexutil.Uint64(tx.Gas()), GasPrice: (*hexutil.Big)(tx.GasPrice()), Value: (*hexutil.Big)(tx.Value()),
		Input: tx.Data(), V: (*hexutil.Big)(v), R: (*hexutil.Big)(r), S: (*hexutil.Big)(s),
	}
	if header != nil {
		hash, time := header.Hash(), hexutil.Uint64(header.Time)
		t.BlockHash, t.BlockNumber, t.BlockTimestamp = &hash, (*hexutil.Big)(header.Number), &time
		t.TransactionIndex = (*hexutil.Uint64)(&index)
	}
	t.addTyped(tx, v)
	if header != nil && header.BaseFee != nil {
		t.GasPrice = (*hexutil.Big)(effectivePrice(tx, header.BaseFee))
	}
	return t
}

// addTyped sets the fields that not every type has.
func (t *Transaction) addTyped(tx *types.Transaction, v *big.Int) {
	if tx.Type() == types.LegacyTxType {
		if id := tx.ChainId(); id.Sign() != 0 {
			t.ChainID = (*hexutil.Big)(id)
		}
		return
	}
	list, parity := tx.AccessList(), hexutil.Uint64(v.Sign())
	t.AccessList, t.YParity, t.ChainID = &list, &parity, (*hexutil.Big)(tx.ChainId())
	if tx.Type() == types.AccessListTxType {
		return
	}
	t.MaxFeePerGas, t.MaxPriorityFeePerGas = (*hexutil.Big)(tx.GasFeeCap()), (*hexutil.Big)(tx.GasTipCap())
	switch tx.Type() {
	case types.BlobTxType:
		t.MaxFeePerBlobGas, t.BlobVersionedHashes = (*hexutil.Big)(tx.BlobGasFeeCap()), tx.BlobHashes()
	case types.SetCodeTxType:
		t.AuthorizationList = tx.SetCodeAuthorizations()
	}
}

// effectivePrice is min(fee cap, base fee + tip cap); for old types both caps are the gas price.
func effectivePrice(tx *types.Transaction, baseFee *big.Int) *big.Int {
	price := new(big.Int).Add(tx.GasTipCap(), baseFee)
	if limit := tx.GasFeeCap(); price.Cmp(limit) > 0 {
		return limit
	}
	return price
}

// GetTransactionByHash looks among the executed transactions, then in the pool.
func (t *Transactions) GetTransactionByHash(hash common.Hash) *Transaction {
	if block, index := t.r.place(hash); block != nil {
		return t.at(block, hexutil.Uint(index))
	}
	if tx := t.pool.Get(hash); tx != nil {
		return newTransaction(tx, types.LatestSigner(t.r.ChainConfig()), nil, 0)
	}
	return nil
}

// GetTransactionByBlockHashAndIndex answers null where there is none.
func (t *Transactions) GetTransactionByBlockHashAndIndex(hash common.Hash, index hexutil.Uint) *Transaction {
	return t.at(t.r.block(t.r.headerOf(hash)), index)
}

// GetTransactionByBlockNumberAndIndex answers null where there is none.
func (t *Transactions) GetTransactionByBlockNumberAndIndex(ctx context.Context, number gethrpc.BlockNumber, index hexutil.Uint) *Transaction {
	return t.at(t.r.byNumber(ctx, number), index)
}

func (t *Transactions) at(block *types.Block, index hexutil.Uint) *Transaction {
	if block == nil || int(index) >= len(block.Transactions()) {
		return nil
	}
	header := block.Header()
	return newTransaction(block.Transactions()[index], t.r.signer(header), header, uint64(index))
}

// GetRawTransactionByHash is the envelope as it was signed.
func (t *Transactions) GetRawTransactionByHash(hash common.Hash) (hexutil.Bytes, error) {
	return rawTransaction(t.r, t.pool, hash)
}

func rawTransaction(r *reader, pool Pool, hash common.Hash) (hexutil.Bytes, error) {
	if block, index := r.place(hash); block != nil {
		return block.Transactions()[index].MarshalBinary()
	}
	if tx := pool.Get(hash); tx != nil {
		return tx.MarshalBinary()
	}
	return nil, nil
}

// GetTransactionReceipt answers null until the transaction is executed, and for one that was skipped.
func (t *Transactions) GetTransactionReceipt(hash common.Hash) (map[string]any, error) {
	block, index := t.r.place(hash)
	if block == nil {
		return nil, nil
	}
	receipts, err := t.r.receiptsOf(block)
	if err != nil {
		return nil, err
	}
	return marshalReceipt(block, receipts, int(index), t.r.signer(block.Header())), nil
}

// GetBlockReceipts answers null for an unknown block.
func (t *Transactions) GetBlockReceipts(at gethrpc.BlockNumberOrHash) ([]map[string]any, error) {
	header, err := t.r.header(&at)
	if err != nil {
		return nil, err
	}
	block, err := t.r.whole(header)
	if block == nil || err != nil {
		return nil, err
	}
	receipts, err := t.r.receiptsOf(block)
	if err != nil {
		return nil, err
	}
	out := make([]map[string]any, len(receipts))
	for i := range receipts {
		out[i] = marshalReceipt(block, receipts, i, t.r.signer(block.Header()))
	}
	return out, nil
}

func marshalReceipt(block *types.Block, receipts types.Receipts, i int, signer types.Signer) map[string]any {
	tx, receipt := block.Transactions()[i], receipts[i]
	from, _ := types.Sender(signer, tx)
	fields := map[string]any{
		"blockHash": block.Hash(), "blockNumber": hexutil.Uint64(block.NumberU64()),
		"transactionHash": tx.Hash(), "transactionIndex": hexutil.Uint64(i), "type": hexutil.Uint(tx.Type()),
		"from": from, "to": tx.To(), "contractAddress": nil,
		"gasUsed": hexutil.Uint64(receipt.GasUsed), "cumulativeGasUsed": hexutil.Uint64(receipt.CumulativeGasUsed),
		"effectiveGasPrice": (*hexutil.Big)(receipt.EffectiveGasPrice),
		"logs":              append([]*types.Log{}, receipt.Logs...), "logsBloom": receipt.Bloom,
	}
	if len(receipt.PostState) > 0 {
		fields["root"] = hexutil.Bytes(receipt.PostState)
	} else {
		fields["status"] = hexutil.Uint(receipt.Status)
	}
	if receipt.ContractAddress != (common.Address{}) {
		fields["contractAddress"] = receipt.ContractAddress
	}
	if tx.Type() == types.BlobTxType {
		fields["blobGasUsed"], fields["blobGasPrice"] = hexutil.Uint64(receipt.BlobGasUsed), (*hexutil.Big)(receipt.BlobGasPrice)
	}
	return fields
}

// GetTransactionCount is the account's nonce; at pending it counts the pool, so a wallet may send several at once.
func (t *Transactions) GetTransactionCount(account common.Address, at *gethrpc.BlockNumberOrHash) (hexutil.Uint64, error) {
	if at != nil {
		if number, ok := at.Number(); ok && number == gethrpc.PendingBlockNumber {
			if err := stillJoining(t.r.joining); err != nil {
				return 0, err
			}
			return hexutil.Uint64(t.pool.PendingNonce(account)), nil
		}
	}
	statedb, _, err := t.r.state(at)
	if err != nil {
		return 0, err
	}
	return hexutil.Uint64(statedb.GetNonce(account)), statedb.Error()
}

// SendRawTransaction admits a signed transaction and returns its hash; it does not wait for the order.
func (s *Sender) SendRawTransaction(ctx context.Context, envelope hexutil.Bytes) (common.Hash, error) {
	tx := new(types.Transaction)
	if err := tx.UnmarshalBinary(envelope); err != nil {
		return common.Hash{}, err
	}
	if !tx.Protected() {
		return common.Hash{}, errors.New("only replay-protected (EIP-155) transactions allowed over RPC")
	}
	if err := stillJoining(s.joining); err != nil {
		return common.Hash{}, err
	}
	if err := s.pool.Add(ctx, tx); err != nil {
		return common.Hash{}, err
	}
	return tx.Hash(), nil
}

// Sender serves eth_sendRawTransaction, also where nothing is executed.
type Sender struct {
	pool    Pool
	joining func() string
}
