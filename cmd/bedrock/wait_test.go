package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/etherscale/bedrock/rpc"
)

// told is a node that answers what it is told to.
type told struct {
	mu     sync.Mutex
	status rpc.Status
	ready  rpc.Readiness
	peers  []rpc.Peer
	asked  int
	then   func(*told, int) // after each question for the status
}

func (n *told) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var question struct {
		ID     json.RawMessage `json:"id"`
		Method string          `json:"method"`
	}
	if err := json.NewDecoder(r.Body).Decode(&question); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	var result any
	switch question.Method {
	case "bedrock_status":
		n.asked++
		if n.then != nil {
			n.then(n, n.asked)
		}
		result = n.status
	case "bedrock_health":
		result = n.ready
	case "bedrock_peers":
		result = n.peers
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"jsonrpc": "2.0", "id": question.ID, "result": result})
}

// typed runs a command line against the node and returns what it prints and its exit code.
func (n *told) typed(t *testing.T, args ...string) (string, int) {
	t.Helper()
	return n.typedIn(t, context.Background(), args...)
}

func (n *told) typedIn(t *testing.T, ctx context.Context, args ...string) (string, int) {
	t.Helper()
	server := httptest.NewServer(n)
	defer server.Close()
	return typedIn(t, ctx, append(args, "--rpc", server.URL)...)
}

func typed(t *testing.T, args ...string) (string, int) {
	t.Helper()
	return typedIn(t, context.Background(), args...)
}

func typedIn(t *testing.T, ctx context.Context, args ...string) (string, int) {
	t.Helper()
	var out bytes.Buffer
	root := newRoot()
	root.SetOut(&out)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var exit *exitError
	switch {
	case err == nil:
		return out.String(), exitOK
	case errors.As(err, &exit):
		return out.String() + err.Error(), exit.code
	}
	return out.String() + err.Error(), exitCodeOf(err)
}

// TestWait returns when all that is named holds, and says what is missing when the time is over.
func TestWait(t *testing.T) {
	n := &told{then: func(n *told, asked int) { n.status.Sampled = rpc.Height(asked) }}
	if out, code := n.typed(t, "wait", "--sampled", "3", "--timeout", "30s"); code != exitOK || !strings.HasPrefix(out, "done after ") || n.asked != 3 {
		t.Errorf("sampled: %d after %d questions: %s", code, n.asked, out)
	}
	if out, code := n.typed(t, "wait", "--sampled", "3", "--json"); code != exitOK || !strings.HasPrefix(out, `{"schema":1,"kind":"wait","result":{"done":true`) {
		t.Errorf("as JSON: %d: %s", code, out)
	}
	stuck := &told{status: rpc.Status{Sampled: 2, Reachability: "unreachable"}}
	if out, code := stuck.typed(t, "wait", "--sampled", "3", "--timeout", "1s"); code != exitNegative || !strings.Contains(out, "sampled up to block 2") {
		t.Errorf("never sampled: %d: %s", code, out)
	}
	if out, code := stuck.typed(t, "wait", "--reachable", "--timeout", "1s", "--json"); code != exitNegative || !strings.Contains(out, `"done":false,"missing":"others cannot dial`) {
		t.Errorf("never reachable: %d: %s", code, out)
	}
	behind := &told{ready: rpc.Readiness{Checks: []rpc.Check{{Name: "executed", Detail: "executed 1 of 90 blocks"}, {Name: "sampled", Detail: "none"}}}}
	if out, code := behind.typed(t, "wait", "--synced", "--timeout", "1s"); code != exitNegative || !strings.Contains(out, "executed 1 of 90 blocks") || strings.Contains(out, "none") {
		t.Errorf("never synced: %d: %s", code, out)
	}
	behind.ready.Checks[0].OK = true
	if out, code := behind.typed(t, "wait", "--synced"); code != exitOK {
		t.Errorf("synced, not sampled: %d: %s", code, out)
	}
	relayed := &told{status: rpc.Status{Reachability: "relayed"}}
	if out, code := relayed.typed(t, "wait", "--reachable"); code != exitOK {
		t.Errorf("through a relay: %d: %s", code, out)
	}
	if out, code := (&told{}).typed(t, "wait", "--reachable"); code != exitNegative || !strings.Contains(out, "in one house") {
		t.Errorf("in a private network, where it never will be: %d: %s", code, out)
	}
	ctx, cancel := context.WithCancel(context.Background())
	interrupted := &told{then: func(*told, int) { cancel() }}
	if out, code := interrupted.typedIn(t, ctx, "wait", "--sampled", "3"); code != exitNegative || !strings.Contains(out, "stopped before") {
		t.Errorf("Ctrl-C: %d: %s", code, out)
	}
	if out, code := typed(t, "wait", "--sampled", "1", "--timeout", "500ms", "--rpc", "127.0.0.1:1"); code != exitNoAnswer || !strings.Contains(out, "no answer") {
		t.Errorf("nobody there: %d: %s", code, out)
	}
	old := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"the method does not exist"}}`))
	}))
	defer old.Close()
	if out, code := typed(t, "wait", "--synced", "--rpc", old.URL); code != exitFailure || !strings.Contains(out, "does not exist") {
		t.Errorf("a node that cannot tell: %d: %s", code, out)
	}
	if out, code := typed(t, "wait"); code != exitUsage || !strings.Contains(out, "say what to wait for") {
		t.Errorf("for nothing: %d: %s", code, out)
	}
}

// TestStatusEndsWithHealth: the worst is the last on the screen, with the next command; --check is for scripts.
func TestStatusEndsWithHealth(t *testing.T) {
	since := time.Now().Add(-90 * time.Second)
	n := &told{status: rpc.Status{Role: "peer", Version: "bedrock/0", Network: "granite", NetworkID: strings.Repeat("ab", 32), Certified: 7, CertifiedAt: since, Sampled: 6,
		Confidence: 39.4, Peers: 3, Relayed: 2, Reachability: "relayed", Since: since, Ready: true, Health: []rpc.Ailing{
			{Code: "BR-SEQ-001", Severity: "failure", Title: "in the committee, and silent", Detail: "round 3", Next: "`bedrock peers`", Since: since},
			{Code: "BR-NET-003", Severity: "info", Title: "reachable through relays only", Next: "nothing", Since: since},
		}, Budgets: []rpc.Budget{{Name: "memory", Used: 100 << 20, Budget: 2 << 30, Unit: "bytes"}, {Name: "bandwidth", Used: 1000, Budget: 1_250_000, Unit: "bytes/s"}}}}
	out, code := n.typed(t, "status")
	if code != exitOK {
		t.Fatalf("%d: %s", code, out)
	}
	for _, want := range []string{"network    granite (abababababababab...)", "certified  7, 1 min 30 s old", "sampled    6, sure to 1 - 2^-39", "3, 2 of them through relays; others reach this node through relays",
		"memory     100.0 MiB of 2.0 GiB", "bandwidth  0.01 Mbit/s of 10.00 Mbit/s", "version    bedrock/0, up 1 min 30 s"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	info, failure := strings.Index(out, "info BR-NET-003"), strings.Index(out, "failure BR-SEQ-001: in the committee, and silent, for 1 min 30 s\n  round 3\n  next: `bedrock peers`\n")
	if info < 0 || failure < info || !strings.HasSuffix(out, "\nready: up to date, and has sampled a recent block itself\n") {
		t.Errorf("health at %d and %d of\n%s", info, failure, out)
	}
	if out, code := n.typed(t, "status", "--check"); code != exitNegative {
		t.Errorf("a failure, checked: %d: %s", code, out)
	}
	n.status.Health = n.status.Health[1:]
	if out, code := n.typed(t, "status", "--check", "--json"); code != exitOK {
		t.Errorf("an info, checked: %d: %s", code, out)
	}
	n.status.Ready = false
	if out, code := n.typed(t, "status", "--check", "--json"); code != exitNegative || !strings.HasPrefix(out, `{"schema":1,"kind":"status"`) {
		t.Errorf("not ready, checked: %d: %s", code, out)
	}
}

func TestPeersTable(t *testing.T) {
	place, ms := uint64(2), 12.34
	n := &told{peers: []rpc.Peer{
		{ID: "12D3KooWone", Member: &place, Addr: "/ip4/192.0.2.1/udp/4848/quic-v1", Transport: "quic", Direction: "out", Latency: &ms, Agent: "bedrock/0", Since: time.Now().Unix() - 60},
		{ID: "12D3KooWtwo", Addr: "/ip4/192.0.2.2/tcp/1/p2p-circuit", Transport: "relay", Direction: "in", Agent: "bedrock/0"},
	}}
	out, code := n.typed(t, "peers")
	if code != exitOK {
		t.Fatalf("%d: %s", code, out)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 4 || lines[3] != "2 peers, 1 of them through relays" {
		t.Fatalf("%q", lines)
	}
	for i, want := range [][]string{{"PEER", "WHAT", "LINK"}, {"12D3KooWone", "member", "2", "direct", "quic", "us", "12.3", "ms", "1", "min", "0", "s"}, {"12D3KooWtwo", "light", "relayed", "them", "none"}} {
		if got := strings.Fields(lines[i]); strings.Join(got[:len(want)], " ") != strings.Join(want, " ") {
			t.Errorf("line %d: %q, want it to begin with %q", i, lines[i], want)
		}
	}
	var narrow strings.Builder
	if err := printPeers(&narrow, []rpc.Peer{
		{ID: "12D3KooWACi6of9L9WRUTw537oXiwNHrvBBqSGGEGQk4Q3iF3YML", Keeps: true, Addr: "/ip6/2001:db8::7/udp/4848/quic-v1", Transport: "quic", Direction: "out", Agent: "bedrock/0.6"},
		{ID: "12D3KooWDPjr1byYh9k6ZqsgerMqZAL7Grmcaqn5JeiPxd4D7R7b", Addr: "/ip4/192.0.2.2/tcp/1/p2p/12D3KooWACi6of9L9WRUTw537oXiwNHrvBBqSGGEGQk4Q3iF3YML/p2p-circuit", Transport: "relay", Agent: "bedrock/0.6"},
	}, time.Now(), true); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"...iF3YML  peer ", " 0.6  ", "  [2001:db8::7]:4848\n", "...4D7R7b  light ", "  192.0.2.2:1\n"} {
		if !strings.Contains(strings.ReplaceAll(narrow.String(), "0.6      ", "0.6  "), want) {
			t.Errorf("on a terminal: no %q in\n%s", want, narrow.String())
		}
	}
	if out, code := (&told{}).typed(t, "peers"); code != exitOK || !strings.Contains(out, "connected to nobody") {
		t.Errorf("none: %d: %s", code, out)
	}
	if out, code := n.typed(t, "peers", "--json"); code != exitOK || !strings.HasPrefix(out, `{"schema":1,"kind":"peers","result":[{"id":"12D3KooWone","member":2`) {
		t.Errorf("as JSON: %d: %s", code, out)
	}
}
