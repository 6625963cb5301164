//go:build linux

package lab

import (
	"container/heap"
	"net/netip"
	"time"
)

// public is the range that the lab's public addresses are of.
var public = netip.MustParsePrefix("45.0.0.0/8")

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
	if !public.Contains(to.Addr()) {
		if !to.Addr().IsMulticast() {
			l.strays[to]++
		}
		return
	}
	if from.router != nil {
		from.router.leave(p, now)
	}
	if from.carrier != nil {
		from.carrier.leave(p, now)
	}
	target := l.arrive(p, now)
	if target == nil || from.cut || target.cut || l.random.Float64() < from.line.Loss || l.random.Float64() < target.line.Loss {
		return
	}
	heap.Push(&l.due, delivery{now.Add(l.takes(from.line) + l.takes(target.line)), target, p})
	l.rouse()
}

// arrive passes a packet through the routers at its far end; nil where it ends on the way.
func (l *Lab) arrive(p packet, now time.Time) *Host {
	if c := l.shared[p.destination().Addr()]; c != nil && !c.enter(p, now) {
		return nil
	}
	target := l.byAddr[p.destination().Addr()]
	if target == nil || target.router != nil && !target.router.enter(p, now) {
		return nil
	}
	return target
}

// takes is how long a packet is on a line.
func (l *Lab) takes(line Line) time.Duration {
	if line.Jitter == 0 {
		return line.Delay
	}
	return line.Delay + time.Duration(l.random.Int64N(int64(line.Jitter)))
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
