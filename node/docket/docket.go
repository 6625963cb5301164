// Package docket shares out turns at work that strangers ask for: one at a time, within a share of the processor's time, and
// fair between the networks that they come from.
//
// Start-time fair queueing (Goyal, Vin, Cheng: "Start-Time Fair Queuing", 1996), between groups of senders, and between the
// senders of a group: whoever was given least comes first, and what somebody did not use is not saved up.
//
// # Invariants
//
//	I1  At most one turn is held at a time.
//	I2  Turns cost at most Allowance, plus Rate times the time gone by, plus the last one.
//	I3  A group that was given nothing waits for the turn that is held and for those groups alone that were given nothing
//	    either, however many places the others have.
//	I4  What is kept is bounded: places of a sender, of a group and in all, and what is remembered of groups and senders.
//
// All methods may be called from anywhere. The package starts no goroutine but the timer of a share that is used up.
package docket

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// Config of a docket; every field is needed.
type Config struct {
	Rate      float64       // of one core, in the long run
	Allowance time.Duration // of processor time that may be used at once
	// Places that are taken at a time by one sender, by the senders of one group, and by all, at most.
	OfSender, OfGroup, InAll int
}

// Sender is who asks, and the network that it asks from.
type Sender struct{ Group, Peer string }

// ErrFull says that a sender, its group or everybody has taken all places, or that the place went to somebody who was given
// less or took fewer.
var ErrFull = errors.New("too much waits for its turn")

// Docket is the line of those who wait.
type Docket struct {
	config Config

	mu     sync.Mutex
	given  accounts // to groups
	places []*Place // in order of coming
	held   bool
	spent  time.Duration // of the allowance
	since  time.Time     // when spent was brought up to date
	timer  *time.Timer   // nil but while the share is used up and somebody waits
}

// New makes an empty docket.
func New(config Config) *Docket {
	return &Docket{config: config, given: newAccounts(), since: time.Now()}
}

// Place is a place in the line, from Enter until Leave.
type Place struct {
	docket *Docket
	sender Sender
	begins chan struct{} // closed when its turn begins, or it lost the place
	state  state
}

type state int

const (
	entered state = iota // not waiting yet
	waiting
	holding // it is its turn
	lost    // to somebody who comes before
)

// Enter takes a place. If there is none left it takes one that is not held from whoever was given more, or has more; else
// ErrFull.
func (d *Docket) Enter(s Sender) (*Place, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := &Place{docket: d, sender: s, begins: make(chan struct{})}
	if d.others(p, sameSender) >= d.config.OfSender || d.others(p, sameGroup) >= d.config.OfGroup && !d.displace(p, sameGroup) ||
		d.others(p, anyone) >= d.config.InAll && !d.displace(p, anyone) {
		return nil, ErrFull
	}
	d.places = append(d.places, p)
	return p, nil
}

// displace takes the place of the last in line of those like p, if p comes before it.
func (d *Docket) displace(p *Place, like func(p, o *Place) bool) bool {
	var last *Place
	for _, o := range d.places {
		if o.state <= waiting && like(p, o) && (last == nil || !d.before(o, last)) {
			last = o
		}
	}
	if last == nil || !d.before(p, last) {
		return false
	}
	d.drop(last)
	last.state = lost
	close(last.begins)
	return true
}

// before reports whether p comes before o: its group was given less, or has fewer other places; then likewise its sender.
func (d *Docket) before(p, o *Place) bool {
	if p.sender.Group != o.sender.Group {
		a, b := d.given.of(p.sender.Group), d.given.of(o.sender.Group)
		return a < b || a == b && d.others(p, sameGroup) < d.others(o, sameGroup)
	}
	members := d.given.members(p.sender.Group)
	a, b := members.of(p.sender.Peer), members.of(o.sender.Peer)
	return a < b || a == b && d.others(p, sameSender) < d.others(o, sameSender)
}

func sameGroup(p, o *Place) bool  { return p.sender.Group == o.sender.Group }
func sameSender(p, o *Place) bool { return p.sender == o.sender }
func anyone(_, _ *Place) bool     { return true }

// others counts the places that are like p's, without its own.
func (d *Docket) others(p *Place, like func(p, o *Place) bool) (n int) {
	for _, o := range d.places {
		if o != p && like(p, o) {
			n++
		}
	}
	return n
}

func (d *Docket) drop(p *Place) {
	d.places = slices.DeleteFunc(d.places, func(o *Place) bool { return o == p })
}

// Wait returns when the place's turn begins (nil), it is lost (ErrFull), or ctx ends. In every case Leave is due.
func (p *Place) Wait(ctx context.Context) error {
	p.docket.mu.Lock()
	if p.state == entered {
		p.state = waiting
		p.docket.next()
	}
	p.docket.mu.Unlock()
	select {
	case <-p.begins:
	case <-ctx.Done():
		return ctx.Err()
	}
	p.docket.mu.Lock()
	defer p.docket.mu.Unlock()
	if p.state == lost {
		return ErrFull
	}
	return nil
}

// Leave gives the place up, at the end of its turn if it had one, and says what processor time it cost.
func (p *Place) Leave(cost time.Duration) {
	d := p.docket
	d.mu.Lock()
	defer d.mu.Unlock()
	d.drop(p)
	d.spent += cost
	d.given.add(p.sender, cost)
	if p.state == holding {
		d.held = false
	}
	p.state = lost
	d.next()
}

// next lets the next turn begin, if it is time.
func (d *Docket) next() {
	var first *Place
	for _, p := range d.places {
		if p.state == waiting && (first == nil || d.before(p, first)) {
			first = p
		}
	}
	if first == nil || d.held {
		return
	}
	if wait := d.exhausted(); wait > 0 {
		if d.timer == nil {
			d.timer = time.AfterFunc(wait, d.resume)
		}
		return
	}
	d.held, first.state = true, holding
	d.given.begin(first.sender)
	close(first.begins)
}

func (d *Docket) resume() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.timer = nil
	d.next()
}

// exhausted is for how long the share stays used up.
func (d *Docket) exhausted() time.Duration {
	now := time.Now()
	d.spent = max(0, d.spent-time.Duration(d.config.Rate*float64(now.Sub(d.since))))
	d.since = now
	if d.spent < d.config.Allowance {
		return 0
	}
	return time.Duration(float64(d.spent-d.config.Allowance+time.Millisecond) / d.config.Rate)
}

// Waiting counts the places that are taken.
func (d *Docket) Waiting() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.places)
}
