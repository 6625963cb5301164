package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSetInFile changes lines of a config.toml and nothing else.
func TestSetInFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), File)
	set := func(key string, values ...string) {
		t.Helper()
		if err := SetInFile(path, key, values); err != nil {
			t.Fatal(err)
		}
	}
	holds := func(want string) {
		t.Helper()
		got, err := os.ReadFile(path)
		if err != nil || string(got) != want {
			t.Fatalf("the file is %q, want %q, %v", got, want, err)
		}
	}
	set("role", "peer")
	holds("role = 'peer'\n")
	if err := os.WriteFile(path, []byte("# mine\nrole = \"peer\" # for now\nrpc = \"off\""), 0o600); err != nil {
		t.Fatal(err)
	}
	set("role", "prover")
	set("bootstrap")
	set("no_port_mapping", "true")
	holds("# mine\nrole = 'prover'\nrpc = \"off\"\nno_port_mapping = true\n")
	set("listen", "/ip4/127.0.0.1/tcp/1", "/ip4/127.0.0.1/tcp/2")
	set("rpc")
	set("no_port_mapping", "false")
	holds("# mine\nrole = 'prover'\nno_port_mapping = false\nlisten = ['/ip4/127.0.0.1/tcp/1', '/ip4/127.0.0.1/tcp/2']\n")
	for key, want := range map[string]string{"rol": `did you mean "role"`, "role": "choose one of", "upload": "write it as"} {
		if err := SetInFile(path, key, []string{"x"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", key, err)
		}
	}
}

// TestSetInFileLeavesWhatItDoesNotGrasp: a list over several lines, an old key and a broken file stay as they are.
func TestSetInFileLeavesWhatItDoesNotGrasp(t *testing.T) {
	path := filepath.Join(t.TempDir(), File)
	for file, want := range map[string]error{
		"listen = [\n'/ip4/127.0.0.1/tcp/1',\n]\n": ErrByHand,
		"listen = ": nil,
	} {
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		err := SetInFile(path, "listen", []string{"/ip4/127.0.0.1/tcp/2"})
		if err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%q: %v", file, err)
		}
		if got, _ := os.ReadFile(path); string(got) != file {
			t.Errorf("%q became %q", file, got)
		}
		if _, err := os.Stat(path + ".new"); err == nil {
			t.Error("something is left over")
		}
	}
}
