package dht

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// openTimeout bounds dialling a peer and opening a stream.
const openTimeout = 8 * time.Second

// offering is rows of one block as they are offered to holders: what makes a holder accept them, and where they come
// from. It may be used by many goroutines.
type offering struct {
	header  types.Header
	kind    proofKind
	proof   []byte
	opening coding.Opening
	encoded []byte // the opening
	// shard is the encoded coding.Shard of a row; called from many goroutines.
	shard func(index uint32) ([]byte, error)
}

// taken is what became of an offer to one holder.
type taken struct {
	has    []uint32 // rows that the holder has now, by its word
	stored int      // of these, new ones
}

// newOffering offers rows of the header's block, taken from shard. It fails with ErrNotCertified when nothing would make
// a holder accept them.
func (d *DHT) newOffering(h types.Header, o coding.Opening, shard func(uint32) ([]byte, error)) (*offering, error) {
	kind, proof, err := d.proofOf(h)
	if err != nil {
		return nil, err
	}
	encoded, err := o.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("dht: offer rows of block %d: %w", h.Height, err)
	}
	return &offering{header: h, kind: kind, proof: proof, opening: o, encoded: encoded, shard: shard}, nil
}

// offerBlock offers the rows of a block that is here whole.
func (d *DHT) offerBlock(h types.Header, b *coding.Block) (*offering, error) {
	return d.newOffering(h, b.Opening(), func(i uint32) ([]byte, error) {
		raw, err := cut(b, i)
		if raw == nil && err == nil {
			err = fmt.Errorf("%w: row %d of block %d", ErrNotFound, i, h.Height)
		}
		return raw, err
	})
}

// offerHeld offers rows that this node holds, on its disk or in a whole block, of a certified block. It fails with
// ErrNotFound when nothing of the block is held or its certificate is not known here.
func (d *DHT) offerHeld(ctx context.Context, c types.Hash) (*offering, error) {
	ch, ok := d.cfg.Headers.HeaderByCommitment(c)
	if !ok {
		return nil, fmt.Errorf("%w: certificate of %s", ErrNotFound, c)
	}
	if block := d.cutter.block(c); block != nil {
		return d.offerBlock(ch.Header, block)
	}
	p, err := coding.ParamsFor(ch.Header.DataLength)
	if err != nil {
		return nil, fmt.Errorf("dht: block %d: %w", ch.Header.Height, err)
	}
	raw, err := d.rows.opening(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("dht: read opening: %w", err)
	}
	if raw == nil {
		return nil, fmt.Errorf("%w: rows of block %d", ErrNotFound, ch.Header.Height)
	}
	o, err := coding.UnmarshalOpening(raw, p)
	if err != nil {
		return nil, fmt.Errorf("dht: stored opening of block %d: %w", ch.Header.Height, err)
	}
	return d.newOffering(ch.Header, o, func(i uint32) ([]byte, error) {
		raw, err := d.rows.shard(ctx, c, i)
		if raw == nil && err == nil {
			err = fmt.Errorf("%w: row %d of block %d", ErrNotFound, i, ch.Header.Height)
		}
		return raw, err
	})
}

// proofOf is what makes a holder accept rows of the header.
func (d *DHT) proofOf(h types.Header) (proofKind, []byte, error) {
	if ch, ok := d.cfg.Headers.HeaderByCommitment(h.Commitment); ok {
		return proofCertified, ch.Encode(), nil
	}
	if d.cfg.Sign == nil {
		return 0, nil, ErrNotCertified
	}
	key, sig := d.cfg.Sign(h.Digest())
	proof := append(append([]byte(nil), key[:]...), sig[:]...)
	return proofMember, append(proof, h.Encode()...), nil
}

// offer offers rows (ascending indices, each once) to a holder, sends what it wants and waits for its receipt. The
// holder, which may be this node, keeps what it is near enough for. What it has is told also when an error ended the
// conversation.
func (d *DHT) offer(ctx context.Context, o *offering, holder peer.ID, indices []uint32) (taken, error) {
	if holder == d.host.ID() {
		return d.keepOwn(ctx, o, indices)
	}
	ctx, cancel := context.WithTimeout(ctx, offerTimeout)
	defer cancel()
	s, err := d.open(ctx, holder)
	if err != nil {
		return taken{}, err
	}
	stop := context.AfterFunc(ctx, func() { _ = s.Reset() })
	defer stop()
	d.host.ConnManager().Protect(holder, "rows")
	defer d.host.ConnManager().Unprotect(holder, "rows")
	got, err := o.converse(s, indices)
	if err != nil {
		_ = s.Reset()
		return got, fmt.Errorf("dht: offer to %s: %w", holder, err)
	}
	return got, s.Close()
}

// keepOwn stores rows for which this node itself is among the nearest.
func (d *DHT) keepOwn(ctx context.Context, o *offering, indices []uint32) (taken, error) {
	if d.cutter.keeps(o.header.Commitment) {
		return taken{has: indices}, nil
	}
	shards := make(map[uint32][]byte, len(indices))
	for _, i := range indices {
		raw, err := o.shard(i)
		if err != nil {
			return taken{}, err
		}
		shards[i] = raw
	}
	_, certified, err := d.admit(&request{kind: kindOffer, proofKind: o.kind, proof: o.proof})
	if err != nil {
		return taken{}, err
	}
	stored, err := d.keep(ctx, &o.header, o.opening, shards, certified)
	if err != nil {
		return taken{stored: stored}, err
	}
	return taken{has: indices, stored: stored}, nil
}

// converse speaks the offering side of the row protocol.
func (o *offering) converse(s network.Stream, indices []uint32) (taken, error) {
	_ = s.SetDeadline(time.Now().Add(stepTimeout))
	if err := writeFrame(s, (&request{kind: kindOffer, proofKind: o.kind, proof: o.proof, indices: indices}).encode()); err != nil {
		return taken{}, err
	}
	raw, err := readFrame(s, maxAnswer)
	if err != nil {
		return taken{}, err
	}
	a, err := decodeAnswer(raw, kindOffer, len(indices))
	if err != nil {
		return taken{}, err
	}
	if a.status != statusOK {
		return taken{}, fmt.Errorf("%w: %s", ErrRefused, a.status)
	}
	if a.extra {
		if err := writeFrame(s, o.encoded); err != nil {
			return taken{}, err
		}
	}
	wanted, has := a.marks.pick(indices), a.held.pick(indices)
	if err := o.writeRows(s, wanted); err != nil {
		return taken{has: has}, err
	}
	stored, err := readReceipt(s, len(wanted))
	if err != nil {
		return taken{has: append(has, wanted[:stored]...), stored: stored}, err
	}
	return taken{has: append(has, wanted...), stored: stored}, nil
}

func (o *offering) writeRows(s network.Stream, wanted []uint32) error {
	for _, i := range wanted {
		raw, err := o.shard(i)
		if err != nil {
			return err
		}
		_ = s.SetDeadline(time.Now().Add(stepTimeout))
		if _, err := s.Write(raw); err != nil {
			return err
		}
	}
	return nil
}

// readReceipt reads the last answer to an offer: how many of the n wanted rows were stored.
func readReceipt(s network.Stream, n int) (int, error) {
	raw, err := readFrame(s, 6)
	if err != nil {
		return 0, err
	}
	if len(raw) != 6 || raw[0] != wireVersion {
		return 0, fmt.Errorf("%w: receipt of %d bytes", ErrMalformed, len(raw))
	}
	stored := binary.LittleEndian.Uint32(raw[2:])
	if int64(stored) > int64(n) {
		return 0, fmt.Errorf("%w: receipt for %d rows of %d", ErrMalformed, stored, n)
	}
	if status(raw[1]) != statusOK {
		return int(stored), fmt.Errorf("%w: %s", ErrRefused, status(raw[1]))
	}
	return int(stored), nil
}

// open opens a row stream; a peer that cannot be reached is passed over for a while.
func (d *DHT) open(ctx context.Context, p peer.ID) (network.Stream, error) {
	opening, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	s, err := d.host.NewStream(opening, p, d.rowProtocol)
	if err != nil {
		if !errors.Is(ctx.Err(), context.Canceled) {
			d.servers.failed(p)
		}
		return nil, fmt.Errorf("dht: reach %s: %w", p, err)
	}
	return s, nil
}

func sorted(indices []uint32) []uint32 {
	out := slices.Clone(indices)
	slices.Sort(out)
	return slices.Compact(out)
}
