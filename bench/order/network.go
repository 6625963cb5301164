package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const validators = 4

// system is one of those compared.
type system interface {
	dialect
	name() string
	// open starts the nodes with their data under dir. Those it has started are returned even with an error.
	open(dir string) ([]*process, error)
}

// network is a running system and the client's connections to its nodes.
type network struct {
	system  system
	dir     string
	nodes   []*process
	clients []*connection
	readers sync.WaitGroup
	alone   bool // only the client of the first node listens to the order, for all of them
	closing atomic.Bool
	broken  atomic.Pointer[error] // the first failure of a connection

	nextID  uint64 // of the next transaction; the order news and answers of older ones are told apart by it
	current atomic.Pointer[record]
}

// openPatience bounds how long a new network may take until it orders the first transactions.
const openPatience = 60 * time.Second

// open starts a fresh network and returns when a transaction sent to each node was ordered.
func open(ctx context.Context, s system, alone bool) (n *network, err error) {
	n = &network{system: s, alone: alone, nextID: subscribeID + 1}
	if n.dir, err = os.MkdirTemp("", "bench-"+s.name()+"-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			n.close()
			n, err = nil, fmt.Errorf("%s: %w", s.name(), err)
		}
	}()
	if n.nodes, err = s.open(n.dir); err != nil {
		return n, err
	}
	for entry, p := range n.nodes {
		c, err := dial(s, p)
		if err != nil {
			return n, err
		}
		n.clients = append(n.clients, c)
		n.readers.Go(func() { n.read(entry, c) })
		if n.alone && entry > 0 {
			continue
		}
		if err := c.send([][]byte{s.subscribe()}, time.Now().Add(startPatience)); err != nil {
			return n, err
		}
	}
	return n, n.probe(ctx)
}

// probe sends one transaction to each node until all of a lot were ordered: a network that is starting may lose some.
func (n *network) probe(ctx context.Context) error {
	for deadline := time.Now().Add(openPatience); time.Now().Before(deadline); {
		r, err := n.run(ctx, load{rate: validators, length: time.Second, drain: 4 * time.Second})
		if err != nil {
			return err
		}
		if r.Lost+r.Refused+r.Unsent == 0 {
			return nil
		}
	}
	return fmt.Errorf("orders nothing within %s of its start\n%s", openPatience, n.nodes[0].tail())
}

// read is the goroutine of one connection: it notes when things were read, by the clock of this process alone.
func (n *network) read(entry int, c *connection) {
	var in incoming
	for {
		_, message, err := c.socket.ReadMessage()
		at := time.Now()
		if err == nil {
			in = incoming{answers: in.answers[:0], ordered: in.ordered[:0]}
			err = n.system.read(message, &in)
		}
		if err == nil && in.missed > 0 {
			err = fmt.Errorf("the client was too slow: %d transactions were not told", in.missed)
		}
		if err != nil {
			n.fail(err)
			return
		}
		if r := n.current.Load(); r != nil {
			r.note(entry, at, &in)
		}
	}
}

func (n *network) fail(err error) {
	if !n.closing.Load() {
		n.broken.CompareAndSwap(nil, &err)
	}
}

// err is what broke the network, if anything did.
func (n *network) err() error {
	if broken := n.broken.Load(); broken != nil {
		return fmt.Errorf("%s: connection: %w", n.system.name(), *broken)
	}
	return nil
}

// close ends the processes and removes what they stored.
func (n *network) close() error {
	n.closing.Store(true)
	for _, c := range n.clients {
		c.socket.Close() // the process it leads to is about to be killed
	}
	for _, p := range n.nodes {
		p.stop()
	}
	n.readers.Wait()
	return errors.Join(os.RemoveAll(n.dir))
}
