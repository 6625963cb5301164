package p2p

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"sync"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	"github.com/multiformats/go-multistream"
)

// superseder closes connections that died unseen. A peer whose line got another address connects anew, while this side still
// holds the old connection and would send into it for half a minute. So when a peer opens one more connection, the older
// ones are asked whether they live.
type superseder struct {
	network.NoopNotifiee
	host host.Host
	ctx  context.Context
	stop context.CancelFunc

	mu     sync.Mutex
	asking map[peer.ID]bool
	wg     sync.WaitGroup
}

func newSuperseder(h host.Host) *superseder {
	s := &superseder{host: h, asking: make(map[peer.ID]bool)}
	s.ctx, s.stop = context.WithCancel(context.Background())
	h.Network().Notify(s)
	return s
}

func (s *superseder) close() {
	s.host.Network().StopNotify(s)
	s.mu.Lock() // nobody is between looking at ctx and being counted
	s.stop()
	s.mu.Unlock()
	s.wg.Wait()
}

// Connected implements network.Notifiee.
func (s *superseder) Connected(n network.Network, newest network.Conn) {
	id := newest.RemotePeer()
	if len(n.ConnsToPeer(id)) < 2 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil || s.asking[id] {
		return
	}
	s.asking[id] = true
	s.wg.Go(func() { s.ask(id, newest) })
}

// ask closes each connection of a peer, but the newest, over which nothing comes back.
func (s *superseder) ask(id peer.ID, newest network.Conn) {
	ctx, cancel := context.WithTimeout(s.ctx, silentPatience)
	defer cancel()
	var wg sync.WaitGroup
	for _, c := range s.host.Network().ConnsToPeer(id) {
		if c == newest {
			continue
		}
		wg.Go(func() {
			if err := echo(ctx, c); err != nil && s.ctx.Err() == nil && ctx.Err() != nil {
				_ = c.Close()
			}
		})
	}
	wg.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.asking, id)
}

// echo has a connection's other end send back a few bytes.
func echo(ctx context.Context, c network.Conn) error {
	s, err := c.NewStream(AllowRelayed(ctx))
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = s.Reset() })()
	defer s.Reset()
	if err := multistream.SelectProtoOrFail(ping.ID, s); err != nil {
		return err
	}
	var sent, got [ping.PingSize]byte
	if _, err := rand.Read(sent[:]); err != nil {
		return err
	}
	if _, err := s.Write(sent[:]); err != nil {
		return err
	}
	if _, err := io.ReadFull(s, got[:]); err != nil {
		return err
	}
	if !bytes.Equal(sent[:], got[:]) {
		return errors.New("another answer than what was sent")
	}
	return nil
}
