package node

import (
	"context"
	"errors"
	"time"

	"github.com/holiman/uint256"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/gossip"
	"github.com/etherscale/bedrock/gossip/pool"
	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/types"
)

// openPool opens the pool of roles that take transactions.
func (n *Node) openPool() (err error) {
	switch {
	case !n.cfg.Role.Executes():
		return nil
	case n.exec == nil:
		n.pool, err = pool.NewOpaque(pool.OpaqueConfig{Publish: n.publishBatch, NextBurst: n.nextBurst})
		return err
	}
	n.wallets, err = pool.New(pool.Config{
		ChainID: n.cfg.Genesis.ChainID, BaseFeeFloor: n.cfg.Genesis.BaseFeeFloor, State: poolState{n.exec}, Publish: n.publishBatch,
		NextBurst: n.nextBurst, Journal: newJournal(n.store), Ready: n.heard, Logger: n.log,
	})
	if err != nil {
		return err
	}
	n.pool = n.wallets
	n.exec.Know(n.wallets)
	waiting, err := n.wallets.Recover(context.Background())
	if waiting > 0 {
		n.log.Info("transactions wait again that entered here before the restart", "count", waiting)
	}
	return err
}

// nextBurst is when this node, if it is a sequencer, makes vertices again.
func (n *Node) nextBurst() time.Time {
	if n.order == nil {
		return time.Time{}
	}
	return n.order.NextBurst()
}

// poolState is the executed state as the pool sees it.
type poolState struct{ *execution.Chain }

var _ pool.State = poolState{}

// BaseFee implements pool.State.
func (s poolState) BaseFee() *uint256.Int { return uint256.NewInt(s.Chain.BaseFee()) }

// mostBehind is how many blocks execution may lack while transactions are sent out.
const mostBehind = 8

// heard reports whether a batch that is published now reaches those who order it: somebody listens on the topic, a member of
// the committee has streams to a quorum, and the own state is fresh enough to judge nonces by.
func (n *Node) heard() bool {
	if n.exec.Height()+mostBehind < n.chain.Head().Header.Height {
		return false
	}
	epoch := n.chain.Epoch()
	if _, member := n.placeIn(epoch); !member || n.order == nil {
		return n.gossip.TopicPeers(gossip.TopicBatch) > 0
	}
	return n.gossip.Reaches(epoch)
}

// directSubmissions is to how many sequencers a batch goes directly when pubsub alone has not got it ordered, or cannot.
const directSubmissions = 2

// publishBatch sends out a batch that entered here. A sequencer holds it at once; what is still not executed later goes to
// sequencers directly as well, so that no mesh can swallow it. It never waits for a peer: it is called from the pool's one
// goroutine, and a sequencer that does not answer must not keep back what others sent.
func (n *Node) publishBatch(ctx context.Context, out pool.Outgoing) {
	if n.order != nil {
		n.order.Hold(out.ID, out.Body, out.Txs, out.Time, true)
	}
	err := n.gossip.PublishBatch(ctx, out.Body)
	if err == nil && out.Attempt == 0 && n.gossip.TopicPeers(gossip.TopicBatch) > 0 {
		return
	}
	queued := n.submits.do(func(ctx context.Context) {
		if _, err := n.gossip.SubmitBatch(ctx, out.Body, directSubmissions); err != nil && ctx.Err() == nil {
			n.log.Warn("batch not published; it will be tried again", "batch", out.ID, "attempt", out.Attempt, "error", err)
		}
	})
	if !queued && ctx.Err() == nil {
		n.log.Warn("batch not handed to sequencers: too many wait; it will be tried again", "batch", out.ID, "attempt", out.Attempt, "error", err)
	}
}

// onBatch judges a batch of another peer.
func (n *Node) onBatch(_ context.Context, from peer.ID, body []byte, received types.Time) gossip.Verdict {
	admission, err := n.pool.AdmitBatch(body, string(from))
	switch {
	case errors.Is(err, pool.ErrInvalid):
		return gossip.Reject
	case err != nil:
		return gossip.Ignore
	}
	if n.order != nil {
		n.order.Hold(admission.ID, body, admission.Txs, received, admission.Admitted)
	}
	if !admission.Admitted {
		n.log.Debug("batch not admitted", "batch", admission.ID, "reason", admission.Reason)
		return gossip.Ignore
	}
	return gossip.Accept
}

// openGossip joins the topics with the handlers of the role.
func (n *Node) openGossip() (err error) {
	ctx, cancel := context.WithCancel(context.Background())
	n.stopPubsub = cancel
	newest := n.chain.Epoch()
	before := max(newest, 1) - 1
	n.gossip, err = gossip.New(ctx, gossip.Config{
		Host: n.host, Network: n.network, Epoch: before, Committee: n.committeeOf(before), Committees: n.chain.Committee, Handlers: n.handlers(),
		FindPeer: n.dht.FindPeer, MaxBody: n.cfg.Genesis.BlockBytes + types.MaxLoneTransactionBytes, HedgeDelay: 400 * time.Millisecond, Leaf: n.cfg.Role == config.Light,
		Logger: n.log,
	})
	if err != nil {
		return err
	}
	return n.gossip.SetCommittee(newest, n.committeeOf(newest))
}

func (n *Node) handlers() gossip.Handlers {
	h := gossip.Handlers{
		Head: n.onHead,
		Headers: func(from types.Height, max int) []types.CertifiedHeader {
			return n.chain.HeadersFrom(from, max)
		},
		Opening: n.chain.OpeningBytes,
	}
	if n.cfg.Role.FollowsBodies() {
		h.Body = n.chain.BodyBytes
	}
	if n.pool != nil {
		h.Batch = n.onBatch
	}
	if n.order != nil {
		h.Push, h.FetchDAG, h.Audit = n.watchPushes(n.order.HandlePush), n.order.HandleFetch, n.auditAnswer
	}
	h.Prove = n.proveHandler()
	if n.exec != nil {
		h.Snapshot = n.exec.Snapshot
	}
	n.proofHandlers(&h)
	return h
}
