package rpc_test

import (
	"context"
	"encoding/json"
	"math/big"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core"
	gethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient/gethclient"
	"github.com/ethereum/go-ethereum/rlp"
	gethrpc "github.com/ethereum/go-ethereum/rpc"
	"github.com/ethereum/go-ethereum/trie"

	"github.com/etherscale/bedrock/rpc"
)

// reason is abi.encodeWithSignature("Error(string)", "no").
var reason = common.FromHex("0x08c379a0" +
	"0000000000000000000000000000000000000000000000000000000000000020" +
	"0000000000000000000000000000000000000000000000000000000000000002" +
	"6e6f000000000000000000000000000000000000000000000000000000000000")

// I2.
func TestRevertsCarryCodeReasonAndData(t *testing.T) {
	f := serve(t, nil)
	for _, method := range []string{"eth_call", "eth_estimateGas"} {
		have := f.call(method, map[string]any{"to": echo, "input": hexutil.Bytes(reason)})
		if have.Error == nil || have.Error.Code != 3 || have.Error.Message != "execution reverted: no" || have.Error.Data != hexutil.Encode(reason) {
			t.Errorf("%s: %+v", method, have.Error)
		}
		plain := f.call(method, map[string]any{"to": echo})
		if plain.Error == nil || plain.Error.Code != 3 || plain.Error.Message != "execution reverted" || plain.Error.Data != "0x" {
			t.Errorf("%s without a reason: %+v", method, plain.Error)
		}
	}
}

// I3.
func TestTags(t *testing.T) {
	f := serve(t, nil)
	for i := range uint64(4) {
		f.mine(func(b *core.BlockGen) { b.AddTx(f.tx(alice, i, &echo, 0, nil)) })
	}
	number := func(tag string) string {
		var block struct{ Number string }
		if err := json.Unmarshal(f.call("eth_getBlockByNumber", tag, false).Result, &block); err != nil {
			t.Fatal(err)
		}
		return block.Number
	}
	nonce := func(tag string) string { return string(f.call("eth_getTransactionCount", aliceAt, tag).Result) }
	if have := f.call("eth_getBlockByNumber", "safe", false); string(have.Result) != "null" {
		t.Errorf("safe before any: %s", have.Result)
	}
	if have := f.call("eth_getBalance", aliceAt, "finalized"); have.Error == nil {
		t.Errorf("balance at finalized before any: %s", have.Result)
	}
	f.chain.SetTags(f.chain.GetHeaderByNumber(3), f.chain.GetHeaderByNumber(1))
	for tag, want := range map[string]string{"latest": "0x4", "pending": "0x4", "safe": "0x3", "finalized": "0x1", "earliest": "0x0"} {
		if have := number(tag); have != want {
			t.Errorf("%s is block %s, want %s", tag, have, want)
		}
	}
	for i := range uint64(3) {
		raw, _ := f.tx(alice, 4+i, &echo, 0, nil).MarshalBinary()
		if have := f.call("eth_sendRawTransaction", hexutil.Bytes(raw)); have.Error != nil {
			t.Fatal(have.Error)
		}
	}
	for tag, want := range map[string]string{"latest": `"0x4"`, "pending": `"0x7"`, "safe": `"0x3"`, "finalized": `"0x1"`} {
		if have := nonce(tag); have != want {
			t.Errorf("nonce at %s is %s, want %s", tag, have, want)
		}
	}
}

func TestSendingAndLookingUp(t *testing.T) {
	f := serve(t, nil)
	client, ctx := f.client(f.server.HTTP()), context.Background()
	tx := f.tx(alice, 0, &emitter, 5, nil)
	if err := client.SendTransaction(ctx, tx); err != nil {
		t.Fatal(err)
	}
	if have := f.call("eth_sendRawTransaction", hexutil.Bytes(must(tx.MarshalBinary()))); have.Error == nil || have.Error.Message != "already known" {
		t.Errorf("sent twice: %+v", have.Error)
	}
	if _, pending, err := client.TransactionByHash(ctx, tx.Hash()); err != nil || !pending {
		t.Errorf("in the pool: pending %v, %v", pending, err)
	}
	if have := f.call("eth_getTransactionReceipt", tx.Hash()); string(have.Result) != "null" {
		t.Errorf("receipt of a pending transaction: %s", have.Result)
	}
	block := f.mine(func(b *core.BlockGen) {
		for _, tx := range f.pool.Take(aliceAt) {
			b.AddTx(tx)
		}
	})
	receipt, err := client.TransactionReceipt(ctx, tx.Hash())
	if err != nil || receipt.Status != 1 || receipt.BlockHash != block.Hash() || len(receipt.Logs) != 1 {
		t.Fatalf("receipt %+v, %v", receipt, err)
	}
	if want := new(big.Int).Add(block.BaseFee(), big.NewInt(2)); receipt.EffectiveGasPrice.Cmp(want) != 0 {
		t.Errorf("effective price %v, want %v", receipt.EffectiveGasPrice, want)
	}
	found, pending, err := client.TransactionByHash(ctx, tx.Hash())
	if err != nil || pending || found.Hash() != tx.Hash() {
		t.Errorf("in a block: pending %v, %v", pending, err)
	}
	unprotected := gethtypes.MustSignNewTx(alice, gethtypes.HomesteadSigner{}, &gethtypes.LegacyTx{Nonce: 1, To: &echo, Gas: 21000, GasPrice: big.NewInt(1e10)})
	if err := client.SendTransaction(ctx, unprotected); err == nil {
		t.Error("a transaction without chain id was taken")
	}
}

func TestEstimateIsEnoughAndTight(t *testing.T) {
	f := serve(t, nil)
	for _, c := range []struct {
		to    common.Address
		input []byte
	}{
		{common.HexToAddress("0xabcdef"), nil},
		{emitter, common.LeftPadBytes([]byte{1}, 32)},
		{register, common.LeftPadBytes([]byte{1}, 32)},
	} {
		message := map[string]any{"from": aliceAt, "to": c.to, "input": hexutil.Bytes(c.input)}
		var gas hexutil.Uint64
		if have := f.call("eth_estimateGas", message); json.Unmarshal(have.Result, &gas) != nil {
			t.Fatalf("%+v", have.Error)
		}
		message["gas"] = gas
		if have := f.call("eth_call", message); have.Error != nil {
			t.Errorf("%s: %d gas is not enough: %+v", c.to, gas, have.Error)
		}
		message["gas"] = gas * 98 / 100
		if have := f.call("eth_call", message); have.Error == nil {
			t.Errorf("%s: %d gas would have been enough, estimate is %d", c.to, gas*98/100, gas)
		}
	}
	poor := map[string]any{"from": common.HexToAddress("0x99"), "to": echo, "value": "0x1"}
	if have := f.call("eth_estimateGas", poor); have.Error == nil {
		t.Errorf("an estimate without funds: %s", have.Result)
	}
}

func TestOverridesLeaveNoTrace(t *testing.T) {
	f := serve(t, nil)
	word := func(n byte) hexutil.Bytes { return common.LeftPadBytes([]byte{n}, 32) }
	read := map[string]any{"to": register, "input": word(9)}
	if have := f.call("eth_call", read, "latest"); string(have.Result) != `"`+word(0).String()+`"` {
		t.Errorf("plain: %s", have.Result)
	}
	overrides := map[string]any{register.Hex(): map[string]any{"stateDiff": map[string]any{word(0).String(): word(5).String()}}}
	if have := f.call("eth_call", read, "latest", overrides); string(have.Result) != `"`+word(5).String()+`"` {
		t.Errorf("overridden: %s %+v", have.Result, have.Error)
	}
	if have := f.call("eth_call", read, "latest"); string(have.Result) != `"`+word(0).String()+`"` {
		t.Errorf("afterwards: %s", have.Result)
	}
	rich := map[string]any{"0x0000000000000000000000000000000000000099": map[string]any{"balance": "0x64"}}
	pay := map[string]any{"from": "0x0000000000000000000000000000000000000099", "to": emitter, "value": "0x64"}
	if have := f.call("eth_call", pay, "latest", rich); have.Error != nil {
		t.Errorf("with a balance: %+v", have.Error)
	}
}

func TestProofVerifies(t *testing.T) {
	f := serve(t, nil)
	block := f.mine(func(b *core.BlockGen) {
		b.AddTx(f.tx(alice, 0, &register, 0, common.LeftPadBytes([]byte{42}, 32)))
	})
	client, err := gethrpc.Dial(f.server.HTTP())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	proof, err := gethclient.New(client).GetProof(context.Background(), register, []string{"0x0", "0x1"}, block.Number())
	if err != nil {
		t.Fatal(err)
	}
	leaf := verify(t, block.Root(), crypto.Keccak256(register.Bytes()), proof.AccountProof)
	var account gethtypes.StateAccount
	if err := rlp.DecodeBytes(leaf, &account); err != nil || account.Root != proof.StorageHash {
		t.Fatalf("account %+v, %v", account, err)
	}
	for i, want := range []int64{42, 0} {
		slot := common.BigToHash(big.NewInt(int64(i)))
		leaf := verify(t, account.Root, crypto.Keccak256(slot[:]), proof.StorageProof[i].Proof)
		if proof.StorageProof[i].Value.Int64() != want || (want != 0) != (leaf != nil) {
			t.Errorf("slot %d: value %v, leaf %x", i, proof.StorageProof[i].Value, leaf)
		}
	}
}

func verify(t *testing.T, root common.Hash, key []byte, path []string) []byte {
	t.Helper()
	db := make(nodeSet)
	for _, node := range path {
		raw := hexutil.MustDecode(node)
		db[string(crypto.Keccak256(raw))] = raw
	}
	leaf, err := trie.VerifyProof(root, key, db)
	if err != nil {
		t.Fatal(err)
	}
	return leaf
}

type nodeSet map[string][]byte

func (n nodeSet) Has(key []byte) (bool, error)   { return n[string(key)] != nil, nil }
func (n nodeSet) Get(key []byte) ([]byte, error) { return n[string(key)], nil }

func TestTracesAgreeWithReceipts(t *testing.T) {
	f := serve(t, nil)
	block := f.mine(func(b *core.BlockGen) {
		b.AddTx(f.tx(alice, 0, &register, 0, common.LeftPadBytes([]byte{1}, 32)))
		b.AddTx(f.tx(alice, 1, &register, 0, common.LeftPadBytes([]byte{2}, 32)))
		b.AddTx(f.tx(alice, 2, &echo, 0, reason))
	})
	receipts := f.chain.GetReceiptsByHash(block.Hash())
	for i, tx := range block.Transactions() {
		var call struct{ GasUsed, Output, Error string }
		have := f.call("debug_traceTransaction", tx.Hash(), map[string]any{"tracer": "callTracer"})
		if err := json.Unmarshal(have.Result, &call); err != nil {
			t.Fatalf("%v: %+v", err, have.Error)
		}
		if call.GasUsed != hexutil.EncodeUint64(receipts[i].GasUsed) || (call.Error != "") != (receipts[i].Status == 0) {
			t.Errorf("transaction %d: trace %+v, receipt gas %d status %d", i, call, receipts[i].GasUsed, receipts[i].Status)
		}
		if i == 1 && call.Output != hexutil.Encode(common.LeftPadBytes([]byte{1}, 32)) {
			t.Errorf("the second transaction does not see the first: %s", call.Output)
		}
	}
	if have := f.call("debug_traceTransaction", block.Transactions()[0].Hash(), map[string]any{"tracer": "{step: function() {}}"}); have.Error == nil {
		t.Error("a script was taken as tracer")
	}
}

// I5: every block and log arrives, in order, though blocks come faster than they are sent and signals merge.
func TestSubscriptions(t *testing.T) {
	f := serve(t, nil)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	client := f.client(f.server.WS())
	heads, logs := make(chan *gethtypes.Header, 64), make(chan gethtypes.Log, 64)
	if _, err := client.SubscribeNewHead(ctx, heads); err != nil {
		t.Fatal(err)
	}
	topic := common.HexToHash("0x07")
	query := ethereum.FilterQuery{Addresses: []common.Address{emitter}, Topics: [][]common.Hash{{topic}}}
	if _, err := client.SubscribeFilterLogs(ctx, query, logs); err != nil {
		t.Fatal(err)
	}
	const blocks = 20
	for i := range uint64(blocks) {
		f.mine(func(b *core.BlockGen) {
			b.AddTx(f.tx(alice, 2*i, &emitter, 0, topic[:]))
			b.AddTx(f.tx(alice, 2*i+1, &emitter, 0, common.LeftPadBytes([]byte{8}, 32)))
		})
	}
	for i := range uint64(blocks) {
		select {
		case head := <-heads:
			if head.Number.Uint64() != i+1 || head.Hash() != f.chain.GetHeaderByNumber(i+1).Hash() {
				t.Fatalf("head %d after %d", head.Number, i)
			}
		case <-ctx.Done():
			t.Fatalf("no head %d", i+1)
		}
		select {
		case log := <-logs:
			if log.BlockNumber != i+1 || log.Topics[0] != topic || log.TxHash != f.chain.GetBlockByNumber(i + 1).Transactions()[0].Hash() {
				t.Fatalf("log %+v in block %d", log, i+1)
			}
		case <-ctx.Done():
			t.Fatalf("no log of block %d", i+1)
		}
	}
	query.FromBlock, query.ToBlock = big.NewInt(3), big.NewInt(7)
	if found, err := client.FilterLogs(ctx, query); err != nil || len(found) != 5 {
		t.Errorf("logs of 5 blocks: %d, %v", len(found), err)
	}
}

func TestPolledFilters(t *testing.T) {
	f := serve(t, nil)
	var id string
	if err := json.Unmarshal(f.call("eth_newFilter", map[string]any{"address": emitter}).Result, &id); err != nil {
		t.Fatal(err)
	}
	f.mine(func(b *core.BlockGen) { b.AddTx(f.tx(alice, 0, &emitter, 0, nil)) })
	var logs []gethtypes.Log
	for range 100 { // the block reaches the filter on another goroutine
		if err := json.Unmarshal(f.call("eth_getFilterChanges", id).Result, &logs); err != nil {
			t.Fatal(err)
		}
		if len(logs) > 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if len(logs) != 1 || logs[0].Address != emitter {
		t.Errorf("changes: %+v", logs)
	}
	if have := f.call("eth_uninstallFilter", id); string(have.Result) != "true" {
		t.Errorf("uninstall: %s", have.Result)
	}
	if have := f.call("eth_getFilterChanges", id); have.Error == nil {
		t.Error("an uninstalled filter still answers")
	}
}

// I6.
func TestFiltersAndSubscriptionsAreCounted(t *testing.T) {
	f := serve(t, func(c *rpc.Config) { c.Filters, c.Subscriptions = 2, 2 })
	var id string
	for range 2 {
		if err := json.Unmarshal(f.call("eth_newBlockFilter").Result, &id); err != nil {
			t.Fatal(err)
		}
	}
	if have := f.call("eth_newFilter", map[string]any{}); have.code() != -38026 {
		t.Errorf("a third filter: code %d", have.code())
	}
	f.call("eth_uninstallFilter", id)
	if have := f.call("eth_newFilter", map[string]any{}); have.Error != nil {
		t.Errorf("after one was uninstalled: %+v", have.Error)
	}
	client, ctx, heads := f.client(f.server.WS()), context.Background(), make(chan *gethtypes.Header)
	var last ethereum.Subscription
	for range 2 {
		var err error
		if last, err = client.SubscribeNewHead(ctx, heads); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := client.SubscribeNewHead(ctx, heads); err == nil {
		t.Error("a third subscription was let in")
	}
	last.Unsubscribe()
	for i := 0; ; i++ { // the server counts it down on another goroutine
		if _, err := client.SubscribeNewHead(ctx, heads); err == nil {
			return
		} else if i == 100 {
			t.Fatalf("after one ended: %v", err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestFees(t *testing.T) {
	f := serve(t, nil)
	for i := range uint64(3) {
		f.mine(func(b *core.BlockGen) { b.AddTx(f.tx(alice, i, &emitter, 0, nil)) })
	}
	if have := f.call("eth_maxPriorityFeePerGas"); string(have.Result) != `"0x0"` {
		t.Errorf("tip %s", have.Result)
	}
	var history rpc.FeeHistory
	if err := json.Unmarshal(f.call("eth_feeHistory", "0x2", "latest", []float64{50}).Result, &history); err != nil {
		t.Fatal(err)
	}
	if history.OldestBlock.ToInt().Uint64() != 2 || len(history.BaseFee) != 3 || len(history.Reward) != 2 || len(history.GasUsedRatio) != 2 {
		t.Fatalf("%+v", history)
	}
	next := f.mine(nil)
	if history.BaseFee[2].ToInt().Cmp(next.BaseFee()) != 0 {
		t.Errorf("foretold base fee %v, was %v", history.BaseFee[2].ToInt(), next.BaseFee())
	}
	var price hexutil.Big
	if err := json.Unmarshal(f.call("eth_gasPrice").Result, &price); err != nil {
		t.Fatal(err)
	}
	if base := f.chain.NextBaseFee(f.chain.Head()); price.ToInt().Cmp(base) <= 0 {
		t.Errorf("gas price %v leaves no room above the base fee %v", price.ToInt(), base)
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
