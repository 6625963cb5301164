package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/etherscale/bedrock/node/config"
)

// TestAnotherServer: what listens at the address is no node. The error is one line.
func TestAnotherServer(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	out, code := typed(t, "status", "--rpc", server.URL)
	if code != exitNoAnswer || strings.Contains(out, "\n") || !strings.Contains(out, "404") {
		t.Errorf("%d: %q", code, out)
	}
}

// TestNodeOfTheHomeIsAsked by verbs that work with a home, where one runs there: the usual address may be another network's.
func TestNodeOfTheHomeIsAsked(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	home, at := t.TempDir(), strings.TrimPrefix(server.URL, "http://")
	f := queryFlags{}
	if f.preferHome(home); f.rpc != "" {
		t.Errorf("nothing runs there, and %q is asked", f.rpc)
	}
	withdraw, err := config.Running{PID: os.Getpid(), Role: config.Peer, RPC: at}.Announce(home)
	if err != nil {
		t.Fatal(err)
	}
	if f.preferHome(home); f.rpc != at {
		t.Errorf("%q is asked, not %q", f.rpc, at)
	}
	named := queryFlags{rpc: "127.0.0.1:9"}
	if named.preferHome(home); named.rpc != "127.0.0.1:9" {
		t.Errorf("--rpc is not heard: %q", named.rpc)
	}
	if err := withdraw(); err != nil {
		t.Fatal(err)
	}
}
