package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// examination is what `bedrock doctor --json` prints.
type examination struct {
	Schema int                                                `json:"schema"`
	Checks []struct{ Code, Name, Verdict, Text, Next string } `json:"checks"`
}

// doctor runs it on a home.
func doctor(t *testing.T, home string, flags ...string) (found map[string]string, code int) {
	t.Helper()
	stdout, stderr, code := run(t, append([]string{"doctor", "--home", home, "--json"}, flags...)...)
	var e examination
	if err := json.Unmarshal([]byte(stdout), &e); err != nil || e.Schema != 1 {
		t.Fatalf("doctor: exit code %d, printed %q (%v)\n%s", code, stdout, err, stderr)
	}
	found = make(map[string]string)
	for _, c := range e.Checks {
		if c.Code == "" || c.Text == "" || (c.Verdict != "PASS") != (c.Next != "") {
			t.Errorf("a finding is not whole: %+v", c)
		}
		found[c.Name] = c.Verdict
	}
	return found, code
}

// TestDoctor examines a home before its first start, while its node runs, and after somebody opened its key to others.
func TestDoctor(t *testing.T) {
	long(t)
	n := newNetwork(t, 1)
	s := n.sequencers[0]
	if found, code := doctor(t, s.home); code != 0 || len(found) < 10 || found["database"] != "PASS" || found["keys"] != "PASS" || found["config"] != "PASS" {
		t.Errorf("before the first start: %v, exit code %d", found, code)
	}
	s.run(t)
	n.waitHeight(t, 2)
	if found, code := doctor(t, s.home); code != 0 || found["database"] != "PASS" || found["clock"] != "PASS" || found["reachability"] != "PASS" {
		t.Errorf("while the node runs: %v, exit code %d", found, code)
	}
	s.proc.interrupt(t)
	key := filepath.Join(s.home, "node.key")
	if err := os.Chmod(key, 0o644); err != nil {
		t.Fatal(err)
	}
	if found, code := doctor(t, s.home, "--only", "keys"); code != 5 || len(found) != 1 || found["keys"] != "FAIL" {
		t.Errorf("with an open key: %v, exit code %d", found, code)
	}
	if err := os.Chmod(key, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, stderr, code := run(t, "doctor", "--home", s.home, "--only", "nothing"); code != 2 {
		t.Errorf("a check that does not exist: exit code %d, %s", code, stderr)
	}
}
