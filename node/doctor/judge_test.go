package doctor

import (
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/etherscale/bedrock/node/health"
	"github.com/etherscale/bedrock/node/p2p"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// verdictTest is one case of a check: what was measured gives this verdict, with these words and this code where it is another
// than the check's own.
type verdictTest struct {
	name  string
	got   Finding
	want  Verdict
	words string
	code  health.ID
}

func (v verdictTest) check(t *testing.T) {
	t.Helper()
	if v.got.Verdict != v.want || !strings.Contains(v.got.Text, v.words) || v.got.Code != v.code {
		t.Errorf("%s: %+v, want %s with %q and code %q", v.name, v.got, v.want, v.words, v.code)
	}
	if (v.got.Verdict == Pass) != (v.got.Next == "") {
		t.Errorf("%s: %s with the next step %q", v.name, v.got.Verdict, v.got.Next)
	}
}

// TestVerdictsOfTheMachine: what this machine is like.
func TestVerdictsOfTheMachine(t *testing.T) {
	well := &rpc.Status{Certified: 7}
	skewed := &rpc.Status{Certified: 7, Health: []rpc.Ailing{{Code: string(health.ClockSkew), Detail: "4 s behind"}}}
	for _, v := range []verdictTest{
		{"clock, good", judgeOffset(-300 * time.Millisecond), Pass, "0.30 s behind", ""},
		{"clock, so-so", judgeOffset(1900 * time.Millisecond), Warn, "1.90 s ahead", ""},
		{"clock, wrong", judgeOffset(-time.Hour), Fail, "3600.00 s behind", ""},
		{"clock, not known", judgeByBlocks(nil), Warn, "no time server answers", ""},
		{"clock, no block yet", judgeByBlocks(&rpc.Status{}), Warn, "no time server answers", ""},
		{"clock by blocks", judgeByBlocks(well), Pass, "fit this clock", ""},
		{"clock by blocks, wrong", judgeByBlocks(skewed), Fail, "4 s behind", ""},
		{"disk, full", space(100 << 20), Fail, "100 MiB free", health.DiskFull},
		{"disk, filling", space(1 << 30), Warn, "1 GiB free", ""},
		{"disk, slow", judgeRate("/d", 50<<30, 1e6), Warn, "1 MB/s", health.SlowDisk},
		{"disk, good", judgeRate("/d", 50<<30, 90e6), Pass, "50 GiB free, 90 MB/s", ""},
		{"files, too few", judgeFiles(256), Fail, "256 files", ""},
		{"files, few", judgeFiles(1024), Warn, "1024 files", ""},
		{"files, enough", judgeFiles(65536), Pass, "65536 files", ""},
		{"udp, small", judgeUDP(208 << 10), Warn, "208 KiB", ""},
		{"udp, large", judgeUDP(8 << 20), Pass, "8192 KiB", ""},
		{"ipv6, none", judgeIPv6(nil, false), Pass, "none", ""},
		{"ipv6, works", judgeIPv6([]string{"2001:db8::1"}, true), Pass, "2001:db8::1", ""},
		{"ipv6, cut off", judgeIPv6([]string{"2001:db8::1"}, false), Warn, "no route", ""},
		{"database, in use", judgeDatabase("/d", store.ErrInUse), Warn, "in use", ""},
		{"database, newer", judgeDatabase("/d", store.ErrVersion), Fail, "newer", ""},
		{"database, read-only disk", judgeDatabase("/d", store.NotWritable("/d", syscall.EROFS)), Fail, "cannot be written", ""},
		{"database, other", judgeDatabase("/d", &store.OtherNetworkError{Dir: "/d", Want: types.NetworkID{1}}), Fail, "another network", ""},
		{"database, broken", judgeDatabase("/d", store.ErrBroken), Fail, "damaged", ""},
		{"database, good", judgeDatabase("/d", nil), Pass, "opens", ""},
	} {
		v.check(t)
	}
}

func space(free uint64) Finding {
	f, _ := judgeSpace("/d", free)
	return f
}

// TestVerdictsOfTheLine: what others see of the node.
func TestVerdictsOfTheLine(t *testing.T) {
	public := func(change func(*rpc.Reachability)) *rpc.Reachability {
		r := &rpc.Reachability{Network: "public", State: rpc.Unknown}
		change(r)
		return r
	}
	private := &rpc.Reachability{Network: "private"}
	home := public(func(r *rpc.Reachability) {
		r.State, r.Addrs = rpc.Unreachable, []rpc.AddrReach{{Addr: "/ip4/192.0.2.7/tcp/4848", State: rpc.Unreachable}}
	})
	relayed := public(func(r *rpc.Reachability) { *r = *home; r.Relays = []string{"/p2p-circuit"} })
	open := public(func(r *rpc.Reachability) {
		r.State, r.Addrs = rpc.Reachable, []rpc.AddrReach{{Addr: "/ip4/192.0.2.7/tcp/4848", State: rpc.Reachable}, {Addr: "/ip4/192.0.2.7/udp/1", State: rpc.Unreachable}}
	})
	mapped := public(func(r *rpc.Reachability) { r.Router, r.Mapped = true, []string{"/ip4/8.8.4.4/tcp/4848"} })
	shared := public(func(r *rpc.Reachability) { r.Router, r.Mapped = true, []string{"/ip4/100.64.3.4/tcp/4848"} })
	dead := errors.New("no answer")
	for _, v := range []verdictTest{
		{"mapping, private", judgeMapping(private, false, false), Pass, "not needed", ""},
		{"mapping, light", judgeMapping(home, false, true), Pass, "light", ""},
		{"mapping, there", judgeMapping(mapped, false, false), Pass, "forwards /ip4/8.8.4.4", ""},
		{"mapping, reachable", judgeMapping(open, false, false), Pass, "not needed", ""},
		{"mapping, off", judgeMapping(home, true, false), Warn, "switched off", ""},
		{"mapping, refused", judgeMapping(public(func(r *rpc.Reachability) { r.Router = true }), false, false), Warn, "forwards no port", ""},
		{"mapping, no router", judgeMapping(home, false, false), Warn, "no router answers", ""},
		{"cgnat, private", judgeCGNAT(private), Pass, "not needed", ""},
		{"cgnat, shared", judgeCGNAT(shared), Warn, "100.64.3.4", ""},
		{"cgnat, own", judgeCGNAT(mapped), Pass, "public", ""},
		{"cgnat, nothing known", judgeCGNAT(home), Pass, "nothing speaks", ""},
		{"reachability, private", judgeReach(private, false, 0), Pass, "not needed", ""},
		{"reachability, light", judgeReach(home, true, 3), Pass, "light", ""},
		{"reachability, open", judgeReach(open, false, 3), Pass, "not /ip4/192.0.2.7/udp/1", ""},
		{"reachability, home", judgeReach(home, false, 3), Warn, "connections that it opens itself", ""},
		{"reachability, relayed", judgeReach(relayed, false, 3), Warn, "1 relays", ""},
		{"reachability, nobody", judgeReach(mapped, false, 0), Warn, "nobody could be asked", ""},
		{"reachability, not yet", judgeReach(mapped, false, 2), Warn, "not known yet", ""},
		{"bootstrap, all", judgeContacts([]p2p.Contact{{ID: "12345678", Took: 9 * time.Millisecond}, {ID: "22345678", Took: 42 * time.Millisecond}}, 0, false), Pass, "2 of 2 nodes to join by answer, the fastest after 9 ms", ""},
		{"bootstrap, some", judgeContacts([]p2p.Contact{{ID: "12345678"}, {ID: "x22345678", Err: dead}}, 0, false), Warn, "silent: ...22345678", ""},
		{"bootstrap, none", judgeContacts([]p2p.Contact{{ID: "1", Err: dead}}, 0, false), Fail, "0 of 1", ""},
		{"bootstrap, none, at home", judgeContacts([]p2p.Contact{{ID: "1", Err: dead}}, 0, true), Fail, "the network is one of this machine", ""},
		{"bootstrap, gone but joined", judgeContacts([]p2p.Contact{{ID: "1", Err: dead}}, 4, false), Warn, "0 of 1", ""},
		{"bootstrap, unnamed", judgeContacts(nil, 0, false), Warn, "no node to join by", ""},
		{"bootstrap, unnamed but joined", judgeContacts(nil, 5, false), Pass, "5 peers", ""},
		{"version, alone", judgeVersions("bedrock/0.6", nil), Pass, "no peer", ""},
		{"version, same", judgeVersions("bedrock/0.6", []string{"bedrock/0.6", "bedrock/0.5", "other/9"}), Pass, "2 of 2", ""},
		{"version, one newer", judgeVersions("bedrock/0.6", []string{"bedrock/99", "bedrock/0.6"}), Pass, "1 of 2", ""},
		{"version, most newer", judgeVersions("bedrock/0.6", []string{"bedrock/0.7", "bedrock/v0.10.2-rc1", "bedrock/0.6"}), Warn, "2 of 3 peers run a newer one, up to 0.10.2", ""},
	} {
		v.check(t)
	}
}

func TestVersionOf(t *testing.T) {
	for _, bad := range []string{"", "bedrock", "bedrock/", "bedrock/x", "bedrock/1.2.3.4", "bedrock/-1", "bedrock/99999", "kubo/0.1"} {
		if v, ok := versionOf(bad); ok {
			t.Errorf("%q is read as %s", bad, v)
		}
	}
}

func TestGlobalIPv6(t *testing.T) {
	var addrs []net.Addr
	for _, text := range []string{"127.0.0.1/8", "::1/128", "fe80::1/64", "fd00::1/8", "2001:db8::9/64", "192.0.2.1/24"} {
		ip, network, err := net.ParseCIDR(text)
		if err != nil {
			t.Fatal(err)
		}
		addrs = append(addrs, &net.IPNet{IP: ip, Mask: network.Mask})
	}
	if got := globalIPv6(addrs); len(got) != 1 || got[0] != "2001:db8::9" {
		t.Errorf("global addresses are %v", got)
	}
}

// TestCodesOfChecks: what a check finds has its code, of which the page of codes says what to do.
func TestCodesOfChecks(t *testing.T) {
	want := map[string]health.ID{"clock": health.ClockSkew, "disk": health.DiskFilling, "files": health.FewFiles, "udp": health.SmallBuffers, "keys": health.OpenKeys,
		"config": health.BadConfig, "database": health.BadDatabase, "bootstrap": health.NoBootstrap, "version": health.OldVersion, "ipv6": health.NoIPv6,
		"mapping": health.NoPortMapping, "cgnat": health.SharedAddress, "reachability": health.Unreachable}
	found, err := Run(t.Context(), NewPatient(t.TempDir(), nil, nil), "files", "udp", "keys", "config", "database", "ipv6")
	if err != nil || len(found) != 6 {
		t.Fatal(len(found), err)
	}
	for _, f := range found {
		if f.Code != want[f.Name] {
			t.Errorf("%s found %s, want %s", f.Name, f.Code, want[f.Name])
		}
	}
	for _, c := range checks() {
		if _, ok := health.Find(c.code); !ok || c.code != want[c.name] {
			t.Errorf("%s has the code %q", c.name, c.code)
		}
	}
}

// TestOffline: where nobody answers, nothing is made of the router's silence.
func TestOffline(t *testing.T) {
	dead, alive := p2p.Contact{ID: "1", Err: errors.New("no route")}, p2p.Contact{ID: "2"}
	for want, contacts := range map[bool][][]p2p.Contact{true: {{dead}, {dead, dead}}, false: {nil, {alive}, {dead, alive}}} {
		for _, c := range contacts {
			if offline(&p2p.Surroundings{Contacts: c}) != want {
				t.Errorf("%v: not %v", c, want)
			}
		}
	}
}
