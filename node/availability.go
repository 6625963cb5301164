package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/etherscale/bedrock/chain"
	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/dht"
	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/sampling"
	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// rowsPrefix is where the DHT's rows live in the store.
const rowsPrefix = "rows"

// availability samples the chain's blocks.
type availability struct{ *sampling.Client }

// lightSweep is how often a light client looks who keeps rows, once it has found many: each look costs it some 70 KB, and who is gone
// from its table is noticed when rows are asked for.
const lightSweep = 5 * time.Minute

// openAvailability opens the DHT and, where the role samples, the sampling client over it.
func (n *Node) openAvailability() (err error) {
	rows := dht.Config{
		Host: n.host, Network: n.network, Server: n.cfg.Role.Stores(), Headers: n.chain,
		Budget: n.cfg.ShardBudget, Upload: n.cfg.Upload, Replicas: n.cfg.Genesis.ShardReplicas, Retention: microseconds(n.cfg.Genesis.Retention), WholeTable: n.cfg.Role == config.Sequencer,
		Lied: func(p peer.ID, what string) {
			n.log.Warn("a peer lied about rows", "peer", p, "what", what)
			n.gossip.Penalize(p)
		},
		BadEncoding: n.onBadEncoding,
		Logger:      n.log,
	}
	if n.cfg.Role == config.Light {
		rows.Sweep = lightSweep
	}
	if n.cfg.Role == config.Sequencer {
		rows.Blocks = n.chain
	}
	if rows.Server {
		rows.Datastore = n.store.Datastore(rowsPrefix)
	}
	if n.dht, err = dht.New(rows); err != nil {
		return err
	}
	n.onClose(n.dht.Close)
	if !n.cfg.Role.Samples() {
		return nil
	}
	rules, err := config.ParseSampling(n.cfg.Sampling)
	if err != nil {
		return err
	}
	rate := n.cfg.SamplingRate
	if rate == 0 && n.cfg.Role == config.Light {
		rate = config.LightSamplingRate
	}
	client, err := sampling.New(sampling.Config{
		Rules: rules, Rate: rate,
		Headers: sampled{n.chain, n}, Rows: n.dht, Openings: openings{n}, Store: sampleStore{db: n.store}, Retention: rows.Retention,
		Receipts: sampleStore{n.store, receiptPrefix}, EpochEnds: n.epochEnds,
		Verdict: n.noteSampled, BadEncoding: n.onBadEncoding, Keep: n.keepRows, Logger: n.log,
	})
	if err != nil {
		return err
	}
	n.sampling = &availability{client}
	return nil
}

// sampled are the headers of the blocks that are sampled: not those before a state that was fetched.
type sampled struct {
	*chain.Chain
	n *Node
}

// First implements sampling.Headers.
func (s sampled) First() types.Height {
	first := s.Chain.First()
	if s.n.exec != nil {
		first = max(first, s.n.exec.First()+1)
	}
	return first
}

func microseconds(us uint64) time.Duration { return time.Duration(us) * time.Microsecond }

// noteSampled tells the watcher of a verdict.
func (n *Node) noteSampled(r sampling.Result) {
	n.meter.noteSampled(r)
	if n.cfg.Role != config.Light {
		return
	}
	n.cfg.Watch(Sampled{Height: r.Height, Verdict: string(r.Verdict), Asked: r.Asked, Answered: r.Answered, MissLog2: r.MissLog2, Took: r.Elapsed})
}

// keepRows serves sampled rows on, as far as this node should have been given them.
func (n *Node) keepRows(h types.Header, o coding.Opening, shards []coding.Shard) {
	if n.cfg.Role == config.Light {
		return
	}
	n.background.do(func(ctx context.Context) {
		if _, err := n.dht.Keep(ctx, h, o, shards); err != nil && ctx.Err() == nil {
			n.log.Debug("sampled rows not kept", "height", h.Height, "error", err)
		}
	})
}

// sampleStore keeps what sampling knows of blocks in the node's store, under its prefix.
type sampleStore struct {
	db     *store.DB
	prefix string
}

// receiptPrefix sets receipts apart from states, whose keys are bare heights and begin with a zero byte.
const receiptPrefix = "receipt"

func (s sampleStore) key(h types.Height) []byte {
	return append([]byte(s.prefix), store.BigEndian(h)...)
}

var _ sampling.Store = sampleStore{}

// Get implements sampling.Store.
func (s sampleStore) Get(h types.Height) ([]byte, error) {
	value, err := s.db.Get(store.SpaceSampling, s.key(h))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return value, err
}

// Put implements sampling.Store. States are synced: the indices of a block must be on disk before the first question. A
// receipt is written before the state of its attempt, whose sync it shares.
func (s sampleStore) Put(h types.Height, value []byte) error {
	durability := store.Synced
	if s.prefix == receiptPrefix {
		durability = store.Unsynced
	}
	return s.db.Set(store.SpaceSampling, s.key(h), value, durability)
}

// Prune implements sampling.Store.
func (s sampleStore) Prune(below types.Height) error {
	batch := s.db.Batch()
	batch.DeleteRange(store.SpaceSampling, s.key(1), s.key(below))
	return batch.Commit(store.Unsynced)
}

// openings fetches the openings of commitments: from holders of the block's rows, else from peers that serve blocks.
type openings struct{ n *Node }

var _ sampling.Openings = openings{}

// Opening implements sampling.Openings.
func (o openings) Opening(ctx context.Context, h types.Header, judge func(from string, opening coding.Opening) bool) error {
	err := o.n.dht.Opening(ctx, h, judge)
	if err == nil || ctx.Err() != nil {
		return err
	}
	opening, err := o.n.gossip.Opening(ctx, h)
	if err == nil && !judge("block service", *opening) {
		err = dht.ErrNotFound
	}
	return err
}

// epochEnds are the last headers of the epochs before one, as far as the chain goes back.
func (n *Node) epochEnds(before types.Epoch) ([]types.CertifiedHeader, error) {
	var out []types.CertifiedHeader
	length, first := types.Height(n.cfg.Genesis.EpochLength), n.chain.First()
	for e := types.Epoch(0); e < before; e++ {
		end := (types.Height(e) + 1) * length
		ch, ok := n.chain.Header(end)
		if !ok && end+1 < first {
			continue // before the checkpoint where this node began
		}
		if !ok {
			return nil, fmt.Errorf("node: the last header of epoch %d is not here", e)
		}
		out = append(out, ch)
	}
	return out, nil
}

// rebuilder makes block data from rows when no peer serves the body.
type rebuilder struct{ n *Node }

// Rebuild implements chain.Rows. Whoever executes meets a wrong row here at the latest: the data does not encode to what the
// header commits to.
func (r rebuilder) Rebuild(ctx context.Context, header types.Header) ([]byte, error) {
	data, err := sampling.Restore(ctx, r.n.dht, openings{r.n}, header, nil)
	var bad *coding.BadEncodingError
	if ch, ok := r.n.chain.Header(header.Height); ok && errors.As(err, &bad) {
		r.n.onBadEncoding(ch, bad)
	}
	return data, err
}
