package backend

import (
	"bytes"
	"context"
	"encoding/json"
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/ethclient"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/types"
)

// Contracts of the tests, by hand.
var (
	emitter   = common.HexToAddress("0xe1") // emits a log whose topic is the first word of the input
	ambient   = common.HexToAddress("0xe4") // returns prevrandao, the hash of the block before, the time
	reader    = common.HexToAddress("0xe5") // asks for the balances of as many accounts as the first word says
	contracts = map[common.Address]string{
		emitter: "0x5f355f5fa100",
		ambient: "0x445f526001430340602052426040526060" + "5ff3",
		reader:  "0x5f5b80315060010180" + "5f3511600157" + "00",
	}
)

func word(n int64) []byte { return common.LeftPadBytes(big.NewInt(n).Bytes(), 32) }

func raw(t *testing.T, client *ethclient.Client, out any, method string, parameters ...any) error {
	t.Helper()
	return client.Client().CallContext(context.Background(), out, method, parameters...)
}

func TestTransferThroughOurExecution(t *testing.T) {
	o, client, _ := newOrderer(t, contracts)
	ctx, to := context.Background(), common.HexToAddress("0xabc1")
	first := o.send(client, 0, &to, 7, nil)
	second := o.send(client, 0, &emitter, 0, word(5)) // at once: the nonce counts the pool
	o.close()
	if r := o.receipt(client, first); r.Status != 1 || r.GasUsed != 21000 || r.BlockNumber.Int64() != 1 {
		t.Errorf("%+v", r)
	}
	if r := o.receipt(client, second); len(r.Logs) != 1 || r.TransactionIndex != 1 {
		t.Errorf("%+v", r)
	}
	if have, err := client.BalanceAt(ctx, to, nil); err != nil || have.Int64() != 7 {
		t.Errorf("balance %v, %v", have, err)
	}
	logs, err := client.FilterLogs(ctx, ethereum.FilterQuery{Addresses: []common.Address{emitter}})
	if err != nil || len(logs) != 1 || logs[0].TxHash != second.Hash() {
		t.Errorf("logs %+v, %v", logs, err)
	}
	block, err := client.BlockByNumber(ctx, nil)
	if err != nil || len(block.Transactions()) != 2 {
		t.Fatalf("block: %v", err)
	}
	if block.BeaconRoot() == nil || *block.BeaconRoot() != common.Hash(o.last.Digest()) {
		t.Errorf("parentBeaconBlockRoot %v is not the digest of the header, %s", block.BeaconRoot(), o.last.Digest())
	}
}

// I3: safe and finalized are what the node says, and never above what is executed.
func TestTagsFollowTheNode(t *testing.T) {
	o, client, _ := newOrderer(t, contracts)
	for range 5 {
		o.close()
	}
	number := func(tag int64) int64 {
		header, err := client.HeaderByNumber(context.Background(), big.NewInt(tag))
		if err != nil {
			t.Fatal(err)
		}
		return header.Number.Int64()
	}
	for _, c := range []struct {
		safe, settled   types.Height
		wantSafe, wantF int64
	}{{0, 0, 0, 0}, {4, 2, 4, 2}, {99, 5, 5, 5}} {
		o.mu.Lock()
		o.safe, o.settled = c.safe, c.settled
		o.mu.Unlock()
		if s, f := number(-4), number(-3); s != c.wantSafe || f != c.wantF || number(-2) != 5 {
			t.Errorf("node says %d and %d: safe %d, finalized %d", c.safe, c.settled, s, f)
		}
	}
}

// A call sees the environment of the block it runs in: prevrandao, BLOCKHASH as the digest of the header, time.
func TestCallSeesTheBlocksEnvironment(t *testing.T) {
	o, client, _ := newOrderer(t, contracts)
	o.close()
	parent := o.last.Digest()
	o.close()
	out, err := client.CallContract(context.Background(), ethereum.CallMsg{To: &ambient}, nil)
	if err != nil || len(out) != 96 {
		t.Fatalf("%x, %v", out, err)
	}
	head := o.chain.Head()
	if !bytes.Equal(out[:32], head.MixDigest[:]) || !bytes.Equal(out[32:64], parent[:]) || new(big.Int).SetBytes(out[64:]).Uint64() != head.Time {
		t.Errorf("%x, want %x, %x, %d", out, head.MixDigest, parent, head.Time)
	}
	var ahead hexutil.Bytes
	future := map[string]any{"number": "0x64"}
	if err := raw(t, client, &ahead, "eth_call", map[string]any{"to": ambient}, "latest", map[string]any{}, future); err != nil || !bytes.Equal(ahead[32:64], make([]byte, 32)) {
		t.Errorf("in block 100: %x, %v", ahead, err)
	}
}

// eth_call, eth_estimateGas and traces run under the meter that blocks run under.
func TestMeterHoldsInCallsEstimatesAndTraces(t *testing.T) {
	o, client, _ := newOrderer(t, contracts)
	ctx, limit := context.Background(), int64(o.chain.Rules().ChunkBytes/execution.AccountBytes)
	within := ethereum.CallMsg{From: address(0), To: &reader, Data: word(limit - 10)}
	above := ethereum.CallMsg{From: address(0), To: &reader, Data: word(limit + 10)}
	if _, err := client.CallContract(ctx, within, nil); err != nil {
		t.Errorf("within the meter: %v", err)
	}
	if _, err := client.CallContract(ctx, above, nil); err == nil {
		t.Error("eth_call is not metered")
	}
	if _, err := client.EstimateGas(ctx, within); err != nil {
		t.Errorf("estimate within the meter: %v", err)
	}
	if gas, err := client.EstimateGas(ctx, above); err == nil {
		t.Errorf("%d gas was estimated for what never succeeds", gas)
	}
	before := o.send(client, 0, &emitter, 0, word(1))
	stopped := o.send(client, 0, &reader, 0, word(limit+10))
	after := o.send(client, 0, &emitter, 0, word(2))
	o.close()
	if r := o.receipt(client, stopped); r.Status != 0 || r.GasUsed != stopped.Gas() {
		t.Fatalf("a transaction above the meter: status %d, gas %d of %d", r.Status, r.GasUsed, stopped.Gas())
	}
	for _, tx := range []*ethtypes.Transaction{before, stopped, after} {
		var steps struct {
			Gas    uint64
			Failed bool
		}
		if err := raw(t, client, &steps, "debug_traceTransaction", tx.Hash()); err != nil {
			t.Fatal(err)
		}
		if r := o.receipt(client, tx); steps.Gas != r.GasUsed {
			t.Errorf("trace used %d gas, receipt %d", steps.Gas, r.GasUsed)
		}
	}
}

// A replay for a trace ends in the state the block ended in, fees included.
func TestReplayEndsInTheBlocksState(t *testing.T) {
	o, client, _ := newOrderer(t, contracts)
	o.close()
	o.send(client, 0, &emitter, 3, word(1))
	o.send(client, 1, &reader, 0, word(1000)) // stopped by the meter
	o.send(client, 2, &ambient, 0, nil)
	o.close()
	block, err := client.BlockByNumber(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	replayed(t, New(o.chain, o), block)
}

func TestSkippedTransactionHasAReasonAndNoReceipt(t *testing.T) {
	o, client, _ := newOrderer(t, contracts)
	status := func(tx *ethtypes.Transaction) *rpc.TransactionStatus {
		s, err := New(o.chain, o).TransactionStatus(rpc.TxHash(tx.Hash()), NewPool(o), 0)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	to := common.HexToAddress("0xabc2")
	poor := ethtypes.MustSignNewTx(key(9), ethtypes.LatestSignerForChainID(big.NewInt(testChainID)), &ethtypes.LegacyTx{
		To: &to, Gas: 21000, GasPrice: big.NewInt(1e10), Value: big.NewInt(1)})
	if status(poor) != nil {
		t.Error("an unknown transaction has a status")
	}
	if err := client.SendTransaction(context.Background(), poor); err != nil {
		t.Fatal(err)
	}
	paid := o.send(client, 1, &to, 1, nil)
	if s := status(paid); s == nil || s.State != "pending" {
		t.Errorf("waiting: %+v", s)
	}
	o.close()
	if s := status(poor); s == nil || s.State != "skipped" || s.Reason == "" || *s.Height != 1 || *s.Index != 0 {
		t.Errorf("skipped: %+v", s)
	}
	if s := status(paid); s == nil || s.State != "executed" || *s.Index != 1 || s.Sampled || s.Settled {
		t.Errorf("executed after a skipped one: %+v", s)
	}
	var receipt json.RawMessage
	if err := raw(t, client, &receipt, "eth_getTransactionReceipt", poor.Hash()); err != nil || string(receipt) != "null" {
		t.Errorf("receipt of a skipped transaction: %s, %v", receipt, err)
	}
	if r := o.receipt(client, paid); r.TransactionIndex != 0 {
		t.Errorf("a skipped transaction has an Ethereum index: the next is %d", r.TransactionIndex)
	}
}

// The base fee foretold for the next block is the one it gets when it closes one interval later.
func TestForetoldBaseFee(t *testing.T) {
	o, client, _ := newOrderer(t, contracts)
	for i := range 6 {
		if i%2 == 0 {
			o.send(client, 0, &emitter, 0, word(1))
		}
		var history rpc.FeeHistory
		if err := raw(t, client, &history, "eth_feeHistory", "0x1", "latest", nil); err != nil {
			t.Fatal(err)
		}
		o.close()
		if have := o.chain.Head().BaseFee; have.Cmp(history.BaseFee[1].ToInt()) != 0 {
			t.Errorf("block %d: base fee %v, foretold %v", i+1, have, history.BaseFee[1].ToInt())
		}
	}
}
