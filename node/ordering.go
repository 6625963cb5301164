package node

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"golang.org/x/crypto/sha3"

	"github.com/etherscale/bedrock/chain"
	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/consensus/sequencer"
	"github.com/etherscale/bedrock/fraud"
	"github.com/etherscale/bedrock/gossip/pool"
	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// openOrdering builds what drives the sequencers of one epoch after the other, each over its own vertex log.
func (n *Node) openOrdering() error {
	if n.cfg.Role != config.Sequencer {
		return nil
	}
	logs, err := store.OpenVertexLogs(filepath.Join(n.cfg.Data, "vertices"), store.LogOptions{})
	if err != nil {
		return err
	}
	n.order, err = sequencer.NewEpochs(sequencer.EpochsConfig{
		Key: n.cfg.Key, Chain: n.chain, Logs: logs, Retention: microseconds(n.cfg.Genesis.Retention), Term: n.openTerm,
		Unused: func() bool { return config.IsUnused(n.cfg.UnusedMark) },
		Used:   func() error { return config.RemoveUnused(n.cfg.UnusedMark) }, TwinWatch: n.cfg.TwinWatch,
		Logger: n.log,
	})
	return err
}

// openTerm configures the sequencer of one epoch. From here on vertices travel between its members.
func (n *Node) openTerm(e types.Epoch, _ *store.VertexLog) (sequencer.Config, error) {
	auditor, err := n.openAuditor(e)
	if err == nil {
		err = n.gossip.SetCommittee(e, n.committeeOf(e))
	}
	if err != nil {
		return sequencer.Config{}, err
	}
	return sequencer.Config{
		Core:    consensus.Config{Network: n.network, Rules: consensus.RulesOf(n.cfg.Genesis), Pacing: n.cfg.Pacing},
		Streams: streams{n}, Batches: judge{n.pool}, Rows: rows{n}, Blocks: blocks{n}, Committees: committees{n},
		KeepLog: microseconds(n.cfg.Genesis.Retention), Audit: auditor, Ordered: auditor.told(), Equivocations: n.onEquivocations, Unguarded: n.cfg.Dishonest,
		Elsewhere: func(ctx context.Context, at types.Member) (twin, sure bool, err error) {
			return n.gossip.Elsewhere(ctx, e, at)
		},
		Logger: n.log.With("epoch", e),
	}, nil
}

// committees says who orders next: the bonding contract in the state at a height, or the genesis file where there is none.
type committees struct{ n *Node }

var _ sequencer.Committees = committees{}

// Next implements sequencer.Committees. It waits until the block at the height is executed.
func (c committees) Next(ctx context.Context, e types.Epoch, at types.Height) (consensus.NextEpoch, error) {
	if c.n.cfg.Genesis.Bonding == nil {
		return consensus.NextEpoch{Committee: c.n.cfg.Genesis.NextCommittee(e, c.n.committeeOf(e-1))}, nil
	}
	signal, cancel := c.n.exec.SubscribeSignal()
	defer cancel()
	for c.n.exec.Height() < at {
		select {
		case <-ctx.Done():
			return consensus.NextEpoch{}, ctx.Err()
		case <-signal:
		}
	}
	next, err := c.n.exec.NextEpochAt(at)
	return consensus.NextEpoch{Committee: next.Committee, SettledHeight: next.SettledHeight, SettledClaim: next.SettledClaim}, err
}

// onEquivocations challenges sequencers that signed two vertices of one round. It never waits.
func (n *Node) onEquivocations(proven []types.Equivocation) {
	for _, e := range proven {
		n.log.Warn("a sequencer signed two vertices of one round", "sequencer", n.committeeOf(e.First.ID.Epoch).Member(e.Accused()).Key.PeerID(), "round", e.First.ID.Round)
		if n.proofs == nil {
			continue
		}
		n.background.do(func(context.Context) {
			n.proofs.raise(fraud.NewDoubleVertex(n.network, n.payee(), e.First.ID.Epoch, e))
		})
	}
}

// streams is the sequencer's way to the other members; gossip is opened after it.
type streams struct{ n *Node }

// Push implements sequencer.Streams.
func (s streams) Push(to types.Member, p *types.Push) bool { return s.n.gossip.Push(to, p) }

// Fetch implements sequencer.Streams.
func (s streams) Fetch(ctx context.Context, from types.Member, r *types.FetchRequest) (*types.FetchResponse, error) {
	return s.n.gossip.Fetch(ctx, from, r)
}

// judge shows the pool as the sequencer's Batches.
type judge struct{ pool.Source }

var _ sequencer.Batches = judge{}

// blocks stores what the sequencer closes and spreads what a quorum has certified.
type blocks struct{ n *Node }

var _ sequencer.Blocks = blocks{}

// Closed implements sequencer.Blocks.
func (b blocks) Closed(header types.Header, data []byte, block *coding.Block, refs []consensus.TxRef) error {
	// In this order: the block's sync covers the places, and a block that is stored is not closed again after a crash.
	if err := b.n.notePlaces(&header, data, refs, header.Epoch > 0 && uint64(header.Height-1)%b.n.cfg.Genesis.EpochLength < adoptedWithin); err != nil {
		return err
	}
	return b.n.chain.AddOwn(header, data, block)
}

// Certified implements sequencer.Blocks. Each sequencer tells the head topic once; whoever knows the header passes the
// other certificates of it no further.
func (b blocks) Certified(ch types.CertifiedHeader) error {
	known := b.n.chain.Knows(&ch.Header)
	err := b.n.chain.AddCertified(ch)
	if errors.Is(err, chain.ErrAhead) { // the ordering went on from others' state: the headers before it are still being fetched
		return nil
	}
	if err != nil || known {
		return err
	}
	b.n.noteCertified(ch)
	encoded := ch.Encode()
	queued := b.n.heads.do(func(ctx context.Context) {
		if err := b.n.gossip.PublishHead(ctx, encoded); err != nil && ctx.Err() == nil {
			b.n.log.Warn("head not published", "height", ch.Header.Height, "error", err)
		}
	})
	if !queued { // others tell of it, or the next one does
		b.n.log.Warn("head not published: too many wait", "height", ch.Header.Height)
	}
	return nil
}

// Header implements sequencer.Blocks.
func (b blocks) Header(h types.Height) (types.Header, bool) { return b.n.chain.OwnHeader(h) }

// rows pushes the sequencer's part of a block's rows to their holders.
type rows struct{ n *Node }

var _ sequencer.Rows = rows{}

// Publish implements sequencer.Rows. It queues the work: a slow holder must not hold up the next block.
func (r rows) Publish(_ context.Context, header types.Header, block *coding.Block) error {
	n, m := r.n, r.n.committeeOf(header.Epoch).Len()
	place, ok := n.placeIn(header.Epoch)
	if !ok {
		return fmt.Errorf("block %d: not in the committee of epoch %d", header.Height, header.Epoch)
	}
	self := int(place)
	queued := n.background.do(func(ctx context.Context) {
		report, err := n.dht.Publish(ctx, header, block, func(index int) bool { return index%m == self })
		if err != nil && ctx.Err() == nil {
			n.log.Warn("rows not published", "height", header.Height, "error", err)
		}
		n.cfg.Watch(Published{Height: header.Height, Rows: report.Rows, Stored: report.Copies, Holders: report.Holders})
		n.background.do(func(ctx context.Context) {
			whole := func() (*coding.Block, error) { return n.chain.Block(header.Height) }
			if _, err := n.dht.TakeOver(ctx, header, whole, self, m); err != nil && ctx.Err() == nil {
				n.log.Warn("rows of a silent sequencer not published", "height", header.Height, "error", err)
			}
		})
	})
	if !queued {
		return fmt.Errorf("block %d: too many blocks wait for their rows to be pushed", header.Height)
	}
	return nil
}

// keccak names a transaction as Ethereum does.
func keccak(envelope []byte) (h types.Hash) {
	hasher := sha3.NewLegacyKeccak256()
	hasher.Write(envelope)
	hasher.Sum(h[:0])
	return h
}
