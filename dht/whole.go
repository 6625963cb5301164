package dht

import (
	"context"
	"errors"
	"sync"
	"time"

	ds "github.com/ipfs/go-datastore"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
)

// Blocks are the blocks that a member of the committee keeps whole. It answers for every row of them, is a holder of each
// row for which it is near enough, and takes no copies: a row is cut out of the block when somebody asks.
type Blocks interface {
	// HasBody reports whether the data of a block is here.
	HasBody(h types.Height) bool
	// Block returns an encoded block: of late from memory, else encoded again.
	Block(h types.Height) (*coding.Block, error)
}

const (
	// cutShare bounds what strangers cost who ask for rows of old blocks, which must be encoded again: one part in
	// cutShare of a core, after a burst of cutBurst.
	cutShare = 10
	cutBurst = 5 * time.Second
	// cutFree is what a block from memory takes at most; it is not counted.
	cutFree = time.Millisecond
)

// cutter cuts rows out of whole blocks.
type cutter struct {
	blocks  Blocks // nil: this node keeps none
	headers Headers

	mu   sync.Mutex
	paid time.Time // until when past encodings use up the share
}

// keeps reports whether the certified block behind a commitment is here whole.
func (k *cutter) keeps(c types.Hash) bool {
	if k.blocks == nil {
		return false
	}
	ch, ok := k.headers.HeaderByCommitment(c)
	return ok && k.blocks.HasBody(ch.Header.Height)
}

// block is the encoded block behind a commitment; nil if it is not here, or too many old blocks were asked for lately.
func (k *cutter) block(c types.Hash) *coding.Block {
	if k.blocks == nil {
		return nil
	}
	ch, ok := k.headers.HeaderByCommitment(c)
	if !ok {
		return nil
	}
	return k.at(ch.Header.Height)
}

func (k *cutter) at(h types.Height) *coding.Block {
	start := time.Now()
	k.mu.Lock()
	late := k.paid.Sub(start) > cutBurst
	k.mu.Unlock()
	if k.blocks == nil || late {
		return nil
	}
	block, err := k.blocks.Block(h)
	if took := time.Since(start); took > cutFree {
		k.mu.Lock()
		if k.paid.Before(start) {
			k.paid = start
		}
		k.paid = k.paid.Add(cutShare * took)
		k.mu.Unlock()
	}
	if err != nil {
		return nil
	}
	return block
}

// cut is the encoded shard of a row; nil if the block has no such row.
func cut(b *coding.Block, index uint32) ([]byte, error) {
	if int64(index) >= int64(b.Params().N) {
		return nil, nil
	}
	s, err := b.Shard(index)
	if err != nil {
		return nil, err
	}
	return s.MarshalBinary()
}

// shard is the encoded shard of a row that is held, or nil. block, if not nil, is the whole block.
func (d *DHT) shard(ctx context.Context, block *coding.Block, c types.Hash, index uint32) ([]byte, error) {
	if block != nil {
		return cut(block, index)
	}
	return d.rows.shard(ctx, c, index)
}

// opening is the encoded opening of a block of which rows are held, or nil.
func (d *DHT) opening(ctx context.Context, c types.Hash) ([]byte, error) {
	raw, err := d.rows.opening(ctx, c)
	if raw != nil || err != nil {
		return raw, err
	}
	if block := d.cutter.block(c); block != nil {
		return block.Opening().MarshalBinary()
	}
	return nil, nil
}

// record is the record under a DHT key, or ds.ErrNotFound.
func (d *DHT) record(ctx context.Context, key string) ([]byte, error) {
	value, err := d.rows.record(ctx, key)
	if d.cutter.blocks == nil || !errors.Is(err, ds.ErrNotFound) {
		return value, err
	}
	height, index, err := d.rows.place(ctx, key)
	if err != nil {
		return nil, err
	}
	block := d.cutter.at(height)
	if block == nil || Key(block.Commitment(), index) != key {
		return nil, ds.ErrNotFound
	}
	raw, err := cut(block, index)
	if err != nil {
		return nil, err
	}
	p := block.Params()
	return Record{Length: p.Length, ValueRoot: types.Hash(valueRoot(block.Y())), Shard: raw}.Encode(), nil
}

// note lets GET_VALUE find the rows of a certified block that is here whole: a DHT key is a hash and does not tell its
// block.
func (d *DHT) note(ctx context.Context, h *types.Header, p coding.Params) {
	if d.cutter.blocks == nil || p.N == 0 {
		return
	}
	if err := d.rows.notePlaces(ctx, h, p.N); err != nil && ctx.Err() == nil {
		d.log.Warn("rows of a block not findable by key", "height", h.Height, "error", err)
	}
}

// keepers are the peers that keep the block whole by their own word: they signed its certificate. They need no rows.
func (d *DHT) keepers(c types.Hash) map[peer.ID]bool {
	ch, ok := d.cfg.Headers.HeaderByCommitment(c)
	if !ok {
		return nil
	}
	committee, ok := d.cfg.Headers.Committee(ch.Header.Epoch)
	if !ok {
		return nil
	}
	out := make(map[peer.ID]bool)
	for _, m := range ch.Certificate.Signers.Members() {
		if !committee.Has(m) {
			continue
		}
		key := committee.Member(m).Key
		pub, err := crypto.UnmarshalEd25519PublicKey(key[:])
		if err != nil {
			continue
		}
		if id, err := peer.IDFromPublicKey(pub); err == nil {
			out[id] = true
		}
	}
	return out
}
