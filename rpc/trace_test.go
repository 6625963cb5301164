package rpc_test

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core"
	gethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"
)

// Contracts that call others.
var (
	factory   = common.HexToAddress("0xf0") // CREATE2 with the input as init code, returns the address
	delegator = common.HexToAddress("0xf1") // delegates the input to register, returns what it returned
	catcher   = common.HexToAddress("0xf2") // calls echo, which reverts, and goes on

	callers = map[common.Address]string{
		factory:   "0x365f5f375f365f5ff55f5260205ff3",
		delegator: "0x365f5f3760205f365f60e25af45060205ff3",
		catcher:   "0x365f5f375f5f365f5f60e05af15f5260205ff3",
	}
)

// frame is what callTracer says of a call.
type frame struct {
	Type, Error, RevertReason string
	From, To                  common.Address
	GasUsed                   hexutil.Uint64
	Output                    hexutil.Bytes
	Calls                     []frame
}

// traced mines a block with one transaction of each kind.
func traced(t *testing.T, f *fixture) *gethtypes.Block {
	t.Helper()
	carol, err := crypto.ToECDSA(common.LeftPadBytes([]byte{9}, 32))
	if err != nil {
		t.Fatal(err)
	}
	carolAt := crypto.PubkeyToAddress(carol.PublicKey)
	permit, err := gethtypes.SignSetCode(carol, gethtypes.SetCodeAuthorization{
		ChainID: *uint256.MustFromBig(f.chain.ChainConfig().ChainID), Address: register,
	})
	if err != nil {
		t.Fatal(err)
	}
	word := common.LeftPadBytes([]byte{5}, 32)
	return f.mine(func(b *core.BlockGen) {
		b.AddTx(f.tx(alice, 0, &factory, 0, common.FromHex("0x60016000f3"))) // deploys one zero byte
		b.AddTx(f.tx(alice, 1, &delegator, 0, word))
		b.AddTx(f.tx(alice, 2, &catcher, 0, reason))
		b.AddTx(f.tx(alice, 3, &echo, 0, reason))
		b.AddTx(gethtypes.MustSignNewTx(alice, gethtypes.LatestSigner(f.chain.ChainConfig()), &gethtypes.SetCodeTx{
			ChainID: uint256.MustFromBig(f.chain.ChainConfig().ChainID), Nonce: 4, To: carolAt, Gas: 200_000, Data: word,
			GasFeeCap: uint256.NewInt(10 * params.GWei), GasTipCap: uint256.NewInt(2), AuthList: []gethtypes.SetCodeAuthorization{permit},
		}))
		b.AddTx(f.tx(alice, 5, nil, 0, common.FromHex("0x60016000f3")))
	})
}

func (f *fixture) trace(out any, method string, parameters ...any) {
	f.t.Helper()
	have := f.call(method, parameters...)
	if have.Error != nil {
		f.t.Fatalf("%s: %+v", method, have.Error)
	}
	if err := json.Unmarshal(have.Result, out); err != nil {
		f.t.Fatalf("%s: %v in %s", method, err, have.Result)
	}
}

func TestCallTracesOfEveryKind(t *testing.T) {
	f := serve(t, nil)
	block := traced(t, f)
	receipts := f.chain.GetReceiptsByHash(block.Hash())
	var all []struct{ Result json.RawMessage }
	options := map[string]any{"tracer": "callTracer"}
	f.trace(&all, "debug_traceBlockByNumber", "latest", options)
	for i, want := range []struct {
		kind, inner, err string
	}{
		{"CALL", "CREATE2", ""}, {"CALL", "DELEGATECALL", ""}, {"CALL", "CALL", ""},
		{"CALL", "", "execution reverted"}, {"CALL", "", ""}, {"CREATE", "", ""},
	} {
		var single json.RawMessage
		f.trace(&single, "debug_traceTransaction", block.Transactions()[i].Hash(), options)
		if string(single) != string(all[i].Result) {
			t.Errorf("transaction %d alone: %s, in its block: %s", i, single, all[i].Result)
		}
		var have frame
		if err := json.Unmarshal(single, &have); err != nil {
			t.Fatal(err)
		}
		if have.Type != want.kind || have.Error != want.err || uint64(have.GasUsed) != receipts[i].GasUsed || (have.Error != "") != (receipts[i].Status == 0) {
			t.Errorf("transaction %d: %+v, receipt gas %d status %d", i, have, receipts[i].GasUsed, receipts[i].Status)
		}
		if want.inner != "" && (len(have.Calls) != 1 || have.Calls[0].Type != want.inner) {
			t.Errorf("transaction %d calls %+v, want one %s", i, have.Calls, want.inner)
		}
	}
	var caught frame
	f.trace(&caught, "debug_traceTransaction", block.Transactions()[2].Hash(), options)
	if inner := caught.Calls[0]; inner.Error != "execution reverted" || inner.RevertReason != "no" || caught.Error != "" {
		t.Errorf("a caught revert: %+v", caught)
	}
}

func TestOtherTracers(t *testing.T) {
	f := serve(t, nil)
	block := traced(t, f)
	delegated, setCode := block.Transactions()[1].Hash(), block.Transactions()[4]
	var diff struct {
		Post map[common.Address]struct {
			Code    hexutil.Bytes
			Storage map[common.Hash]common.Hash
		}
	}
	inDiffMode := map[string]any{"tracer": "prestateTracer", "tracerConfig": map[string]any{"diffMode": true}}
	f.trace(&diff, "debug_traceTransaction", delegated, inDiffMode)
	if have := diff.Post[delegator].Storage[common.Hash{}]; have != common.BigToHash(big.NewInt(5)) {
		t.Errorf("the delegate wrote %s", have)
	}
	f.trace(&diff, "debug_traceTransaction", setCode.Hash(), inDiffMode)
	carol := diff.Post[*setCode.To()]
	if target, ok := gethtypes.ParseDelegation(carol.Code); !ok || target != register || carol.Storage[common.Hash{}] != common.BigToHash(big.NewInt(5)) {
		t.Errorf("a delegation (EIP-7702): %+v", carol)
	}
	var selectors map[string]int
	f.trace(&selectors, "debug_traceTransaction", block.Transactions()[2].Hash(), map[string]any{"tracer": "4byteTracer"})
	if len(selectors) == 0 || selectors["0x08c379a0-96"] == 0 {
		t.Errorf("selectors: %v", selectors)
	}
	var steps struct {
		Gas        uint64
		Failed     bool
		StructLogs []struct{ Op string }
	}
	f.trace(&steps, "debug_traceTransaction", delegated)
	var ops []string
	for _, step := range steps.StructLogs {
		ops = append(ops, step.Op)
	}
	if have := strings.Join(ops, " "); steps.Failed || !strings.Contains(have, "GAS DELEGATECALL PUSH0 SLOAD") || !strings.HasSuffix(have, "RETURN") {
		t.Errorf("steps: %s, gas %d", have, steps.Gas)
	}
	logged := len(steps.StructLogs)
	f.trace(&steps, "debug_traceTransaction", delegated, map[string]any{"limit": 5, "tracer": ""})
	if len(steps.StructLogs) != 5 || logged <= 5 || uint64(steps.Gas) != f.chain.GetReceiptsByHash(block.Hash())[1].GasUsed {
		t.Errorf("a limit of 5 steps of %d: %d, gas %d", logged, len(steps.StructLogs), steps.Gas)
	}
}

func TestTraceCall(t *testing.T) {
	f := serve(t, nil)
	block := traced(t, f) // its second transaction stores 5 in delegator
	word := func(n int64) string { return hexutil.Encode(common.LeftPadBytes(big.NewInt(n).Bytes(), 32)) }
	read := map[string]any{"to": delegator, "input": word(6)}
	for _, c := range []struct {
		config map[string]any
		want   int64
	}{
		{map[string]any{}, 5},
		{map[string]any{"txIndex": "0x1"}, 0},
		{map[string]any{"txIndex": "0x2"}, 5},
		{map[string]any{"stateOverrides": map[string]any{delegator.Hex(): map[string]any{"stateDiff": map[string]any{word(0): word(8)}}}}, 8},
	} {
		c.config["tracer"] = "callTracer"
		var have frame
		f.trace(&have, "debug_traceCall", read, block.Hash(), c.config)
		if have.Output.String() != word(c.want) || len(have.Calls) != 1 {
			t.Errorf("%v: %+v, want %d", c.config, have, c.want)
		}
	}
}

func TestTracesThatAreRefused(t *testing.T) {
	f := serve(t, nil)
	traced(t, f)
	spin := map[string]any{"to": spinner, "gas": "0x2faf080"}
	for _, c := range []struct {
		name, method string
		parameters   []any
		code         int
		message      string
	}{
		{"time", "debug_traceCall", []any{spin, "latest", map[string]any{"tracer": "callTracer", "timeout": "30ms"}}, -32000, "tracing aborted (timeout = 30ms)"},
		{"no duration", "debug_traceCall", []any{spin, "latest", map[string]any{"timeout": "soon"}}, -32602, `timeout "soon" is no duration like "2s"`},
		{"negative", "debug_traceCall", []any{spin, "latest", map[string]any{"timeout": "-1s"}}, -32602, `timeout "-1s" is no duration like "2s"`},
		{"a script", "debug_traceCall", []any{spin, "latest", map[string]any{"tracer": "{step: 1}"}}, -32602, `tracer "{step: 1}" is not built in`},
		{"a script among others", "debug_traceCall", []any{spin, "latest", map[string]any{"tracer": "muxTracer",
			"tracerConfig": map[string]any{"callTracer": map[string]any{}, "nope": nil}}}, -32602, `tracer "nope" is not built in, or not to be run by another`},
		{"many in each other", "debug_traceCall", []any{spin, "latest", map[string]any{"tracer": "muxTracer", "tracerConfig": map[string]any{"muxTracer": map[string]any{}}}},
			-32602, `tracer "muxTracer" is not built in, or not to be run by another`},
		{"not tracers", "debug_traceCall", []any{spin, "latest", map[string]any{"tracer": "muxTracer", "tracerConfig": 1}}, -32602, "the tracerConfig of muxTracer has the configurations of tracers by their names"},
		{"genesis", "debug_traceBlockByNumber", []any{"0x0"}, -32000, "genesis is not traceable"},
		{"a later block", "debug_traceBlockByNumber", []any{"0x9"}, -32000, "block #9 not found"},
		{"no block", "debug_traceBlockByHash", []any{common.HexToHash("0x1")}, -32000, "block " + common.HexToHash("0x1").Hex() + " not found"},
		{"no transaction", "debug_traceTransaction", []any{common.HexToHash("0x1")}, -32000, "transaction not found"},
		{"no block for an index", "debug_traceCall", []any{spin, "0x9", map[string]any{"txIndex": "0x0"}}, -32000, "header not found"},
	} {
		have := f.call(c.method, c.parameters...)
		if have.Error == nil || have.Error.Code != c.code || have.Error.Message != c.message {
			t.Errorf("%s: %+v, want %d %q", c.name, have.Error, c.code, c.message)
		}
	}
}
