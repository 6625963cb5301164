package rpc_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/etherscale/bedrock/rpc"
)

// newcomer is a node that joins until it is there.
type newcomer struct {
	network
	there atomic.Bool
}

func (n *newcomer) Status(ctx context.Context) (*rpc.Status, error) {
	s, err := n.network.Status(ctx)
	s.Certified = 2
	if !n.there.Load() {
		s.Joining = &rpc.Joining{Stage: "headers", Done: 2, Total: 1000, Text: "following headers, 0 %"}
	}
	return s, err
}

// TestJoiningNodeSaysSo: before a node was near the newest block it says how far it is, and neither tells of the newest state
// nor takes a transaction; what is of a block by its number, and what needs no state, it answers. Afterwards all is as ever.
func TestJoiningNodeSaysSo(t *testing.T) {
	n := new(newcomer)
	f := serve(t, func(c *rpc.Config) {
		c.Bedrock = n
		c.Joining = func() string {
			if n.there.Load() {
				return ""
			}
			return "following headers, 0 %"
		}
	})
	who := common.Address{1}.Hex()
	call := map[string]string{"to": who}
	refused := map[string][]any{"eth_getBalance": {who, "latest"}, "eth_getTransactionCount": {who, "pending"}, "eth_call": {call, "latest"},
		"eth_estimateGas": {call}, "eth_getCode": {who, "latest"}}
	envelope, err := f.tx(alice, 0, &common.Address{2}, 1, nil).MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	refused["eth_sendRawTransaction"] = []any{"0x" + common.Bytes2Hex(envelope)}
	for method, parameters := range refused {
		have := f.call(method, parameters...)
		if have.Error == nil || !strings.Contains(have.Error.Message, "still joining the network (following headers, 0 %): ask again later") {
			t.Errorf("%s: %s %+v", method, have.Result, have.Error)
		}
	}
	for method, parameters := range map[string][]any{"eth_getBalance": {who, "0x0"}, "eth_chainId": nil, "eth_blockNumber": nil, "net_version": nil} {
		if have := f.call(method, parameters...); have.Error != nil {
			t.Errorf("%s: %+v", method, have.Error)
		}
	}
	have := string(f.call("eth_syncing").Result)
	for _, want := range []string{`"highestBlock":"0x3e8"`, `"stage":"headers"`, `"text":"following headers, 0 %"`, `"currentBlock":"0x`} {
		if !strings.Contains(have, want) {
			t.Errorf("eth_syncing: no %s in %s", want, have)
		}
	}
	n.there.Store(true)
	if have := string(f.call("eth_syncing").Result); have != "false" {
		t.Errorf("eth_syncing of a node that is there: %s", have)
	}
	for method, parameters := range refused {
		if have := f.call(method, parameters...); have.Error != nil {
			t.Errorf("%s of a node that is there: %+v", method, have.Error)
		}
	}
}
