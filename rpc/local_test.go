package rpc_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/etherscale/bedrock/rpc"

	gethrpc "github.com/ethereum/go-ethereum/rpc"
)

// company is a node that tells about its peers.
type company struct{ home }

var _ rpc.Peers = (*company)(nil)

func (company) Peers(_ context.Context, measured bool) ([]rpc.Peer, error) {
	p := rpc.Peer{ID: "12D3KooWneighbour"}
	if ms := 1.5; measured {
		p.Latency = &ms
	}
	return []rpc.Peer{p}, nil
}

func (company) Reachability(context.Context) (*rpc.Reachability, error) {
	return &rpc.Reachability{State: rpc.Reachable}, nil
}

// TestOwnersMethods: who is connected, and from where, is told to the own machine alone.
func TestOwnersMethods(t *testing.T) {
	server := run(t, rpc.Config{Address: "127.0.0.1:0", ChainID: 1, Bedrock: &company{}})
	ask := func(method, parameters string, header map[string]string) string {
		t.Helper()
		request, err := http.NewRequest(http.MethodPost, server.HTTP(), bytes.NewReader([]byte(`{"jsonrpc":"2.0","id":1,"method":"`+method+`","params":[`+parameters+`]}`)))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		for k, v := range header {
			request.Header.Set(k, v)
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	if got := ask("bedrock_peers", "", nil); !strings.Contains(got, "12D3KooWneighbour") || strings.Contains(got, "latencyMs") {
		t.Error("from this machine:", got)
	}
	if got := ask("bedrock_peers", "true", nil); !strings.Contains(got, `"latencyMs":1.5`) {
		t.Error("measured:", got)
	}
	if got := ask("bedrock_reachability", "", nil); !strings.Contains(got, `"state":"reachable"`) {
		t.Error("reachability:", got)
	}
	for _, passedOn := range []string{"X-Forwarded-For", "Forwarded", "Via", "X-Real-Ip"} {
		for _, method := range []string{"bedrock_peers", "bedrock_reachability"} {
			if got := ask(method, "", map[string]string{passedOn: "198.51.100.7"}); !strings.Contains(got, "own machine only") {
				t.Errorf("%s, passed on with %s: %s", method, passedOn, got)
			}
		}
	}
	socket, err := gethrpc.Dial(server.WS())
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	var out json.RawMessage
	if err := socket.Call(&out, "bedrock_peers"); err == nil || !strings.Contains(err.Error(), "over HTTP") {
		t.Errorf("over a WebSocket: %s, %v", out, err)
	}
}

// TestNodesThatDoNotTell answers for nodes without peers or health.
func TestNodesThatDoNotTell(t *testing.T) {
	methods := serve(t, func(c *rpc.Config) { c.Bedrock = new(network) })
	if have := methods.call("bedrock_peers"); have.Error == nil {
		t.Error("a node that does not tell:", string(have.Result))
	}
	if have := methods.call("bedrock_health"); string(have.Result) != "null" {
		t.Error("a node that cannot tell:", string(have.Result))
	}
	healthy := serve(t, func(c *rpc.Config) { c.Bedrock = &home{ready: rpc.Readiness{Ready: true}} })
	if have := healthy.call("bedrock_health"); !strings.Contains(string(have.Result), `"ready":true`) {
		t.Error(string(have.Result), have.Error)
	}
}
