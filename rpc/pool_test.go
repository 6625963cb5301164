package rpc_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	gethtypes "github.com/ethereum/go-ethereum/core/types"

	"github.com/etherscale/bedrock/rpc"
)

func (f *fixture) sendAll(transactions ...*gethtypes.Transaction) {
	f.t.Helper()
	for _, tx := range transactions {
		if have := f.call("eth_sendRawTransaction", hexutil.Bytes(must(tx.MarshalBinary()))); have.Error != nil {
			f.t.Fatal(have.Error)
		}
	}
}

func TestPoolIsShown(t *testing.T) {
	f := serve(t, nil)
	f.sendAll(f.tx(alice, 0, &echo, 3, nil), f.tx(alice, 1, nil, 0, []byte{1}))
	var status struct{ Pending, Queued hexutil.Uint }
	f.trace(&status, "txpool_status")
	if status.Pending != 2 || status.Queued != 0 {
		t.Errorf("%+v", status)
	}
	var content, from struct{ Pending map[string]json.RawMessage }
	f.trace(&content, "txpool_content")
	f.trace(&from, "txpool_contentFrom", aliceAt)
	var all map[string]rpc.Transaction
	if err := json.Unmarshal(content.Pending[aliceAt.Hex()], &all); err != nil || len(all) != 2 || all["1"].To != nil || all["0"].From != aliceAt || all["0"].BlockHash != nil {
		t.Errorf("%v: %s", err, content.Pending)
	}
	if alone, _ := json.Marshal(from.Pending); string(alone) != string(content.Pending[aliceAt.Hex()]) {
		t.Errorf("from one account: %s, in all: %s", alone, content.Pending)
	}
	var inspected struct{ Pending map[string]map[string]string }
	f.trace(&inspected, "txpool_inspect")
	words := inspected.Pending[aliceAt.Hex()]
	if words["0"] != echo.Hex()+": 3 wei + 100000 gas × 10000000000 wei" || words["1"] != "contract creation: 0 wei + 100000 gas × 10000000000 wei" {
		t.Errorf("%v", words)
	}
	if have := f.call("txpool_contentFrom", echo); string(have.Result) != `{"pending":{},"queued":{}}` {
		t.Errorf("from nobody: %s", have.Result)
	}
}

// I6.
func TestPoolAnswersAreBounded(t *testing.T) {
	f := serve(t, nil)
	for i := range uint64(9) {
		f.sendAll(f.tx(alice, i, &echo, 0, make([]byte, 1<<20)))
	}
	for _, method := range []string{"txpool_content", "txpool_inspect"} {
		if have := f.call(method); have.code() != -38026 {
			t.Errorf("%s of 9 MiB: %+v, %d bytes", method, have.Error, len(have.Result))
		}
	}
	if have := f.call("txpool_status"); !strings.Contains(string(have.Result), `"pending":"0x9"`) {
		t.Errorf("%s", have.Result)
	}
}

// What a request may name twice, spelt differently, or beyond any size, ends in an error of its own.
func TestOddParameters(t *testing.T) {
	f := serve(t, nil)
	long := "0x" + strings.Repeat("f", 65)
	for _, c := range []struct {
		method, parameters string
		code               int
	}{
		{"eth_call", `[{"value":"` + long + `"}]`, -32602},
		{"eth_call", `[{"to":"0x12"}]`, -32602},
		{"eth_call", `[{"gas":"0x10000000000000000"}]`, -32602},
		{"eth_call", `[{},"latest",{},{"withdrawals":[]}]`, -32000},
		{"eth_getBalance", `["` + aliceAt.Hex() + `","0x10000000000000000"]`, -32602},
		{"eth_getBalance", `["` + aliceAt.Hex() + `",{"blockHash":"0x1"}]`, -32602},
		{"eth_getStorageAt", `["` + aliceAt.Hex() + `","` + long + `","latest"]`, -32602},
		{"eth_simulateV1", `[{"blockStateCalls":[{"calls":{}}]}]`, -32602},
		{"eth_simulateV1", `[]`, -32602},
		{"debug_traceCall", `[{},"latest",{"txIndex":"-0x1"}]`, -32602},
		{"debug_traceTransaction", `["0x12"]`, -32602},
		{"txpool_contentFrom", `["0x12"]`, -32602},
		{"eth_feeHistory", `["0x1","latest",[101]]`, -32000},
		{"eth_getLogs", `[{"fromBlock":"0x2","toBlock":"0x1"}]`, -32602},
	} {
		body := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":%s}`, c.method, c.parameters)
		if have := decode(t, post(t, f.server.HTTP(), body, nil)); have.code() != c.code {
			t.Errorf("%s%.100s: %+v %.100s, want %d", c.method, c.parameters, have.Error, have.Result, c.code)
		}
	}
	deep := `{"jsonrpc":"2.0","id":1,"method":"eth_call","params":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`
	if have := decode(t, post(t, f.server.HTTP(), deep, nil)); have.Error == nil {
		t.Errorf("a hundred thousand lists in each other: %.100s", have.Result)
	}
	if have := f.call("eth_blockNumber"); have.Error != nil || common.HexToHash(strings.Trim(string(have.Result), `"`)) != (common.Hash{}) {
		t.Errorf("afterwards: %+v", have)
	}
}
