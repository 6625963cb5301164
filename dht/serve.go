package dht

import (
	"context"
	"errors"
	"time"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	// stepTimeout is how long one step of a request (a frame, a stored group of rows) may take.
	stepTimeout = 20 * time.Second
	// offerTimeout bounds a whole offer, so that a trickle does not hold a place.
	offerTimeout = 2 * time.Minute
)

// handle serves one request. A peer that sends what is provably wrong is not listened to for a while.
func (d *DHT) handle(s network.Stream) {
	from := s.Conn().RemotePeer()
	if !d.door.enter(from) {
		_ = s.Reset()
		return
	}
	next := d.answer(s)
	d.door.leave(from)
	if next != nil {
		d.passOn(next)
	}
}

// answer serves one request to its end and returns what is to be handed on, or nil.
func (d *DHT) answer(s network.Stream) *handOn {
	ctx, cancel := context.WithTimeout(context.Background(), offerTimeout)
	defer cancel()
	next, err := d.serve(ctx, s)
	if isLie(err) {
		d.door.refused.Add(1)
		d.lied(s.Conn().RemotePeer(), err.Error())
	}
	if err != nil {
		_ = s.Reset()
		return next
	}
	_ = s.Close()
	return next
}

// isLie tells faults of the peer from faults of the line or the own disk.
func isLie(err error) bool {
	return errors.Is(err, ErrMalformed) || errors.Is(err, ErrRecord) || errors.Is(err, errFrame) || errors.Is(err, coding.ErrPath) ||
		errors.Is(err, coding.ErrOpening) || errors.Is(err, coding.ErrMalformed) || errors.Is(err, types.ErrCertificate) ||
		errors.Is(err, types.ErrSignature) || errors.Is(err, types.ErrMalformed)
}

func (d *DHT) serve(ctx context.Context, s network.Stream) (*handOn, error) {
	_ = s.SetDeadline(time.Now().Add(stepTimeout))
	raw, err := readFrame(s, maxRequest)
	if err != nil {
		return nil, err
	}
	r, err := decodeRequest(raw)
	if err != nil {
		return nil, err
	}
	switch r.kind {
	case kindOffer:
		return d.serveOffer(ctx, s, r)
	case kindGet:
		return nil, d.serveGet(ctx, s, r)
	case kindHas:
		return nil, d.serveHas(ctx, s, r)
	default:
		return nil, d.serveOpening(ctx, s, r)
	}
}

func (d *DHT) serveGet(ctx context.Context, s network.Stream, r *request) error {
	marks, size := newBitmap(len(r.indices)), 0
	var shards [][]byte
	block := d.cutter.block(r.commitment)
	for j, i := range r.indices {
		shard, err := d.shard(ctx, block, r.commitment, i)
		if err != nil {
			return err
		}
		if shard == nil || size+len(shard) > maxGetBytes {
			continue
		}
		size += len(shard)
		marks.set(j)
		shards = append(shards, shard)
	}
	if err := writeFrame(s, answer{marks: marks}.encode(r.kind)); err != nil {
		return err
	}
	for _, shard := range shards {
		if _, err := s.Write(shard); err != nil {
			return err
		}
	}
	return nil
}

func (d *DHT) serveHas(ctx context.Context, s network.Stream, r *request) error {
	marks, whole := newBitmap(len(r.indices)), d.cutter.keeps(r.commitment)
	for j, i := range r.indices {
		held, err := whole, error(nil)
		if !whole {
			held, err = d.holds(ctx, r.commitment, i)
		}
		if err != nil {
			return err
		}
		if held {
			marks.set(j)
		}
	}
	return writeFrame(s, answer{marks: marks}.encode(r.kind))
}

func (d *DHT) serveOpening(ctx context.Context, s network.Stream, r *request) error {
	opening, err := d.opening(ctx, r.commitment)
	if err != nil {
		return err
	}
	if opening == nil {
		return writeFrame(s, answer{status: statusUnknown}.encode(r.kind))
	}
	if err := writeFrame(s, answer{}.encode(r.kind)); err != nil {
		return err
	}
	return writeFrame(s, opening)
}

// lied notes a peer's lie, and shuts the peer out for a while.
func (d *DHT) lied(p peer.ID, what string) {
	if d.cfg.Lied != nil {
		d.cfg.Lied(p, what)
	} else {
		d.log.Warn("peer sent something that is not the block's", "peer", p.String(), "what", what)
	}
	d.door.shut(p)
}
