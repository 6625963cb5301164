package rpc_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core"
	gethtypes "github.com/ethereum/go-ethereum/core/types"

	"github.com/etherscale/bedrock/rpc"
)

// simulated is a block of the answer of eth_simulateV1.
type simulated struct {
	Number, Timestamp, GasUsed, GasLimit hexutil.Uint64
	BaseFeePerGas                        *hexutil.Big
	Hash, ParentHash, StateRoot          common.Hash
	Miner                                common.Address
	Transactions                         []json.RawMessage
	Withdrawals                          []any
	Calls                                []struct {
		ReturnData hexutil.Bytes
		Logs       []*gethtypes.Log
		GasUsed    hexutil.Uint64
		Status     hexutil.Uint64
		Error      *struct {
			Code          int
			Message, Data string
		}
	}
}

type object = map[string]any

const rich = "0x00000000000000000000000000000000000000aa"

// simulate answers for the given blocks, with what else is in options.
func (f *fixture) simulate(options object, blocks ...object) []simulated {
	f.t.Helper()
	options["blockStateCalls"] = blocks
	var out []simulated
	f.trace(&out, "eth_simulateV1", options, "latest")
	return out
}

func storing(n byte) object {
	return object{"from": rich, "to": register, "input": hexutil.Bytes(common.LeftPadBytes([]byte{n}, 32))}
}

// What is simulated is what happens when the same calls come as transactions of a block.
func TestSimulationForetellsABlock(t *testing.T) {
	f := serve(t, nil)
	f.mine(func(b *core.BlockGen) { b.AddTx(f.tx(alice, 0, &register, 0, common.LeftPadBytes([]byte{4}, 32))) })
	head := f.chain.Head()
	word := common.LeftPadBytes([]byte{5}, 32)
	call := func(to common.Address, data []byte) object {
		return object{"from": aliceAt, "to": to, "gas": "0x186a0", "maxFeePerGas": "0x2540be400", "maxPriorityFeePerGas": "0x2", "input": hexutil.Bytes(data)}
	}
	have := f.simulate(object{"validation": true}, object{
		"blockOverrides": object{"time": hexutil.Uint64(head.Time + 10), "feeRecipient": common.Address{}},
		"calls":          []object{call(register, word), call(echo, reason), call(emitter, word), call(delegator, word)},
	})[0]
	block := f.mine(func(b *core.BlockGen) {
		for i, to := range []*common.Address{&register, &echo, &emitter, &delegator} {
			data := word
			if to == &echo {
				data = reason
			}
			b.AddTx(f.tx(alice, uint64(i+1), to, 0, data))
		}
	})
	if have.StateRoot != block.Root() || uint64(have.GasUsed) != block.GasUsed() || have.BaseFeePerGas.ToInt().Cmp(block.BaseFee()) != 0 ||
		uint64(have.Timestamp) != block.Time() || have.ParentHash != head.Hash() {
		t.Errorf("simulated %+v, was root %s gas %d base fee %v time %d", have, block.Root(), block.GasUsed(), block.BaseFee(), block.Time())
	}
	for i, receipt := range f.chain.GetReceiptsByHash(block.Hash()) {
		if uint64(have.Calls[i].GasUsed) != receipt.GasUsed || uint64(have.Calls[i].Status) != receipt.Status || len(have.Calls[i].Logs) != len(receipt.Logs) {
			t.Errorf("call %d: %+v, receipt %+v", i, have.Calls[i], receipt)
		}
	}
	if failed := have.Calls[1].Error; failed == nil || failed.Code != 3 || failed.Message != "execution reverted: no" || failed.Data != hexutil.Encode(reason) {
		t.Errorf("the revert: %+v", failed)
	}
}

func TestSimulatedBlocksBuildOnEachOther(t *testing.T) {
	f := serve(t, nil)
	head := f.chain.Head()
	have := f.simulate(object{}, object{"calls": []object{storing(1), storing(2)}},
		object{"blockOverrides": object{"number": "0x4"}, "calls": []object{storing(3)}})
	if len(have) != 4 {
		t.Fatalf("%d blocks, want two, and two in the gap", len(have))
	}
	parent := head.Hash()
	for i, block := range have {
		if uint64(block.Number) != uint64(i+1) || block.ParentHash != parent || uint64(block.Timestamp) != head.Time+12*uint64(i+1) || block.BaseFeePerGas.ToInt().Sign() != 0 {
			t.Errorf("block %d: %+v", i, block)
		}
		parent = block.Hash
	}
	for i, call := range append(have[0].Calls, have[3].Calls...) {
		if new(big.Int).SetBytes(call.ReturnData).Int64() != int64(i) {
			t.Errorf("call %d found %s in the slot", i, call.ReturnData)
		}
	}
	if stored := f.call("eth_getStorageAt", register, "0x0", "latest"); string(stored.Result) != `"0x`+strings.Repeat("0", 64)+`"` {
		t.Errorf("the chain has changed: %s", stored.Result)
	}
}

func TestSimulatedTransfersAreLogged(t *testing.T) {
	f := serve(t, nil)
	send := object{"from": rich, "to": emitter, "value": "0x7", "input": hexutil.Bytes(common.LeftPadBytes([]byte{1}, 32))}
	fail := object{"from": rich, "to": echo, "value": "0x7", "gas": "0x186a0"}
	funds := object{rich: object{"balance": "0x64"}}
	have := f.simulate(object{"traceTransfers": true}, object{"stateOverrides": funds, "calls": []object{fail, send}})[0]
	if len(have.Calls[0].Logs) != 0 || len(have.Calls[1].Logs) != 2 {
		t.Fatalf("%+v", have.Calls)
	}
	ether, own := have.Calls[1].Logs[0], have.Calls[1].Logs[1]
	if ether.Address != common.HexToAddress("0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee") || ether.Topics[2] != common.BytesToHash(emitter[:]) || ether.Data[31] != 7 {
		t.Errorf("transfer: %+v", ether)
	}
	if own.Address != emitter || own.Index != 1 || ether.Index != 0 || own.TxIndex != 1 || own.BlockHash != have.Hash || own.BlockNumber != 1 {
		t.Errorf("log: %+v", own)
	}
	if plain := f.simulate(object{}, object{"stateOverrides": funds, "calls": []object{send}})[0]; len(plain.Calls[0].Logs) != 1 {
		t.Errorf("without traceTransfers: %+v", plain.Calls[0].Logs)
	}
}

// A frame that reverts takes its logs and transfers with it; a delegate call only mentions a value.
func TestSimulatedTransfersThatDoNotHappen(t *testing.T) {
	f := serve(t, nil)
	const outer, inner = "0x00000000000000000000000000000000000000bb", "0x00000000000000000000000000000000000000cc"
	have := f.simulate(object{"traceTransfers": true}, object{
		"stateOverrides": object{
			rich:  object{"balance": "0x64"},
			outer: object{"balance": "0xa", "code": "0x5f5f5f5f600560cc5af15f5fa0"}, // sends 5 to inner, then logs
			inner: object{"code": "0x5f5fa05f5ffd"},                                 // logs and reverts
		},
		"calls": []object{{"from": rich, "to": outer}, {"from": rich, "to": delegator, "value": "0x7"}},
	})[0]
	if logs := have.Calls[0].Logs; len(logs) != 1 || logs[0].Address != common.HexToAddress(outer) || logs[0].Index != 0 {
		t.Errorf("a caught revert left %+v", logs)
	}
	if logs := have.Calls[1].Logs; len(logs) != 1 || logs[0].Topics[2] != common.BytesToHash(delegator[:]) || logs[0].Index != 1 {
		t.Errorf("a value sent to what delegates: %+v", logs)
	}
}

func TestSimulatedOverrides(t *testing.T) {
	f := serve(t, nil)
	ambient := "0x435f5242602052" + "4560405248606052416080524460a05260c05ff3" // number, time, gas limit, base fee, coinbase, prevrandao
	const at = "0x00000000000000000000000000000000000000bb"
	have := f.simulate(object{"returnFullTransactions": true}, object{
		"blockOverrides": object{"number": "0x9", "time": "0x999", "gasLimit": "0xf4240", "feeRecipient": rich, "baseFeePerGas": "0x5", "prevRandao": "0x12",
			"withdrawals": []object{{"index": "0x0", "validatorIndex": "0x0", "address": at, "amount": "0x2"}}},
		"stateOverrides": object{at: object{"code": ambient}},
		"calls":          []object{{"from": rich, "to": at}},
	}, object{"calls": []object{{"from": at, "to": rich, "value": "0x77359400"}}})
	block := have[8]
	for i, want := range []uint64{9, 0x999, 1_000_000, 5, 0xaa, 0x12} {
		if word := block.Calls[0].ReturnData[32*i : 32*i+32]; new(big.Int).SetBytes(word).Uint64() != want {
			t.Errorf("word %d is %x, want %d", i, word, want)
		}
	}
	if block.Miner != common.HexToAddress(rich) || uint64(block.GasLimit) != 1_000_000 || len(block.Withdrawals) != 1 {
		t.Errorf("%+v", block)
	}
	if have[9].Calls[0].Status != 1 {
		t.Errorf("the withdrawal of 2 gwei cannot be spent: %+v", have[9].Calls[0].Error)
	}
	var tx rpc.Transaction
	if err := json.Unmarshal(block.Transactions[0], &tx); err != nil || tx.From != common.HexToAddress(rich) || tx.Hash == (common.Hash{}) {
		t.Errorf("%s: %v", block.Transactions[0], err)
	}
	sha := object{"0x0000000000000000000000000000000000000002": object{"movePrecompileToAddress": at, "code": "0x"}}
	moved := f.simulate(object{}, object{"stateOverrides": sha, "calls": []object{{"to": at}, {"to": "0x0000000000000000000000000000000000000002"}}})[0]
	if len(moved.Calls[0].ReturnData) != 32 || len(moved.Calls[1].ReturnData) != 0 {
		t.Errorf("sha256 moved: %+v", moved.Calls)
	}
	if have := f.call("eth_call", object{"to": at}, "latest", sha); len(have.Result) != 68 {
		t.Errorf("eth_call with sha256 moved: %s %+v", have.Result, have.Error)
	}
}

func TestSimulationsThatAreRefused(t *testing.T) {
	f := serve(t, func(c *rpc.Config) { c.GasCap, c.CallTimeout = 1_000_000, time.Second })
	with := func(call object) object { return object{"calls": []object{call}} }
	over := func(fields object) object { return object{"blockOverrides": fields} }
	state := func(address string, fields object) object { return object{"stateOverrides": object{address: fields}} }
	many := make([]object, 5001)
	for i := range many {
		many[i] = object{}
	}
	for _, c := range []struct {
		name    string
		strict  bool
		blocks  []object
		code    int
		message string
	}{
		{"nothing", false, []object{}, -32602, "empty input"},
		{"the same number", false, []object{over(object{"number": "0x0"})}, -38020, "block numbers must be in order: 0 <= 0"},
		{"far above", false, []object{over(object{"number": "0x101"})}, -38026, "too many blocks"},
		{"a huge number", false, []object{over(object{"number": "0xffffffffffffffffffffffff"})}, -38026, "too many blocks"},
		{"an early time", false, []object{over(object{"time": "0x10"}), over(object{"time": "0x10"})}, -38021, "block timestamps must be in order: 16 <= 16"},
		{"the end of time", false, []object{over(object{"time": "0xffffffffffffffff"}), {}}, -38021, "block timestamps must be in order: 11 <= 18446744073709551615"},
		{"too many calls", false, []object{{"calls": many}, {"calls": many}}, -38026, "too many calls: 10002 > 10000"},
		{"nonce too low", true, []object{with(object{"from": aliceAt, "nonce": "0x0", "maxFeePerGas": "0x2540be400"}), with(object{"from": aliceAt, "nonce": "0x0", "maxFeePerGas": "0x2540be400"})}, -38010, "nonce too low"},
		{"nonce too high", true, []object{with(object{"from": aliceAt, "nonce": "0x7", "maxFeePerGas": "0x2540be400"})}, -38011, "nonce too high"},
		{"no fee", true, []object{with(object{"from": aliceAt})}, -38012, "max fee per gas less than block base fee"},
		{"no gas", false, []object{with(object{"gas": "0x0"})}, -38013, "intrinsic gas too low"},
		{"no funds", false, []object{with(object{"from": rich, "value": "0x1"})}, -38014, "insufficient funds"},
		{"gas of the block", false, []object{with(object{"gas": "0x3938701"})}, -38015, "block gas limit reached: remaining: 60000000, required: 60000001"},
		{"moved to itself", false, []object{state("0x0000000000000000000000000000000000000002", object{"movePrecompileToAddress": "0x0000000000000000000000000000000000000002"})}, -38022, "moved to itself"},
		{"not a precompile", false, []object{state(rich, object{"movePrecompileToAddress": rich})}, -32000, "is not a precompile"},
		{"storage twice", false, []object{state(rich, object{"state": object{}, "stateDiff": object{}})}, -32000, "has both 'state' and 'stateDiff'"},
		{"misspelt", false, []object{over(object{"timestamp": "0x1"})}, -32602, "unknown field"},
		{"misspelt account", false, []object{state(rich, object{"balanse": "0x1"})}, -32602, "unknown field"},
		{"both prices", false, []object{with(object{"gasPrice": "0x1", "maxFeePerGas": "0x1"})}, -32000, "both gasPrice and"},
	} {
		have := f.call("eth_simulateV1", object{"blockStateCalls": c.blocks, "validation": c.strict}, "latest")
		if have.Error == nil || have.Error.Code != c.code || !strings.Contains(have.Error.Message, c.message) {
			t.Errorf("%s: %+v, want %d %q", c.name, have.Error, c.code, c.message)
		}
	}
}

// I6.
func TestSimulationsAreBounded(t *testing.T) {
	f := serve(t, func(c *rpc.Config) { c.CallTimeout = 50 * time.Millisecond })
	spin := object{"to": spinner, "gas": "0x2faf080"}
	if have := f.call("eth_simulateV1", object{"blockStateCalls": []object{{"calls": []object{spin, spin}}}}); have.code() != -32016 {
		t.Errorf("time: %+v", have.Error)
	}
	f = serve(t, func(c *rpc.Config) { c.GasCap = 100_000 })
	have := f.simulate(object{}, object{"calls": []object{spin}})
	if failed := have[0].Calls[0].Error; failed == nil || !strings.HasPrefix(failed.Message, "out of gas (gas limit was capped") || uint64(have[0].GasUsed) != 100_000 {
		t.Errorf("gas: %+v", have[0])
	}
	if have := f.call("eth_simulateV1", object{"blockStateCalls": []object{{"calls": []object{spin}}, {"calls": []object{{"to": rich}}}}}); have.code() != -38013 {
		t.Errorf("gas over two blocks: %+v", have.Error)
	}
	f = serve(t, nil)
	mute := "0x62100000" + "5ff3" // returns 1 MiB of zeros
	const at = "0x00000000000000000000000000000000000000bb"
	calls := make([]object, 17)
	for i := range calls {
		calls[i] = object{"to": at}
	}
	large := object{"blockStateCalls": []object{{"stateOverrides": object{at: object{"code": mute}}, "calls": calls}}}
	if have := f.call("eth_simulateV1", large); have.code() != -38026 {
		t.Errorf("bytes: %+v, %d bytes", have.Error, len(have.Result))
	}
	few := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"eth_simulateV1","params":[{"blockStateCalls":[%s1]}]}`, strings.Repeat("{},", 500_000)) // what comes after too many is not looked at
	if have := decode(t, post(t, f.server.HTTP(), few, nil)); have.code() != -38026 {
		t.Errorf("half a million blocks: %+v", have.Error)
	}
}
