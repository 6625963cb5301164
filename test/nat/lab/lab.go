//go:build linux

package lab

import (
	"container/heap"
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
	"time"
)

// ErrNotHere says that this machine or user cannot run a lab.
var ErrNotHere = errors.New("needs root, `ip` of iproute2 and /dev/net/tun")

// namePrefix begins the names of all namespaces; the maker's pid follows.
const namePrefix = "bedrock-nat-"

// Line is what a host's line does to packets, each way.
type Line struct {
	Delay time.Duration
	Loss  float64 // share
}

// Lab is a running internet.
type Lab struct {
	mu     sync.Mutex
	hosts  []*Host
	byAddr map[netip.Addr]*Host // public ones, and routers
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
	router    *router // nil: no router
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
	l := &Lab{byAddr: make(map[netip.Addr]*Host), random: rand.New(rand.NewPCG(seed, 1)), wake: make(chan struct{}, 1),
		done: make(chan struct{}), strays: make(map[netip.AddrPort]int)}
	l.wg.Go(l.deliver)
	return l, nil
}

// removeStale removes the namespaces of processes that are gone.
func removeStale() {
	found, err := filepath.Glob("/var/run/netns/" + namePrefix + "*")
	if err != nil {
		return // of a wrong pattern only
	}
	for _, path := range found {
		name := filepath.Base(path)
		pid, _, _ := strings.Cut(strings.TrimPrefix(name, namePrefix), "-")
		if _, err := os.Stat("/proc/" + pid); err != nil {
			_ = ip("netns", "del", name)
		}
	}
}

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
	h.lab, h.namespace = l, namePrefix+strconv.Itoa(os.Getpid())+"-"+h.Name
	if err := ip("netns", "add", h.namespace); err != nil {
		return nil, err
	}
	l.mu.Lock()
	l.hosts = append(l.hosts, h)
	l.mu.Unlock()
	tun, err := openTun(h.namespace)
	if err != nil {
		return nil, err
	}
	h.tun = tun
	gateway := h.own
	if h.router != nil {
		gateway = h.router.gateway()
	}
	for _, args := range [][]string{
		{"-n", h.namespace, "link", "set", "lo", "up"},
		{"-n", h.namespace, "addr", "add", h.own.String() + "/24", "dev", device},
		{"-n", h.namespace, "link", "set", device, "mtu", "1400", "up"},
		route(h, gateway),
	} {
		if err := ip(args...); err != nil {
			return nil, err
		}
	}
	l.mu.Lock()
	l.byAddr[h.Public] = h
	l.mu.Unlock()
	l.wg.Go(func() { l.read(h) })
	return h, nil
}

func route(h *Host, gateway netip.Addr) []string {
	args := []string{"-n", h.namespace, "route", "add", "default", "dev", device}
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

// Move gives the home's router another public address and makes it forget every conversation.
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
	}
	l.wg.Wait()
	return errors.Join(problems...)
}

func (l *Lab) read(h *Host) {
	buffer := make([]byte, 2048)
	for {
		n, err := h.tun.Read(buffer)
		if err != nil {
			return // closed
		}
		if p, ok := parse(append([]byte(nil), buffer[:n]...)); ok {
			l.send(h, p, time.Now())
		}
	}
}

// send passes a packet from a host's device through its router and line.
func (l *Lab) send(from *Host, p packet, now time.Time) {
	to := p.destination()
	if r := from.router; r != nil {
		if to.Addr() == r.gateway() {
			if p.protocol() == protocolUDP && to.Port() == pmpPort {
				if answer := r.pmp(p[p.header()+8:], now); answer != nil {
					l.put(delivery{now, from, udp(to, p.source(), answer)})
				}
			}
			return
		}
		if to.Addr().IsMulticast() {
			return
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	target, known := l.byAddr[to.Addr()]
	if !known {
		if to.Addr().IsPrivate() || to.Addr().IsLoopback() || to.Addr().IsLinkLocalUnicast() {
			l.strays[to]++
		}
		return
	}
	if from.router != nil {
		from.router.leave(p, now)
	}
	if target.router != nil && !target.router.enter(p, now) {
		return
	}
	if from.cut || target.cut || l.random.Float64() < from.line.Loss || l.random.Float64() < target.line.Loss {
		return
	}
	heap.Push(&l.due, delivery{now.Add(from.line.Delay + target.line.Delay), target, p})
	l.rouse()
}

func (l *Lab) put(d delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	heap.Push(&l.due, d)
	l.rouse()
}

func (l *Lab) rouse() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// deliver puts packets into the devices of who they are for, when they are due.
func (l *Lab) deliver() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		pause := l.flush(time.Now())
		timer.Reset(pause)
		select {
		case <-l.wake:
		case <-timer.C:
		case <-l.done:
			return
		}
	}
}

func (l *Lab) flush(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.due) > 0 {
		if pause := l.due[0].at.Sub(now); pause > 0 {
			return pause
		}
		d := heap.Pop(&l.due).(delivery)
		_, _ = d.to.tun.Write(d.packet) // a device that is gone loses it, like a line
	}
	return time.Hour
}

// delivery is a packet on its way.
type delivery struct {
	at     time.Time
	to     *Host
	packet packet
}

// queue is a heap of deliveries by time.
type queue []delivery

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].at.Before(q[j].at) }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(d any)        { *q = append(*q, d.(delivery)) }
func (q *queue) Pop() any {
	old := *q
	d := old[len(old)-1]
	*q = old[:len(old)-1]
	return d
}
