package node

import (
	"context"
	"errors"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/etherscale/bedrock/chain"
	"github.com/etherscale/bedrock/gossip"
	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/types"
)

// silence is for how long after a heartbeat no new block must have been heard of until peers are asked.
const silence = 5 * time.Second

// openChain opens headers and bodies. A sequencer closes blocks itself, so it waits a moment before it fetches a body.
func (n *Node) openChain() (err error) {
	var delay time.Duration
	if n.cfg.Role == config.Sequencer {
		delay = 2 * time.Second
	}
	checkpoint, err := config.ParseCheckpoint(n.cfg.Checkpoint)
	if err != nil {
		return err
	}
	n.chain, err = chain.Open(chain.Config{
		Genesis: n.cfg.Genesis, Store: n.store, Peers: peers{n}, Rows: rebuilder{n}, HeadersOnly: !n.cfg.Role.FollowsBodies(),
		BodyBudget: uint64(diskShare(n.cfg.Disk, bodyShare)), BodyDelay: delay, Own: n.key, Checkpoint: checkpoint, HoldBodies: n.joinsLate(), Poll: microseconds(n.cfg.Genesis.Heartbeat) + silence, Logger: n.log,
	})
	if err != nil {
		return err
	}
	return n.chain.Fresh(time.Now())
}

// peers is the chain's way to other nodes; gossip is opened after it.
type peers struct{ n *Node }

var (
	_ chain.Peers      = peers{}
	_ chain.Distruster = peers{}
)

// Headers implements chain.Peers.
func (p peers) Headers(ctx context.Context, from types.Height, max int) ([]types.CertifiedHeader, error) {
	return p.n.gossip.Headers(ctx, from, max)
}

// Body implements chain.Peers.
func (p peers) Body(ctx context.Context, height types.Height, commitment types.Hash) ([]byte, error) {
	return p.n.gossip.Body(ctx, height, commitment)
}

// DistrustHeaders implements chain.Distruster.
func (p peers) DistrustHeaders(from types.Height) { p.n.gossip.DistrustHeaders(from) }

// DistrustBody implements chain.Distruster.
func (p peers) DistrustBody(height types.Height) { p.n.gossip.DistrustBody(height) }

// onHead judges a certified header from the head topic.
func (n *Node) onHead(_ context.Context, _ peer.ID, encoded []byte) gossip.Verdict {
	ch, err := types.DecodeCertifiedHeader(encoded)
	if err != nil {
		return gossip.Reject
	}
	if n.chain.Knows(&ch.Header) || n.chain.Err() != nil { // a chain that is stopped judges nothing any more
		return gossip.Ignore
	}
	err = n.chain.AddCertified(*ch)
	switch {
	case err == nil:
		n.noteCertified(*ch)
		return gossip.Accept
	case errors.Is(err, chain.ErrConflict):
		return gossip.Accept // the proof that a quorum is corrupt must spread
	case errors.Is(err, types.ErrCertificate), errors.Is(err, types.ErrMalformed), errors.Is(err, chain.ErrInvalid):
		return gossip.Reject
	}
	n.log.Debug("head not taken", "height", ch.Header.Height, "error", err)
	return gossip.Ignore
}

// noteCertified tells the watcher of a certificate.
func (n *Node) noteCertified(ch types.CertifiedHeader) {
	n.cfg.Watch(Certified{Header: ch.Header, Signers: len(ch.Certificate.Signatures), Committee: n.committeeOf(ch.Header.Epoch).Len()})
}

// followChain runs the chain. When a quorum proves corrupt it stops following, and the node goes on answering what it
// knows: the evidence stays on disk and in the status.
func (n *Node) followChain(ctx context.Context) error {
	err := n.chain.Run(ctx)
	if errors.Is(err, chain.ErrConflict) {
		n.log.Error("a quorum of the committee signed what it must not have signed; this node follows the chain no further", "evidence", err)
		n.challengeConflict(err)
		<-ctx.Done()
		return nil
	}
	return err
}

// followEpochs tells gossip of each new committee.
func (n *Node) followEpochs(ctx context.Context) error {
	signal, cancel := n.chain.Subscribe()
	defer cancel()
	for told := n.chain.Epoch(); ; {
		if e := n.chain.Epoch(); e != told {
			if err := n.gossip.SetCommittee(e, n.committeeOf(e)); err != nil {
				return err
			}
			told = e
		}
		select {
		case <-ctx.Done():
			return nil
		case <-signal:
		}
	}
}

// followBlocks is executeBlocks for nodes that execute nothing: pool and sequencer of an opaque network learn what has
// been ordered.
func (n *Node) followBlocks(ctx context.Context) error {
	signal, cancel := n.chain.Subscribe()
	defer cancel()
	var told types.Height
	for {
		told = max(told, n.chain.PrunedHeight()) // below a checkpoint there are none
		for told < n.chain.BodiesHead() && ctx.Err() == nil {
			told++
			data, err := n.chain.Body(told)
			if err != nil {
				return err
			}
			envelopes := types.DecodeBlockData(data)
			n.settlePool(told, envelopes)
			n.cfg.Watch(Executed{Height: told, Transactions: len(envelopes)})
		}
		if n.order != nil {
			n.order.Executed(told)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-signal:
		}
	}
}
