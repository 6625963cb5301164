//go:build linux

package lab

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// patience bounds how long a packet is waited for that is to come, and quiet for one that is not.
const (
	patience = 5 * time.Second
	quiet    = 150 * time.Millisecond
)

func newLab(t *testing.T) *Lab {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: namespaces take long")
	}
	l, err := New(1)
	if errors.Is(err, ErrNotHere) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		left, err := filepath.Glob("/var/run/netns/" + namespaceOf("*"))
		if err != nil || len(left) > 0 {
			t.Errorf("left behind: %q %v", left, err)
		}
	})
	return l
}

// socket is a UDP port of a host.
func socket(t *testing.T, h *Host, err error) *net.UDPConn {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	var conn *net.UDPConn
	if err := inNamespace(h.namespace, func() (err error) {
		conn, err = net.ListenUDP("udp4", &net.UDPAddr{Port: 4848})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func send(t *testing.T, from *net.UDPConn, to netip.AddrPort) {
	t.Helper()
	if _, err := from.WriteToUDPAddrPort([]byte("hello"), to); err != nil {
		t.Fatal(err)
	}
}

// heard is who the next packet is from; invalid where none comes.
func heard(t *testing.T, at *net.UDPConn, within time.Duration) netip.AddrPort {
	t.Helper()
	if err := at.SetReadDeadline(time.Now().Add(within)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 100)
	_, from, err := at.ReadFromUDPAddrPort(b)
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
}

// TestRoutersAgree: a home behind the lab's own router, behind the kernel's, and behind a carrier's has the same ways in.
func TestRoutersAgree(t *testing.T) {
	l := newLab(t)
	a, err := l.AddPublic("a")
	first := socket(t, a, err)
	b, err := l.AddPublic("b")
	second := socket(t, b, err)
	at, and := netip.AddrPortFrom(a.Public, 4848), netip.AddrPortFrom(b.Public, 4848)
	for name, add := range map[string]func(Kind, string) (*Host, error){
		"lab":     func(k Kind, name string) (*Host, error) { return l.AddHome(name, k) },
		"kernel":  func(k Kind, name string) (*Host, error) { return l.AddKernelHome(name, k) },
		"carrier": func(k Kind, name string) (*Host, error) { return l.AddCustomer(name, PortPreserving, l.AddCarrier(k)) },
	} {
		for _, kind := range []Kind{PortPreserving, Symmetric} {
			h, err := add(kind, name+strconv.Itoa(int(kind)))
			if errors.Is(err, ErrNoKernelNAT) {
				t.Log(err)
				continue
			}
			home := socket(t, h, err)
			send(t, home, at)
			seen := heard(t, first, patience)
			if seen.Addr() != h.Public {
				t.Fatalf("%s %d: seen at %v, not %v", name, kind, seen, h.Public)
			}
			if (seen.Port() == 4848) != (kind == PortPreserving) {
				t.Errorf("%s %d: seen at port %d", name, kind, seen.Port())
			}
			send(t, first, seen)
			if from := heard(t, home, patience); from != at {
				t.Errorf("%s %d: the answer came from %v", name, kind, from)
			}
			send(t, second, seen)
			if from := heard(t, home, quiet); from.IsValid() {
				t.Errorf("%s %d: a stranger came in", name, kind)
			}
			send(t, home, and)
			if again := heard(t, second, patience); (again == seen) != (kind == PortPreserving) {
				t.Errorf("%s %d: seen at %v, by another host at %v", name, kind, seen, again)
			}
		}
	}
	if strays := l.Strays(); len(strays) > 0 {
		t.Errorf("strays: %v", strays)
	}
}

func TestLines(t *testing.T) {
	l := newLab(t)
	a, err := l.AddPublic("a")
	first := socket(t, a, err)
	b, err := l.AddHome("b", PortPreserving)
	home := socket(t, b, err)
	at := netip.AddrPortFrom(a.Public, 4848)
	b.SetLine(Line{Delay: 30 * time.Millisecond, Jitter: 5 * time.Millisecond})
	begin := time.Now()
	send(t, home, at)
	if from := heard(t, first, patience); !from.IsValid() || time.Since(begin) < 30*time.Millisecond {
		t.Errorf("from %v after %v", from, time.Since(begin))
	}
	b.SetLine(Line{Loss: 1})
	send(t, home, at)
	if heard(t, first, quiet).IsValid() {
		t.Error("a line that loses all lost nothing")
	}
	b.SetLine(Line{})
	b.Cut(true)
	send(t, home, at)
	if heard(t, first, quiet).IsValid() {
		t.Error("a line that is cut passed a packet on")
	}
	b.Cut(false)
	before := b.Public
	b.Move()
	send(t, home, at)
	if from := heard(t, first, patience); from.Addr() == before || from.Addr() != b.Public {
		t.Errorf("seen at %v; was %v, is %v", from, before, b.Public)
	}
	stray := netip.MustParseAddrPort("10.1.2.3:4")
	send(t, home, stray)
	for begin := time.Now(); l.Strays()[stray] == 0; time.Sleep(time.Millisecond) {
		if time.Since(begin) > patience {
			t.Fatal("a packet to a private address was not counted")
		}
	}
}

// TestStaleNamespacesGo: what a lab left behind that was killed, programs too, goes when the next begins.
func TestStaleNamespacesGo(t *testing.T) {
	newLab(t)
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	stale := strings.Replace(namespaceOf("stale"), strconv.Itoa(os.Getpid()), strconv.Itoa(gone.Process.Pid), 1)
	if err := ip("netns", "add", stale); err != nil {
		t.Fatal(err)
	}
	left := exec.Command("ip", "netns", "exec", stale, "sleep", "1000")
	if err := left.Start(); err != nil {
		t.Fatal(err)
	}
	for begin := time.Now(); ; time.Sleep(time.Millisecond) {
		if out, _ := exec.Command("ip", "netns", "pids", stale).Output(); len(out) > 0 {
			break
		}
		if time.Since(begin) > patience {
			t.Fatal("nothing runs in the namespace")
		}
	}
	newLab(t)
	if err := left.Wait(); err == nil {
		t.Error("the program in it was not ended")
	}
	if _, err := os.Stat("/var/run/netns/" + stale); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", stale, err)
	}
}
