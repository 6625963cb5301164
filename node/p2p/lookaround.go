package p2p

import (
	"context"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"

	"github.com/etherscale/bedrock/rpc"
)

// Surroundings are what a short-lived host finds out.
type Surroundings struct {
	Reach    rpc.Reachability
	Contacts []Contact // one for each node to join by
}

// Contact is an attempt to reach a node to join by.
type Contact struct {
	ID    string
	Took  time.Duration // dial and handshake
	Agent string        // what it calls its program; its own word
	Err   error         // nil: it answered
}

const (
	// contactPatience bounds one attempt.
	contactPatience = 5 * time.Second
	// reachLook is the pause between two looks whether others could dial the host.
	reachLook = 200 * time.Millisecond
)

// LookAround starts a host with the configuration of a node that does not run, dials those that the node would join by and, with
// listen set, waits until they found out whether they can dial back; at most until ctx ends. Nothing is joined. The key should be
// a throw-away one.
func LookAround(ctx context.Context, c Config, listen bool) (*Surroundings, error) {
	c.MayMove = true
	if !listen {
		c.Listen, c.Announce, c.Mapping = nil, nil, false
	}
	h, err := New(c)
	if err != nil {
		return nil, err
	}
	defer h.Close()
	s := &Surroundings{Contacts: dialAll(ctx, h, c.Bootstrap)}
	for listen && h.reach.public && ctx.Err() == nil {
		if s.Reach = h.Reachability(); s.Reach.State != rpc.Unknown {
			return s, nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(reachLook):
		}
	}
	s.Reach = h.Reachability()
	return s, nil
}

func dialAll(ctx context.Context, h *Host, peers []peer.AddrInfo) []Contact {
	out := make([]Contact, len(peers))
	var group sync.WaitGroup
	for i, p := range peers {
		group.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, contactPatience)
			defer cancel()
			began := time.Now()
			out[i] = Contact{ID: p.ID.String(), Err: h.Connect(ctx, p), Took: time.Since(began)}
			if agent, err := h.Peerstore().Get(p.ID, "AgentVersion"); err == nil {
				out[i].Agent, _ = agent.(string)
			}
		})
	}
	group.Wait()
	return out
}

// Reserved reports whether an address in text is one that the open internet does not carry: private, shared by a provider, local.
func Reserved(text string) bool {
	a, err := multiaddr.NewMultiaddr(text)
	return err == nil && isReserved(a)
}
