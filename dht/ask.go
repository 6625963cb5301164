package dht

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// question writes a request and reads the first frame of its answer; a status other than ok is ErrNotFound.
func question(s network.Stream, r *request) (answer, error) {
	_ = s.SetDeadline(time.Now().Add(askTimeout))
	if err := writeFrame(s, r.encode()); err != nil {
		return answer{}, err
	}
	raw, err := readFrame(s, maxAnswer)
	if err != nil {
		return answer{}, err
	}
	a, err := decodeAnswer(raw, r.kind, len(r.indices))
	if err == nil && a.status != statusOK {
		err = fmt.Errorf("%w: %s", ErrNotFound, a.status)
	}
	return a, err
}

func readShard(r io.Reader, p coding.Params, index uint32) (coding.Shard, error) {
	raw := make([]byte, p.ShardSize())
	if _, err := io.ReadFull(r, raw); err != nil {
		return coding.Shard{}, err
	}
	s, err := coding.UnmarshalShard(raw, p)
	if err == nil && s.Index != index {
		err = fmt.Errorf("%w: row %d instead of %d", ErrMalformed, s.Index, index)
	}
	return s, err
}

// search looks for what holders did not have by Kademlia lookups, in groups, as long as they find anything. Where every
// server of a small network is known and r of them said no, a lookup could only ask the same again.
func (u *hunt) search(ctx context.Context) {
	var left []uint32
	for _, i := range keys(u.open) {
		if !u.d.servers.whole.Load() || u.open[i].noes < u.d.cfg.Replicas {
			left = append(left, i)
		}
	}
	for len(left) > 0 && ctx.Err() == nil {
		n := min(len(left), searchParallel)
		if !u.searchGroup(ctx, left[:n]) {
			return
		}
		left = left[n:]
	}
}

// searchGroup looks up a few rows at once; true if it settled any. The first valid record ends a lookup.
func (u *hunt) searchGroup(ctx context.Context, indices []uint32) bool {
	values := make([][]byte, len(indices))
	var wg sync.WaitGroup
	for j, i := range indices {
		wg.Go(func() { values[j] = u.d.lookup(ctx, Key(u.header.Commitment, i)) })
	}
	wg.Wait()
	found := false
	for j, value := range values {
		if len(value) > recordHead && u.settle(indices[j], "kademlia", value[recordHead:]) {
			found = true
		}
	}
	return found
}

// lookup is a plain SearchValue that stops at the first value; the validator has checked it against the key.
func (d *DHT) lookup(ctx context.Context, key string) []byte {
	ctx, cancel := context.WithTimeout(ctx, searchTimeout)
	defer cancel()
	values, err := d.kad.SearchValue(ctx, key)
	if err != nil {
		return nil
	}
	select {
	case value := <-values:
		return value
	case <-ctx.Done():
		return nil
	}
}

// lastResort asks a sequencer's block service for what is still missing.
func (u *hunt) lastResort(ctx context.Context) {
	left := keys(u.open)
	if len(left) == 0 || u.d.cfg.LastResort == nil || ctx.Err() != nil {
		return
	}
	from, shards, err := u.d.cfg.LastResort(ctx, u.header, left)
	if err != nil {
		u.d.log.Debug("last resort failed", "height", u.header.Height, "error", err)
		return
	}
	for j, raw := range shards {
		if j < len(left) && raw != nil {
			u.settle(left[j], from, raw)
		}
	}
}

// Opening fetches the opening of a block from those that hold its rows and hands each answer to judge, which returns
// true if it is the right one, false if it is the peer's lie. It returns nil once judge was content, else ErrNotFound.
// Whoever holds any row of the block holds the opening.
func (d *DHT) Opening(ctx context.Context, h types.Header, judge func(from string, o coding.Opening) bool) error {
	p, err := coding.ParamsFor(h.DataLength)
	if err != nil {
		return fmt.Errorf("dht: block %d: %w", h.Height, err)
	}
	if raw, err := d.opening(ctx, h.Commitment); err == nil && raw != nil {
		if o, err := coding.UnmarshalOpening(raw, p); err == nil && judge(d.host.ID().String(), o) {
			return nil
		}
	}
	for _, holder := range d.likelyHolders(h, p) {
		o, err := d.askOpening(ctx, holder, h.Commitment, p)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			continue
		}
		if judge(holder.String(), o) {
			return nil
		}
		d.lied(holder, "an opening that is not the block's")
	}
	return fmt.Errorf("%w: opening of block %d", ErrNotFound, h.Height)
}

// maxOpeningAsked is how many holders are asked for an opening, one after the other.
const maxOpeningAsked = 8

// likelyHolders are servers nearest to some rows of the block, each once.
func (d *DHT) likelyHolders(h types.Header, p coding.Params) []peer.ID {
	var out []peer.ID
	seen := map[peer.ID]bool{d.host.ID(): true}
	table := d.servers.list()
	for i := 0; i < min(p.N, 4*maxOpeningAsked) && len(out) < maxOpeningAsked; i++ {
		for _, holder := range nearest(table, Key(h.Commitment, uint32(i)), d.cfg.Replicas) {
			if !seen[holder] && d.door.open(holder) && len(out) < maxOpeningAsked {
				seen[holder] = true
				out = append(out, holder)
			}
		}
	}
	return out
}

func (d *DHT) askOpening(ctx context.Context, holder peer.ID, c types.Hash, p coding.Params) (coding.Opening, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	s, err := d.open(ctx, holder)
	if err != nil {
		return coding.Opening{}, err
	}
	defer s.Close()
	stop := context.AfterFunc(ctx, func() { _ = s.Reset() })
	defer stop()
	if _, err := question(s, &request{kind: kindOpening, commitment: c}); err != nil {
		return coding.Opening{}, err
	}
	raw, err := readFrame(s, p.OpeningSize())
	if err != nil {
		return coding.Opening{}, err
	}
	return coding.UnmarshalOpening(raw, p)
}

// Has asks a holder which of the rows it has.
func (d *DHT) Has(ctx context.Context, holder peer.ID, c types.Hash, indices []uint32) ([]uint32, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	s, err := d.open(ctx, holder)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	stop := context.AfterFunc(ctx, func() { _ = s.Reset() })
	defer stop()
	indices = sorted(indices)
	a, err := question(s, &request{kind: kindHas, commitment: c, indices: indices})
	if err != nil {
		return nil, err
	}
	return a.marks.pick(indices), nil
}

// Get fetches one row and verifies it. The error is ErrNotFound, the context's, or *coding.BadEncodingError: then the
// block itself is bad, and the shard proves it.
func (d *DHT) Get(ctx context.Context, h types.Header, v *coding.Verifier, index uint32) (coding.Shard, string, error) {
	var (
		shard   coding.Shard
		from    string
		verdict error
	)
	err := d.Rows(ctx, h, []uint32{index}, func(peer string, s coding.Shard) bool {
		err := v.Verify(s)
		if isLie(err) {
			return false
		}
		shard, from, verdict = s, peer, err
		return true
	})
	if err != nil {
		return coding.Shard{}, "", err
	}
	return shard, from, verdict
}
