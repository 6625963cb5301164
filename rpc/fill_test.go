package rpc_test

import (
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core"
	gethtypes "github.com/ethereum/go-ethereum/core/types"

	"github.com/etherscale/bedrock/rpc"
)

// What is filled in needs a signature and nothing else to be executed.
func TestFilledTransactionIsExecuted(t *testing.T) {
	f := serve(t, nil)
	f.sendAll(f.tx(alice, 0, &emitter, 0, nil)) // the next nonce counts the pool
	for i, c := range []struct {
		args object
		kind uint8
	}{
		{object{"from": aliceAt, "to": emitter, "value": "0x5"}, gethtypes.DynamicFeeTxType},
		{object{"from": aliceAt, "input": "0x60016000f3", "gas": "0x186a0"}, gethtypes.DynamicFeeTxType},
		{object{"from": aliceAt, "to": register, "input": "0x01", "gasPrice": "0x2540be400"}, gethtypes.LegacyTxType},
		{object{"from": aliceAt, "to": emitter, "gasPrice": "0x2540be400", "accessList": []any{}}, gethtypes.AccessListTxType},
	} {
		var filled rpc.FilledTransaction
		f.trace(&filled, "eth_fillTransaction", c.args)
		tx := new(gethtypes.Transaction)
		if err := tx.UnmarshalBinary(filled.Raw); err != nil || tx.Hash() != filled.Tx.Hash() {
			t.Fatalf("%v: %v", c.args, err)
		}
		if tx.Type() != c.kind || tx.Nonce() != uint64(i+1) {
			t.Errorf("%v: type %d nonce %d", c.args, tx.Type(), tx.Nonce())
		}
		signed, err := gethtypes.SignTx(tx, gethtypes.LatestSigner(f.chain.ChainConfig()), alice)
		if err != nil {
			t.Fatal(err)
		}
		f.sendAll(signed)
	}
	block := f.mine(func(b *core.BlockGen) {
		for _, tx := range f.pool.Take(aliceAt) {
			b.AddTx(tx)
		}
	})
	receipts := f.chain.GetReceiptsByHash(block.Hash())
	if len(receipts) != 5 {
		t.Fatalf("%d of 5 were executed", len(receipts))
	}
	for i, receipt := range receipts {
		if receipt.Status != 1 {
			t.Errorf("transaction %d failed", i)
		}
	}
	first := block.Transactions()[1]
	if room := new(big.Int).Lsh(block.BaseFee(), 1); first.GasFeeCap().Cmp(room) != 0 || first.Gas() > receipts[1].GasUsed*102/100 {
		t.Errorf("fee cap %v, base fee %v; gas %d, used %d", first.GasFeeCap(), block.BaseFee(), first.Gas(), receipts[1].GasUsed)
	}
}

func TestWhatIsNotFilledIn(t *testing.T) {
	f := serve(t, nil)
	for _, c := range []struct {
		args object
		code int
	}{
		{object{"from": aliceAt}, -32000},
		{object{"from": aliceAt, "to": echo}, 3},
		{object{"from": aliceAt, "to": emitter, "chainId": "0x7"}, -32000},
		{object{"from": aliceAt, "to": emitter, "maxFeePerGas": "0x1", "maxPriorityFeePerGas": "0x2"}, -32000},
		{object{"from": aliceAt, "to": emitter, "maxFeePerGas": "0x0", "maxPriorityFeePerGas": "0x0"}, -32000},
		{object{"from": aliceAt, "to": emitter, "gasPrice": "0x0"}, -32000},
		{object{"from": aliceAt, "to": emitter, "data": "0x01", "input": "0x02"}, -32000},
		{object{"from": aliceAt, "to": emitter, "blobVersionedHashes": []string{hexutil.Encode(make([]byte, 32))}}, -32000},
	} {
		if have := f.call("eth_fillTransaction", c.args); have.code() != c.code {
			t.Errorf("%v: %+v %s, want %d", c.args, have.Error, have.Result, c.code)
		}
	}
}
