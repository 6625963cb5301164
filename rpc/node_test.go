package rpc_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/types"
)

// home is a node with everything that a Bedrock may also be.
type home struct {
	network
	ready rpc.Readiness
}

func (h *home) Ready(context.Context) rpc.Readiness { return h.ready }

func (h *home) Rebuild(_ context.Context, height types.Height) (uint64, error) {
	if height != 17 {
		return 0, errors.New("no such block")
	}
	return 5, nil
}

func (h *home) Rebuilding(_ context.Context, job uint64) (*rpc.Rebuilding, error) {
	if job != 5 {
		return nil, nil
	}
	return &rpc.Rebuilding{Height: 17, State: rpc.RebuildDone, Rows: 16, Needed: 16, Peers: 3, Bytes: 4}, nil
}

func (h *home) Rebuilt(_ context.Context, job, offset uint64, most int) ([]byte, error) {
	if job != 5 || offset >= 4 || most != rpc.MaxRebuiltPart {
		return nil, nil
	}
	return []byte("data")[offset:], nil
}

func (h *home) ForgetRebuilding(_ context.Context, job uint64) bool { return job == 5 }

func (h *home) Storage(context.Context) (*rpc.Storage, error) {
	return &rpc.Storage{Rows: 7, Repair: rpc.StorageRepair{Lowest: &rpc.LiveRows{Height: 9, Share: 0.5}}}, nil
}

func TestBlocksFromRows(t *testing.T) {
	f := serve(t, func(c *rpc.Config) { c.Bedrock = new(home) })
	for _, c := range []struct {
		method     string
		parameters []any
		want       string
	}{
		{"bedrock_rebuildBlock", []any{"0x11"}, `"0x5"`},
		{"bedrock_getRebuilding", []any{"0x5"}, `"height":"0x11","state":"rebuilt"`},
		{"bedrock_getRebuilding", []any{"0x6"}, `null`},
		{"bedrock_getRebuiltData", []any{"0x5", "0x0"}, `"0x64617461"`},
		{"bedrock_getRebuiltData", []any{"0x5", "0x3"}, `"0x61"`},
		{"bedrock_getRebuiltData", []any{"0x5", "0x4"}, `null`},
		{"bedrock_forgetRebuilding", []any{"0x5"}, `true`},
		{"bedrock_forgetRebuilding", []any{"0x6"}, `false`},
		{"bedrock_getStorage", nil, `"lowest":{"height":"0x9","share":0.5}`},
	} {
		if have := f.call(c.method, c.parameters...); !strings.Contains(string(have.Result), c.want) {
			t.Errorf("%s%v: %s (%+v), want %s", c.method, c.parameters, have.Result, have.Error, c.want)
		}
	}
	if have := f.call("bedrock_rebuildBlock", "0x12"); have.Error == nil {
		t.Error("a block that is not there:", string(have.Result))
	}
	plain := serve(t, func(c *rpc.Config) { c.Bedrock = new(network) })
	for _, method := range []string{"bedrock_rebuildBlock", "bedrock_getRebuilding"} {
		if have := plain.call(method, "0x1"); have.code() != -32602 {
			t.Errorf("%s of a node without: %d", method, have.code())
		}
	}
	if have := plain.call("bedrock_getStorage"); string(have.Result) != "null" {
		t.Error(string(have.Result))
	}
}

func TestHealthPaths(t *testing.T) {
	h := &home{ready: rpc.Readiness{Checks: []rpc.Check{{Name: "head", Detail: "90 s old"}}}}
	server := run(t, rpc.Config{Address: "127.0.0.1:0", ChainID: 1, Bedrock: h})
	get := func(path, accept string) (int, string) {
		t.Helper()
		ask, err := http.NewRequest(http.MethodGet, server.HTTP()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		ask.Header.Set("Accept", accept)
		answer, err := http.DefaultClient.Do(ask)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, string(body)
	}
	const asJSON = "application/json"
	h.ready.Health = []rpc.Ailing{{Code: "BR-NET-001", Severity: "failure", Title: "no peers", Detail: "0 peers"}}
	var ready rpc.Readiness
	if code, body := get("/readyz", asJSON); code != http.StatusServiceUnavailable || json.Unmarshal([]byte(body), &ready) != nil || ready.Checks[0].Detail != "90 s old" ||
		ready.Health[0].Code != "BR-NET-001" {
		t.Error("not ready:", code, body)
	}
	if code, body := get("/readyz", "*/*"); code != http.StatusServiceUnavailable || body != "[-]head failed: 90 s old\n[!]BR-NET-001 no peers: 0 peers\nnot ready\n" {
		t.Error("not ready, in plain text:", code, body)
	}
	h.ready.Ready, h.ready.Checks[0].OK = true, true
	if code, body := get("/readyz", asJSON); code != http.StatusOK || !strings.Contains(body, `"ready":true`) {
		t.Error("ready:", code, body)
	}
	if code, body := get("/readyz", ""); code != http.StatusOK || body != "ok\n" {
		t.Error("ready, in plain text:", code, body)
	}
	if code, body := get("/readyz?verbose", ""); code != http.StatusOK || !strings.HasPrefix(body, "[+]head ok: 90 s old\n") || !strings.HasSuffix(body, "\nready\n") {
		t.Error("ready, verbose:", code, body)
	}
	if code, body := get("/livez", ""); code != http.StatusOK || body != "ok\n" {
		t.Error("live:", code, body)
	}
	if code, body := get("/livez", asJSON); code != http.StatusOK || !strings.Contains(body, `"live":true`) {
		t.Error("live:", code, body)
	}
	answer, err := http.Post(server.HTTP()+"/readyz", "application/json", strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"web3_clientVersion"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if body, _ := io.ReadAll(answer.Body); !strings.Contains(string(body), `"result"`) {
		t.Error("a request to that path is a request:", string(body))
	}
}
