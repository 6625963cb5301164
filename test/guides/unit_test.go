package guides

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const unitFile = "deploy/systemd/bedrock@.service"

// TestUnit: the unit is one that systemd accepts, and its command line runs a node in the directory that it names.
func TestUnit(t *testing.T) {
	s := newStage(t)
	for _, line := range []string{
		"sudo install -m 755 ~/.local/bin/bedrock /usr/local/bin/bedrock",
		"sudo install -m 644 " + unitFile + " /etc/systemd/system/bedrock@.service",
	} {
		if out, err := s.shell(line); err != nil {
			t.Fatalf("%s: %v\n%s", line, err, out)
		}
	}
	if _, err := exec.LookPath("systemd-analyze"); err == nil {
		if out, err := s.shell(`mkdir "$ROOT/verify" && sed "s#/usr/local/bin/#$ROOT/usr/local/bin/#" ` + unitFile + ` >"$ROOT/verify/bedrock@.service" && systemd-analyze verify --man=no "$ROOT/verify/bedrock@.service"`); err != nil || strings.Contains(out, "bedrock@") {
			t.Errorf("systemd does not take %s: %v\n%s", unitFile, err, out)
		}
	} else {
		t.Log("systemd-analyze is missing: the unit is not verified by systemd")
	}
	unit := unitSettings(t)
	s.env = append(s.env, "BEDROCK_HOME="+strings.ReplaceAll(strings.TrimPrefix(unit["Environment"], "BEDROCK_HOME="), "%S", s.path("var-lib")))
	line := strings.ReplaceAll(strings.Replace(unit["ExecStart"], "/usr/local/bin/bedrock", filepath.Join(s.root, "/usr/local/bin/bedrock"), 1), "%i", "light")
	s.start(command{text: line})
	if out, err := s.shell("bedrock wait --sampled 1 --timeout 60s"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := os.Stat(s.path("var-lib/bedrock/node.key")); err != nil {
		t.Error(err)
	}
	s.stop()
	for _, code := range []string{"2", "4", "6", "7", "8"} {
		if !strings.Contains(" "+unit["RestartPreventExitStatus"]+" ", " "+code+" ") {
			t.Errorf("the unit restarts a node that ended with %s, which a restart does not heal", code)
		}
	}
}

// unitSettings reads the unit's assignments.
func unitSettings(t *testing.T) map[string]string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", unitFile))
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]string)
	for line := range strings.Lines(string(raw)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(key, "#") {
			found[key] = value
		}
	}
	return found
}
