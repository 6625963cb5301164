package doctor

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/node/health"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// newHome makes a home of a network of its own, and config.toml as given.
func newHome(t *testing.T, settings string) *config.Home {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "home")
	key, err := config.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	genesis, err := config.NewGenesis(config.GenesisOptions{Name: "test", ChainID: 1, Time: time.Unix(1_700_000_000, 0), Payload: types.PayloadEthereum,
		Committee: []types.PublicKey{config.PublicKeyOf(key)}})
	if err != nil {
		t.Fatal(err)
	}
	home, err := config.InitHome(dir, genesis, config.Identity{Key: key}, config.Settings{Role: config.Peer})
	if err != nil {
		t.Fatal(err)
	}
	if settings != "" {
		if err := os.WriteFile(filepath.Join(dir, config.File), []byte(settings), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return home
}

// one runs a single check on a home.
func one(t *testing.T, p *Patient, name string) Finding {
	t.Helper()
	findings, err := Run(context.Background(), p, name)
	if err != nil || len(findings) != 1 || findings[0].Name != name {
		t.Fatalf("%s: %v, %v", name, findings, err)
	}
	if _, known := health.Find(findings[0].Code); !known {
		t.Errorf("%s: code %q is not in the table", name, findings[0].Code)
	}
	return findings[0]
}

func (f Finding) is(t *testing.T, want Verdict, words string) {
	t.Helper()
	if f.Verdict != want || !strings.Contains(f.Text, words) {
		t.Errorf("%s says %s: %q, want %s with %q", f.Name, f.Verdict, f.Text, want, words)
	}
}

// TestRun makes every check on a fresh machine; the worst comes last, and each bears a code with a page.
func TestRun(t *testing.T) {
	findings, err := Run(context.Background(), NewPatient(filepath.Join(t.TempDir(), "none"), nil, nil))
	if err != nil || len(findings) != len(Names()) {
		t.Fatalf("%d findings of %d checks: %v", len(findings), len(Names()), err)
	}
	ranks := make([]int, len(findings))
	for i, f := range findings {
		ranks[i] = f.Verdict.rank()
		if _, known := health.Find(f.Code); !known || ranks[i] < 0 || f.Text == "" {
			t.Errorf("a finding without a code of the table, a verdict or a text: %+v", f)
		}
	}
	if !slices.IsSorted(ranks) {
		t.Errorf("the worst is not last: %v", findings)
	}
	if _, err := Run(context.Background(), NewPatient("", nil, nil), "nothing"); err == nil {
		t.Error("a check that does not exist is made")
	}
}

// TestNeverHangs: a check that does not come to an end is answered for.
func TestNeverHangs(t *testing.T) {
	stuck := check{name: "stuck", code: health.BadDatabase, patience: 10 * time.Millisecond, run: func(context.Context, *Patient) Finding { select {} }}
	stuck.within(context.Background(), nil).is(t, Warn, "no result")
}

// timeServer answers NTP requests with a clock that is ahead of ours (RFC 5905, figure 8).
func timeServer(t *testing.T, ahead time.Duration) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	go func() {
		request := make([]byte, 512)
		for {
			n, from, err := c.ReadFrom(request)
			if err != nil {
				return
			}
			if n < 48 {
				continue
			}
			answer := make([]byte, 48)
			answer[0], answer[1] = 4<<3|4, 1 // version 4, server; stratum 1
			copy(answer[24:32], request[40:48])
			now := time.Now().Add(ahead)
			stamp := uint64(now.Unix()+2208988800)<<32 | uint64(now.Nanosecond())<<32/1e9
			for _, at := range []int{16, 32, 40} { // reference, received, sent
				binary.BigEndian.PutUint64(answer[at:], stamp)
			}
			_, _ = c.WriteTo(answer, from)
		}
	}()
	return c.LocalAddr().String()
}

func TestClockIsMeasured(t *testing.T) {
	for _, ahead := range []time.Duration{0, -5 * time.Second, 5 * time.Second} {
		// The first is nobody: the other one's answer counts.
		offset, err := askTime(context.Background(), []string{"127.0.0.1:1", timeServer(t, ahead)})
		if err != nil || (offset+ahead).Abs() > time.Second {
			t.Errorf("a server %v ahead: this clock is ahead by %v, %v", ahead, offset, err)
		}
	}
	if offset, err := askTime(context.Background(), []string{"127.0.0.1:1"}); err == nil {
		t.Errorf("nobody answers, and the clock is off by %v", offset)
	}
}

func TestDiskIsWritten(t *testing.T) {
	dir := t.TempDir()
	rate, err := syncRate(context.Background(), dir)
	if err != nil || rate <= 0 {
		t.Errorf("%v bytes a second, %v", rate, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("the check leaves %v, %v", left, err)
	}
	if _, err := syncRate(context.Background(), filepath.Join(dir, "none")); err == nil {
		t.Error("a directory that does not exist is written")
	}
}

func TestKeysOfAHome(t *testing.T) {
	home := newHome(t, "")
	patient := NewPatient(home.Dir, nil, nil)
	one(t, patient, "keys").is(t, Pass, "only this user")
	for _, path := range append(config.SecretFiles(home.Dir), home.Dir) {
		was, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, was.Mode().Perm()|0o040); err != nil {
			t.Fatal(err)
		}
		f := one(t, patient, "keys")
		f.is(t, Fail, path+" has mode")
		if !strings.HasSuffix(f.Next, path) {
			t.Errorf("the next step is %q", f.Next)
		}
		if err := os.Chmod(path, was.Mode().Perm()); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(config.SecretFiles(home.Dir)[0]); err != nil {
		t.Fatal(err)
	}
	one(t, patient, "keys").is(t, Fail, "no key of the node at")
}

func TestConfigOfAHome(t *testing.T) {
	for _, c := range []struct {
		config string
		want   Verdict
		words  string
	}{
		{"role = 'peer'\n", Pass, "in order"},
		{"shard_mib = 100\n", Warn, "old name of row_budget"},
		{"\nrols = 'peer'\n", Fail, "config.toml:2"},
		{"role = \n", Fail, "config.toml:1"},
	} {
		one(t, NewPatient(newHome(t, c.config).Dir, nil, nil), "config").is(t, c.want, c.words)
	}
	home := newHome(t, "")
	if err := os.WriteFile(filepath.Join(home.Dir, "genesis.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	one(t, NewPatient(home.Dir, nil, nil), "config").is(t, Fail, "genesis.json")
}

func TestDatabaseOfAHome(t *testing.T) {
	home := newHome(t, "")
	network, err := home.Genesis.NetworkID()
	if err != nil {
		t.Fatal(err)
	}
	one(t, NewPatient(home.Dir, nil, nil), "database").is(t, Pass, "none yet")
	dir := filepath.Join(home.Dir, "data", "store")
	db, err := store.Open(dir, store.Options{Network: network})
	if err != nil {
		t.Fatal(err)
	}
	one(t, NewPatient(home.Dir, nil, nil), "database").is(t, Warn, "in use")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	one(t, NewPatient(home.Dir, nil, nil), "database").is(t, Pass, "opens")
	manifest := filepath.Join(dir, "bedrock.json")
	for words, content := range map[string]string{
		"newer version":   fmt.Sprintf(`{"schema":%d,"network":"%x"}`, store.Schema+1, network[:]),
		"another network": fmt.Sprintf(`{"schema":1,"network":"%064x"}`, 7),
		"damaged":         "?",
	} {
		if err := os.WriteFile(manifest, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		one(t, NewPatient(home.Dir, nil, nil), "database").is(t, Fail, words)
	}
}

// told is a running node that answers from a table.
type told map[string]any

// Ask implements Node.
func (n told) Ask(_ context.Context, into any, method string, _ ...any) error {
	answer, ok := n[method]
	if !ok {
		return fmt.Errorf("unknown method %s", method)
	}
	encoded, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	return json.Unmarshal(encoded, into)
}

// TestRunningNodeIsAsked: what the node knows counts, and no host of ours is started in its place.
func TestRunningNodeIsAsked(t *testing.T) {
	home := newHome(t, "")
	n := told{
		"bedrock_status":       rpc.Status{Certified: 9, Peers: 3, Health: []rpc.Ailing{{Code: string(health.RulesNewer), Title: "rules are newer", Detail: "2"}}},
		"bedrock_reachability": rpc.Reachability{Network: "public", State: rpc.Reachable, Addrs: []rpc.AddrReach{{Addr: "/ip4/192.0.2.7/tcp/4848", State: rpc.Reachable}}},
	}
	one(t, NewPatient(home.Dir, nil, n), "reachability").is(t, Pass, "192.0.2.7")
	one(t, NewPatient(home.Dir, nil, n), "database").is(t, Pass, "block 9")
	one(t, NewPatient(home.Dir, nil, n), "bootstrap").is(t, Pass, "3 peers")
	f := one(t, NewPatient(home.Dir, nil, n), "version")
	f.is(t, Fail, "rules are newer")
	if f.Code != health.RulesNewer {
		t.Errorf("its code is %s", f.Code)
	}
	delete(n, "bedrock_status")
	n["bedrock_peers"] = []rpc.Peer{{Agent: "bedrock/77.1"}}
	one(t, NewPatient(home.Dir, nil, n), "version").is(t, Warn, "77.1")
}
