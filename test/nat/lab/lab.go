//go:build linux

package lab

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// ErrNotHere says that this machine or user cannot run a lab.
var ErrNotHere = errors.New("needs root, `ip` of iproute2 and /dev/net/tun")

// namePrefix begins the names of all namespaces; the maker's pid follows.
const namePrefix = "bedrock-nat-"

// mtu of every line in bytes, as of lines with PPPoE and a tunnel.
const mtu = 1400

// Line is what a host's line does to packets, each way.
type Line struct {
	Delay  time.Duration
	Jitter time.Duration // up to this is added to Delay, so that packets overtake each other
	Loss   float64       // share
}

// Lab is a running internet.
type Lab struct {
	mu     sync.Mutex
	hosts  []*Host
	byAddr map[netip.Addr]*Host // by public address; of those behind carriers by the address there
	shared map[netip.Addr]*Carrier
	random *rand.Rand
	due    queue
	wake   chan struct{}
	done   chan struct{}
	wg     sync.WaitGroup
	closed bool
	strays map[netip.AddrPort]int // packets for addresses that no public network has
	next   int
}

// Host is one machine of the lab.
type Host struct {
	Name string
	// Public is the address that others see: the host's own, or its router's.
	Public netip.Addr

	lab       *Lab
	namespace string
	own       netip.Addr
	router    *router  // nil: none, or one of the kernel
	carrier   *Carrier // nil: the router has a public address
	box       string   // namespace of the kernel that routes; empty: none does
	tun       *os.File
	line      Line
	cut       bool
}

// New begins a lab. It returns ErrNotHere where none can be.
func New(seed uint64) (*Lab, error) {
	if os.Geteuid() != 0 {
		return nil, ErrNotHere
	}
	if _, err := exec.LookPath("ip"); err != nil {
		return nil, ErrNotHere
	}
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		return nil, ErrNotHere
	}
	removeStale()
	l := &Lab{byAddr: make(map[netip.Addr]*Host), shared: make(map[netip.Addr]*Carrier), random: rand.New(rand.NewPCG(seed, 1)), wake: make(chan struct{}, 1),
		done: make(chan struct{}), strays: make(map[netip.AddrPort]int)}
	l.wg.Go(l.deliver)
	return l, nil
}

// removeStale removes the namespaces of labs that were killed, and ends the programs that run on in them.
func removeStale() {
	found, err := filepath.Glob("/var/run/netns/" + namePrefix + "*")
	if err != nil {
		return // of a wrong pattern only
	}
	for _, path := range found {
		name := filepath.Base(path)
		pid, _, _ := strings.Cut(strings.TrimPrefix(name, namePrefix), "-")
		if _, err := os.Stat("/proc/" + pid); err != nil {
			endAll(name)
			_ = ip("netns", "del", name)
		}
	}
}

// endAll kills what runs in a namespace.
func endAll(namespace string) {
	out, err := exec.Command("ip", "netns", "pids", namespace).Output()
	if err != nil {
		return // somebody else removed it
	}
	for _, field := range strings.Fields(string(out)) {
		if pid, err := strconv.Atoi(field); err == nil {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended by itself
		}
	}
}

func namespaceOf(name string) string { return namePrefix + strconv.Itoa(os.Getpid()) + "-" + name }

// AddPublic adds a host with a public address.
func (l *Lab) AddPublic(name string) (*Host, error) {
	l.next++
	public := netip.AddrFrom4([4]byte{45, byte(10 + l.next), 0, 1})
	return l.add(&Host{Name: name, Public: public, own: public})
}

// AddHome adds a host behind a router of its own.
func (l *Lab) AddHome(name string, kind Kind) (*Host, error) {
	l.next++
	public := netip.AddrFrom4([4]byte{45, byte(10 + l.next), 0, 1})
	own := netip.AddrFrom4([4]byte{192, 168, byte(l.next), 2})
	return l.add(&Host{Name: name, Public: public, own: own, router: newRouter(kind, public, own, uint64(l.next))})
}

func (l *Lab) add(h *Host) (*Host, error) {
	h.lab, h.namespace = l, namespaceOf(h.Name)
	if err := ip("netns", "add", h.namespace); err != nil {
		return nil, err
	}
	l.mu.Lock()
	l.hosts = append(l.hosts, h)
	l.mu.Unlock()
	gateway := h.own
	if h.router != nil {
		gateway = h.router.gateway()
	}
	if err := h.plug(h.namespace, gateway); err != nil {
		return nil, err
	}
	return h, nil
}

// plug puts the host's end of its line, a TUN device, into a namespace.
func (h *Host) plug(namespace string, gateway netip.Addr) error {
	tun, err := openTun(namespace)
	if err != nil {
		return err
	}
	h.tun = tun
	for _, args := range [][]string{
		{"-n", namespace, "link", "set", "lo", "up"},
		{"-n", namespace, "addr", "add", h.own.String() + "/24", "dev", device},
		{"-n", namespace, "link", "set", device, "mtu", strconv.Itoa(mtu), "up"},
		route(h, namespace, gateway),
	} {
		if err := ip(args...); err != nil {
			return err
		}
	}
	l := h.lab
	l.mu.Lock()
	l.byAddr[h.address()] = h
	l.mu.Unlock()
	l.wg.Go(func() { l.read(h) })
	return nil
}

func route(h *Host, namespace string, gateway netip.Addr) []string {
	args := []string{"-n", namespace, "route", "add", "default", "dev", device}
	if h.router != nil {
		args = append(args, "via", gateway.String())
	}
	return args
}

func ip(args ...string) error {
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}

// SetLine changes what the host's line does from now on.
func (h *Host) SetLine(line Line) {
	h.lab.mu.Lock()
	defer h.lab.mu.Unlock()
	h.line = line
}

// Cut takes the line away, or gives it back.
func (h *Host) Cut(cut bool) {
	h.lab.mu.Lock()
	defer h.lab.mu.Unlock()
	h.cut = cut
}

// address is what the lab finds the host by: its public address, or its router's behind a carrier.
func (h *Host) address() netip.Addr {
	if h.carrier != nil {
		return h.router.public
	}
	return h.Public
}

// Move gives the home's router another public address and makes it forget every conversation. It is for AddHome's hosts.
func (h *Host) Move() {
	h.lab.mu.Lock()
	defer h.lab.mu.Unlock()
	delete(h.lab.byAddr, h.Public)
	b := h.Public.As4()
	b[3]++
	h.Public = netip.AddrFrom4(b)
	h.lab.byAddr[h.Public] = h
	h.router.forget(h.Public)
}

// Command is a command that runs on the host.
func (h *Host) Command(program string, args ...string) *exec.Cmd {
	return exec.Command("ip", append([]string{"netns", "exec", h.namespace, program}, args...)...)
}

// Strays are the packets that hosts sent to addresses that no public network has, by destination.
func (l *Lab) Strays() map[netip.AddrPort]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make(map[netip.AddrPort]int, len(l.strays))
	for to, n := range l.strays {
		out[to] = n
	}
	return out
}

// Close ends the lab and removes every namespace.
func (l *Lab) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	hosts := l.hosts
	l.mu.Unlock()
	close(l.done)
	var problems []error
	for _, h := range hosts {
		if h.tun != nil {
			problems = append(problems, h.tun.Close())
		}
		problems = append(problems, ip("netns", "del", h.namespace))
		if h.box != "" {
			problems = append(problems, ip("netns", "del", h.box))
		}
	}
	l.wg.Wait()
	return errors.Join(problems...)
}
