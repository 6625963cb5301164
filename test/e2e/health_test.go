package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/etherscale/bedrock/rpc"
)

// tellsOfItself asks a node that is ready in every way that it can be asked: by verbs, their exit codes, and its metrics.
func (p *peer) tellsOfItself(t *testing.T, sampled rpc.Height) {
	t.Helper()
	mustRun(t, "wait", "--rpc", p.ready.RPC, "--synced", "--sampled", strconv.FormatUint(uint64(sampled), 10), "--timeout", "60s")
	if out := mustRun(t, "status", "--rpc", p.ready.RPC, "--check"); !strings.Contains(out, "sure to 1 - 2^-") || !strings.HasSuffix(out, "ready: up to date, and has sampled a recent block itself\n") {
		t.Errorf("%s: status:\n%s", p.name, out)
	}
	var listed struct {
		Schema int        `json:"schema"`
		Result []rpc.Peer `json:"result"`
	}
	if out := mustRun(t, "peers", "--rpc", p.ready.RPC, "--json"); json.Unmarshal([]byte(out), &listed) != nil || listed.Schema != 1 {
		t.Fatalf("%s: peers: %s", p.name, out)
	}
	members, echoes := 0, 0
	for _, l := range listed.Result {
		if l.Member != nil {
			members++
		}
		if l.Latency != nil {
			echoes++
		}
		if l.Transport == "relay" || l.Agent == "" || l.Member != nil && !l.Keeps {
			t.Errorf("%s: a peer on the same machine: %+v", p.name, l)
		}
	}
	if members < 3 || echoes < 3 {
		t.Errorf("%s: %d peers, %d of them members, %d answer an echo", p.name, len(listed.Result), members, echoes)
	}
	answer, err := http.Get(p.ready.Metrics)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(string(body), "\nbedrock_ready 1\n") || !strings.Contains(string(body), "\nlibp2p_") {
		t.Errorf("%s: metrics: %d, %d bytes, %v", p.name, answer.StatusCode, len(body), err)
	}
}

// ailsAlone waits until a node whose peers are all gone says so, and nothing of what follows from it.
func (p *peer) ailsAlone(t *testing.T) {
	t.Helper()
	eventually(t, availableWithin, p.name+" says that it is alone", func() error {
		out, _, code := run(t, "status", "--rpc", p.ready.RPC, "--check", "--json")
		var status struct {
			Result rpc.Status `json:"result"`
		}
		if err := json.Unmarshal([]byte(out), &status); err != nil {
			return err
		}
		health := status.Result.Health
		if code != 5 || len(health) == 0 || health[0].Code != "BR-NET-001" {
			return fmt.Errorf("exit code %d, health %+v", code, health)
		}
		for _, a := range health[1:] {
			if a.Severity == "failure" {
				return fmt.Errorf("what follows is told, too: %+v", a)
			}
		}
		return nil
	})
	if _, stderr, code := run(t, "wait", "--rpc", p.ready.RPC, "--sampled", "1000000", "--timeout", "1s"); code != 5 || !strings.Contains(stderr, "sampled up to block") {
		t.Errorf("waiting for what does not come: %d, %s", code, stderr)
	}
}
