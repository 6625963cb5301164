package backend

import (
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/rpc"
)

// A simulated block runs by the rules of this chain: its BLOCKHASH, its base fee, its meter, its vault.
func TestSimulationByOurRules(t *testing.T) {
	o, client, _ := newOrderer(t, contracts)
	for range 3 {
		o.close()
	}
	limit := int64(o.chain.Rules().ChunkBytes)/execution.AccountBytes + 10
	call := func(to common.Address, data []byte) map[string]any {
		return map[string]any{"from": address(0), "to": to, "input": hexutil.Bytes(data), "gas": "0xf4240", "maxFeePerGas": "0x3b9aca000", "maxPriorityFeePerGas": "0x0"}
	}
	var have []struct {
		Hash          common.Hash
		Number        hexutil.Uint64
		Timestamp     hexutil.Uint64
		Miner         common.Address
		BaseFeePerGas *hexutil.Big
		GasUsed       hexutil.Uint64
		Calls         []struct {
			ReturnData      hexutil.Bytes
			GasUsed, Status hexutil.Uint64
			Error           *struct{ Message string }
		}
	}
	vault := common.HexToAddress("0x00000000000000000000000000000000000fee00")
	blocks := []map[string]any{
		{"calls": []any{call(ambient, nil), call(reader, word(limit))}},
		{"calls": []any{call(ambient, nil)}},
	}
	if err := raw(t, client, &have, "eth_simulateV1", map[string]any{"blockStateCalls": blocks, "validation": true}, "latest"); err != nil {
		t.Fatal(err)
	}
	head, digest := o.chain.Head(), o.last.Digest()
	if have[0].Number != 4 || uint64(have[0].Timestamp) != head.Time+1 || have[0].Miner != vault {
		t.Errorf("%+v", have[0])
	}
	if want := o.chain.NextBaseFee(head); have[0].BaseFeePerGas.ToInt().Cmp(want) != 0 {
		t.Errorf("base fee %v, want %v", have[0].BaseFeePerGas, want)
	}
	if parent := have[0].Calls[0].ReturnData[32:64]; common.Hash(parent) != common.Hash(digest) {
		t.Errorf("BLOCKHASH of the base is %x, want the digest of its header %s", parent, digest)
	}
	if parent := have[1].Calls[0].ReturnData[32:64]; common.Hash(parent) != have[0].Hash {
		t.Errorf("BLOCKHASH of the simulated block before is %x, want %s", parent, have[0].Hash)
	}
	if stopped := have[0].Calls[1]; stopped.Status != 0 || stopped.GasUsed != 1_000_000 || stopped.Error.Message != "out of gas" {
		t.Errorf("a call above the meter: %+v", stopped)
	}
	paid := new(big.Int).Mul(have[0].BaseFeePerGas.ToInt(), new(big.Int).SetUint64(uint64(have[0].GasUsed)))
	var simulated []struct {
		Calls []struct{ ReturnData hexutil.Bytes }
	}
	balance := map[string]any{"stateOverrides": map[string]any{"0x00000000000000000000000000000000000000bb": map[string]any{"code": "0x41315f5260205ff3"}},
		"calls": []any{map[string]any{"to": "0x00000000000000000000000000000000000000bb"}}}
	second := map[string]any{"calls": balance["calls"]}
	spend := map[string]any{"blockOverrides": map[string]any{"baseFeePerGas": (*hexutil.Big)(have[0].BaseFeePerGas.ToInt())}, "calls": []any{call(ambient, nil), call(reader, word(limit))}}
	if err := raw(t, client, &simulated, "eth_simulateV1", map[string]any{"blockStateCalls": []any{balance, spend, second}}, "latest"); err != nil {
		t.Fatal(err)
	}
	before, after := new(big.Int).SetBytes(simulated[0].Calls[0].ReturnData), new(big.Int).SetBytes(simulated[2].Calls[0].ReturnData)
	if earned := after.Sub(after, before); earned.Cmp(paid) != 0 {
		t.Errorf("the vault earned %v, want the fee of all gas, %v", earned, paid)
	}
}

// A tracer sees the frames that the meter ended as out of gas, as the receipt does.
func TestTraceOfWhatTheMeterStopped(t *testing.T) {
	o, client, _ := newOrderer(t, contracts)
	stopped := o.send(client, 0, &reader, 0, word(1000))
	o.close()
	var frame struct {
		Error   string
		GasUsed hexutil.Uint64
	}
	if err := raw(t, client, &frame, "debug_traceTransaction", stopped.Hash(), map[string]any{"tracer": "callTracer"}); err != nil {
		t.Fatal(err)
	}
	if r := o.receipt(client, stopped); r.Status != 0 || frame.Error != "out of gas" || uint64(frame.GasUsed) != r.GasUsed {
		t.Errorf("trace %+v, receipt status %d gas %d", frame, r.Status, r.GasUsed)
	}
}

func TestCapabilitiesSayWhatIsKept(t *testing.T) {
	o, client, _ := newOrderer(t, contracts)
	ask := func() (out rpc.Capabilities) {
		if err := raw(t, client, &out, "eth_capabilities"); err != nil {
			t.Fatal(err)
		}
		return out
	}
	if have := ask(); have.State.OldestBlock != 0 || have.State.DeleteStrategy == nil {
		t.Errorf("at genesis: %+v", have.State)
	}
	for range 140 {
		o.close()
	}
	have := ask()
	oldest := uint64(have.State.OldestBlock)
	if have.Head.Number != 140 || have.Head.Hash != o.chain.Head().Hash() || have.Blocks.OldestBlock != 0 || oldest == 0 {
		t.Fatalf("%+v", have)
	}
	var balance hexutil.Big
	if err := raw(t, client, &balance, "eth_getBalance", address(0), hexutil.Uint64(oldest)); err != nil {
		t.Errorf("the oldest state, %d, does not open: %v", oldest, err)
	}
	if err := raw(t, client, &balance, "eth_getBalance", address(0), hexutil.Uint64(oldest-1)); errorCode(err) != 4444 {
		t.Errorf("state %d, below the oldest: %v", oldest-1, err)
	}
	if window := uint64(have.State.DeleteStrategy.RetentionBlocks); oldest != 140+1-window {
		t.Errorf("the oldest state is %d of 140 with a window of %d", oldest, window)
	}
}

// EIP-7910: what is listed is there.
func TestConfigurationListsWhatIsThere(t *testing.T) {
	_, client, _ := newOrderer(t, contracts)
	var have rpc.Configuration
	if err := raw(t, client, &have, "eth_config"); err != nil {
		t.Fatal(err)
	}
	if have.Current == nil || have.Next != nil || have.Last != nil || have.Current.ChainID.ToInt().Int64() != testChainID || have.Current.BlobSchedule != nil {
		t.Fatalf("%+v", have)
	}
	for name, address := range have.Current.SystemContracts {
		var code hexutil.Bytes
		if err := raw(t, client, &code, "eth_getCode", address, "latest"); err != nil || len(code) == 0 {
			t.Errorf("%s at %s has no code: %v", name, address, err)
		}
	}
	var digest hexutil.Bytes
	if err := raw(t, client, &digest, "eth_call", map[string]any{"to": have.Current.Precompiles["SHA256"]}, "latest"); err != nil || len(digest) != 32 {
		t.Errorf("SHA256: %x, %v", digest, err)
	}
	if len(have.Current.SystemContracts) != 2 || len(have.Current.Precompiles) != 18 {
		t.Errorf("%d system contracts, %d precompiles", len(have.Current.SystemContracts), len(have.Current.Precompiles))
	}
}
