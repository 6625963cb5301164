package node

import (
	"context"
	"errors"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/etherscale/bedrock/chain"
	"github.com/etherscale/bedrock/gossip"
	"github.com/etherscale/bedrock/types"
)

// openChain opens headers and bodies. A sequencer closes blocks itself, so it waits a moment before it fetches a body.
func (n *Node) openChain() (err error) {
	var delay time.Duration
	if n.cfg.Role == Sequencer {
		delay = 2 * time.Second
	}
	n.chain, err = chain.Open(chain.Config{
		Genesis: n.cfg.Genesis, Store: n.store, Peers: peers{n}, Rows: rebuilder{n}, HeadersOnly: !n.cfg.Role.FollowsBodies(),
		BodyDelay: delay, Logger: n.log,
	})
	return err
}

// peers is the chain's way to other nodes; gossip is opened after it.
type peers struct{ n *Node }

var _ chain.Peers = peers{}

// Headers implements chain.Peers.
func (p peers) Headers(ctx context.Context, from types.Height, max int) ([]types.CertifiedHeader, error) {
	return p.n.gossip.Headers(ctx, from, max)
}

// Body implements chain.Peers.
func (p peers) Body(ctx context.Context, height types.Height, commitment types.Hash) ([]byte, error) {
	return p.n.gossip.Body(ctx, height, commitment)
}

// onHead judges a certified header from the head topic.
func (n *Node) onHead(_ context.Context, _ peer.ID, encoded []byte) gossip.Verdict {
	ch, err := types.DecodeCertifiedHeader(encoded)
	if err != nil {
		return gossip.Reject
	}
	if n.chain.Knows(&ch.Header) {
		return gossip.Ignore
	}
	err = n.chain.AddCertified(*ch)
	switch {
	case err == nil:
		n.noteCertified(*ch)
		return gossip.Accept
	case errors.Is(err, types.ErrCertificate), errors.Is(err, types.ErrMalformed):
		return gossip.Reject
	}
	n.log.Debug("head not taken", "height", ch.Header.Height, "error", err)
	return gossip.Ignore
}

// noteCertified tells the watcher of a certificate.
func (n *Node) noteCertified(ch types.CertifiedHeader) {
	n.cfg.Watch(Certified{Header: ch.Header, Signers: len(ch.Certificate.Signatures), Committee: n.committee.Len()})
}

// followHeaders keeps a node that executes nothing up to date with what it tells others about the chain.
func (n *Node) followHeaders(ctx context.Context) error {
	signal, cancel := n.chain.Subscribe()
	defer cancel()
	for {
		if err := n.chain.Err(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-signal:
		}
	}
}
