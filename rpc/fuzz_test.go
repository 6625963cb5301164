package rpc_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/etherscale/bedrock/rpc"
)

// What no decoder may do: panic, answer without a result and an error, or forget to answer.
func FuzzCallParameters(f *testing.F) {
	for _, seed := range []string{
		`{"blockStateCalls":[{}]}`,
		`{"blockStateCalls":[{"blockOverrides":{"number":"0x3","time":"0x30","gasLimit":"0x10000","baseFeePerGas":"0x1","blobBaseFee":"0x1","beaconRoot":"0x0000000000000000000000000000000000000000000000000000000000000001","withdrawals":[{"address":"0x00000000000000000000000000000000000000aa","amount":"0x1"}]},"stateOverrides":{"0x00000000000000000000000000000000000000aa":{"balance":"0xffff","nonce":"0x2","code":"0x5f5ff3","stateDiff":{}}},"calls":[{"from":"0x00000000000000000000000000000000000000aa","gasPrice":"0x1","accessList":[]},{"blobVersionedHashes":[],"to":"0x00000000000000000000000000000000000000aa"}]}],"traceTransfers":true,"validation":true,"returnFullTransactions":true}`,
		`{"blockStateCalls":[{"calls":[{"authorizationList":[{"chainId":"0x1","address":"0x00000000000000000000000000000000000000e2","nonce":"0x0","yParity":"0x0","r":"0x1","s":"0x1"}],"to":"0x00000000000000000000000000000000000000aa"}]}]}`,
		`{"blockStateCalls":[{"stateOverrides":{"0x0000000000000000000000000000000000000001":{"movePrecompileToAddress":"0x00000000000000000000000000000000000000aa"}}}]}`,
		`{"blockStateCalls":[{"blockOverrides":{"number":"0x100000000000000000000"}}]}`, `{"blockStateCalls":{}}`, `{"blockStateCalls":null}`,
		`{"blockStateCalls":[{"calls":null,"stateOverrides":null,"blockOverrides":null}]}`, `{"blockStateCalls":[1]}`, `[]`, `"0x"`, `null`,
		`{"to":"0x00000000000000000000000000000000000000e2","input":"0x01","maxFeePerBlobGas":"0x0"}`,
		`{"from":"0x00000000000000000000000000000000000000aa","maxFeePerGas":"0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff","maxPriorityFeePerGas":"0x1","value":"0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"}`,
	} {
		f.Add(seed)
	}
	s := serve(f, func(c *rpc.Config) { c.GasCap = 200_000 })
	f.Fuzz(func(t *testing.T, parameter string) {
		if !json.Valid([]byte(parameter)) || len(parameter) > 1<<16 {
			t.Skip()
		}
		for _, method := range []string{"eth_simulateV1", "eth_call", "debug_traceCall", "eth_fillTransaction", "eth_createAccessList"} {
			body := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":[%s]}`, method, parameter)
			have := decode(t, post(t, s.server.HTTP(), body, nil))
			if have.Error == nil && have.Result == nil {
				t.Errorf("%s answers nothing", method)
			}
			if have.Error != nil && strings.Contains(have.Error.Message, "method handler crashed") {
				t.Errorf("%s crashed", method)
			}
		}
	})
}
