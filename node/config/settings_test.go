package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

func layersOf(t *testing.T, config string) (*Layers, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), File)
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return ReadLayers(path)
}

func TestLayersGoOverEachOther(t *testing.T) {
	l, err := layersOf(t, "role = \"prover\"\nupload_mbit = 10\nlisten = [\"/ip4/127.0.0.1/tcp/0\"]\nno_port_mapping = true\n")
	if err != nil {
		t.Fatal(err)
	}
	if l.Settings.Role != Prover || l.Settings.Upload != 10_000_000/8 || len(l.Settings.Listen) != 1 || !l.Settings.NoPortMapping {
		t.Fatalf("read %+v", l.Settings)
	}
	if len(l.Warnings) != 1 || !strings.Contains(l.Warnings[0], `:2: upload_mbit is the old name of upload: write upload = "10Mbit"`) {
		t.Fatalf("warnings %q", l.Warnings)
	}
	if err := l.Set("role", []string{"light"}, "--role"); err != nil || l.Settings.Role != Light {
		t.Fatal(l.Settings.Role, err)
	}
	if err := l.SetDefault("role", []string{"peer"}, OriginNetwork); err != nil || l.Settings.Role != Light {
		t.Fatal("a default went over a flag", err)
	}
	origins := make(map[string]string)
	for _, v := range l.Values() {
		origins[v.Key] = v.Origin
	}
	if origins["role"] != "--role" || !strings.HasSuffix(origins["upload"], "config.toml:2") || origins["rpc"] != OriginDefault {
		t.Fatalf("origins %v", origins)
	}
}

// TestOldKeys: what an older program took still is, however small.
func TestOldKeys(t *testing.T) {
	l, err := layersOf(t, "shard_mib = 1\nupload_mbit = 0\n")
	if err != nil || l.Settings.RowBudget != 1<<20 || l.Settings.Upload != 0 || len(l.Warnings) != 2 {
		t.Fatalf("%+v, warnings %q, %v", l.Settings, l.Warnings, err)
	}
	for _, wrong := range []string{"-1", "\"much\"", "4294967296", "[\"1\", \"2\"]"} {
		if _, err := layersOf(t, "shard_mib = "+wrong); err == nil || !strings.Contains(err.Error(), "its new name is row_budget") {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}

func TestLayersRefuse(t *testing.T) {
	for config, want := range map[string]string{
		"rol = \"peer\"":                       `:1: unknown key "rol", did you mean "role"?`,
		"\n\nuplaod = \"1Mbit\"":               `:3: unknown key "uplaod", did you mean "upload"?`,
		"[gossip]\nmesh = 3":                   `:1: gossip:`,
		"role = 3":                             `:1: role: role "3"`,
		"role = \"peer\"\nlisten = [1]":        `:2: listen: 1 is no text`,
		"role = [\"peer\", \"light\"]":         `:1: role: 2 values`,
		"asserted = \"perhaps\"":               `neither true nor false`,
		"rpc = \"8545\"":                       `write it as 127.0.0.1:8545`,
		"checkpoint = \"12\"":                  `checkpoint`,
		"role = \"peer\"\nrole = \"light\"":    `already defined`,
		"role = ":                              `:1:`,
		"sampling_rate = -1":                   `whole number`,
		"log_level = \"loud\"":                 `choose one of debug, info, warn, error`,
		"row_budget = \"1MiB\"":                `at least 64MiB`,
		"profile = \"castle\"":                 `choose one of home, pi`,
		strings.Repeat("# long\n", 200_000):    `at most`,
		"bootstrap = [\"/ip4/1.2.3.4/tcp/1\"]": `bootstrap`,
	} {
		if _, err := layersOf(t, config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", config, err, want)
		}
	}
}

// TestSettingsComeBack: what the table writes it reads.
func TestSettingsComeBack(t *testing.T) {
	full := Settings{Role: Sequencer, Network: "devnet", Profile: ProfilePi, RPC: Off, Metrics: "127.0.0.1:9999", Listen: []string{"/ip4/127.0.0.1/tcp/0"},
		Announce: []string{"/ip4/45.1.1.1/tcp/4848"}, Bootstrap: []string{"/ip4/127.0.0.1/tcp/1/p2p/12D3KooWGatU8yVTDh6oVsCKvhaDLQpzoNTB5DHzgnpjmAvBjDoX"},
		NoPortMapping: true, Bandwidth: 6_250_000, Disk: 20 << 30, Memory: 512 << 20, Upload: 1_250_000, RowBudget: 3 << 30, Checkpoint: "128:" + strings.Repeat("ab", 32), Sampling: "strict",
		SamplingRate: 7, LatestAsserted: true, PasswordFile: "password", LogLevel: "debug", LogFormat: "json"}
	if err := full.Validate(); err != nil {
		t.Fatal(err)
	}
	encoded, err := full.encode()
	if err != nil {
		t.Fatal(err)
	}
	l, err := layersOf(t, string(encoded))
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range SettingsTable() {
		was, is := s.get(&full), s.get(&l.Settings)
		if was == nil || !slices.Equal(was, is) {
			t.Errorf("setting %d, %s: wrote %q, read %q", i, s.Key, was, is)
		}
	}
}

func FuzzConfig(f *testing.F) {
	f.Add("role = \"peer\"\n")
	f.Add("listen = [\"/ip4/127.0.0.1/tcp/0\"]\nupload = \"10Mbit\"")
	f.Add("[a]\nb = [[1]]")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, config string) {
		path := filepath.Join(dir, File)
		if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := ReadLayers(path)
		if err == nil && len(l.Warnings) == 0 && l.Settings.Validate() != nil { // old keys may be smaller
			t.Fatalf("%q was read, and is not valid: %v", config, l.Settings.Validate())
		}
	})
}

func TestNetworksInTheProgram(t *testing.T) {
	for _, name := range ShippedNetworks() {
		if _, err := FindNetwork(name); err != nil {
			t.Error(err)
		}
	}
	network := Network{Genesis: testGenesis(t)}
	encoded, err := network.Encode()
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{"networks/granite.json": {Data: encoded}, "networks/broken.json": {Data: []byte("{}")}}
	if names := networksIn(files); !slices.Equal(names, []string{"broken", "granite"}) {
		t.Fatalf("networks %q", names)
	}
	found, err := findNetwork(files, "granite")
	if err != nil || found.Name != "granite" || found.Genesis.Name != network.Genesis.Name {
		t.Fatal(found, err)
	}
	if home, err := DefaultHome(found); err != nil || !strings.HasPrefix(filepath.Base(home), "granite-") {
		t.Fatal(home, err)
	}
	if _, err := findNetwork(files, "broken"); err == nil {
		t.Fatal("a broken file was taken")
	}
	if _, err := findNetwork(files, "granit"); err == nil || !strings.Contains(err.Error(), `did you mean "granite"`) {
		t.Fatal(err)
	}
}

func TestRunningIsTold(t *testing.T) {
	dir := t.TempDir()
	if r, err := ReadRunning(dir); r != nil || err != nil {
		t.Fatal(r, err)
	}
	withdraw, err := Running{PID: 7, Role: Light, RPC: "127.0.0.1:1", Since: time.Unix(9, 0)}.Announce(dir)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := ReadRunning(dir); err != nil || r.PID != 7 || r.RPC != "127.0.0.1:1" || r.Role != Light {
		t.Fatal(r, err)
	}
	if err := withdraw(); err != nil {
		t.Fatal(err)
	}
	if r, err := ReadRunning(dir); r != nil || err != nil {
		t.Fatal(r, err)
	}
	if err := os.WriteFile(filepath.Join(dir, runningFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadRunning(dir); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Fatal(err)
	}
}
