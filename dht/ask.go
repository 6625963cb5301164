package dht

import (
	"context"
	"fmt"
	"io"
	"slices"
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

// Opening fetches the opening of a block from those that hold its rows, or keep it whole, and hands each answer to judge,
// which returns true if it is the right one, false if it is the peer's lie. It returns nil once judge was content, else
// ErrNotFound or the context's error. Whoever holds any row of the block holds the opening. It is asked of whoever is
// connected first, and of the next only when that one is late, lies or has none.
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
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := &openingRace{d: d, commitment: h.Commitment, params: p, left: d.likelyHolders(h, p), answers: make(chan openingAnswer)}
	for r.start(ctx); r.running > 0; {
		_, late := d.pace.patience()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(late):
			r.start(ctx)
		case a := <-r.answers:
			r.running--
			if a.err == nil && judge(a.from.String(), a.opening) {
				return nil
			}
			if a.err == nil {
				d.lied(a.from, "an opening that is not the block's")
			}
			r.start(ctx)
		}
	}
	return fmt.Errorf("%w: opening of block %d", ErrNotFound, h.Height)
}

const (
	// maxOpeningAsked is how many holders are asked for an opening at most: of 64 one is alive, but for one case in a
	// million, where four of five are dead. Nothing can be rebuilt without the opening.
	maxOpeningAsked = 64
	// openingsFirst is how many are asked before the members of the committee.
	openingsFirst = 12
	// maxOpeningDials is how many are dialled at once to ask the first that is reached: one in five may be dead.
	maxOpeningDials = 3
)

// openingRace is one call of Opening.
type openingRace struct {
	d          *DHT
	commitment types.Hash
	params     coding.Params
	left       []peer.ID // not asked yet
	running    int
	answers    chan openingAnswer
}

type openingAnswer struct {
	from    peer.ID
	opening coding.Opening
	err     error
}

// start asks the next holder, or, where none of the next few is connected, whichever of them is reached first.
func (r *openingRace) start(ctx context.Context) {
	if len(r.left) == 0 {
		return
	}
	n := 1
	if !r.d.connected(r.left[0]) {
		n = min(maxOpeningDials, len(r.left))
	}
	next := r.left[:n]
	r.left = r.left[n:]
	r.running++
	go func() {
		a := openingAnswer{err: ErrNotFound}
		if a.from = r.d.reachAny(ctx, next); a.from != "" {
			a.opening, a.err = r.d.askOpening(ctx, a.from, r.commitment, r.params)
		}
		select {
		case r.answers <- a:
		case <-ctx.Done():
		}
	}()
}

// likelyHolders are servers nearest to some rows of the block, with members of the committee after the first of them, each
// once; connected ones first.
func (d *DHT) likelyHolders(h types.Header, p coding.Params) []peer.ID {
	var out []peer.ID
	seen := map[peer.ID]bool{d.host.ID(): true}
	table := d.servers.readable()
	for i := 0; i < min(p.N, 4*maxOpeningAsked) && len(out) < maxOpeningAsked; i++ {
		for _, holder := range nearest(table, Key(h.Commitment, uint32(i)), d.cfg.Replicas) {
			if !seen[holder] && d.door.open(holder) && len(out) < maxOpeningAsked {
				seen[holder] = true
				out = append(out, holder)
			}
		}
	}
	first := min(openingsFirst, len(out))
	d.sortByReach(out[:first])
	d.sortByReach(out[first:])
	var keepers []peer.ID
	for _, keeper := range d.members(h) {
		if !seen[keeper] {
			keepers = append(keepers, keeper)
		}
	}
	return slices.Insert(out, first, keepers...)
}

func (d *DHT) askOpening(ctx context.Context, holder peer.ID, c types.Hash, p coding.Params) (coding.Opening, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	done, err := d.inquirers.take(ctx, holder)
	if err != nil {
		return coding.Opening{}, err
	}
	defer done()
	s, err := d.quickly(ctx, holder)
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
