package dht

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	// openTimeout bounds dialling a peer and opening a stream.
	openTimeout = 8 * time.Second
	// proposeTimeout is how long a holder may think about an offer: it checks a certificate, and the line to it may be
	// full of others' rows.
	proposeTimeout = 10 * time.Second
)

// offering is rows of one block as they are offered to holders: what makes a holder accept them, and where they come
// from. It may be used by many goroutines.
type offering struct {
	header  types.Header
	kind    proofKind
	proof   []byte
	opening coding.Opening
	encoded []byte // the opening
	// shardSize is the size of each encoded shard in bytes.
	shardSize int
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
	return makeOffering(h, kind, proof, o, shard)
}

func makeOffering(h types.Header, kind proofKind, proof []byte, o coding.Opening, shard func(uint32) ([]byte, error)) (*offering, error) {
	p, err := coding.ParamsFor(h.DataLength)
	if err != nil {
		return nil, fmt.Errorf("dht: block %d: %w", h.Height, err)
	}
	encoded, err := o.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("dht: offer rows of block %d: %w", h.Height, err)
	}
	return &offering{header: h, kind: kind, proof: proof, opening: o, encoded: encoded, shardSize: p.ShardSize(), shard: shard}, nil
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
	return d.offerDisk(ch.Header, o, ch.Encode())
}

// offerDisk offers rows on this node's disk; proof is the encoded certified header.
func (d *DHT) offerDisk(h types.Header, o coding.Opening, proof []byte) (*offering, error) {
	return makeOffering(h, proofCertified, proof, o, func(i uint32) ([]byte, error) {
		raw, err := d.rows.shard(d.life, h.Commitment, i)
		if raw == nil && err == nil {
			err = fmt.Errorf("%w: row %d of block %d", ErrNotFound, i, h.Height)
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
// holder, which may be this node, keeps what it is near enough for; handOn asks it to pass on what is new to it. What it
// has is told also when an error ended the conversation. One offer shall have at most offerBytes of rows, so that a slow
// line stays within the time limits.
func (d *DHT) offer(ctx context.Context, o *offering, holder peer.ID, indices []uint32, handOn bool) (taken, error) {
	if holder == d.host.ID() {
		return d.keepOwn(ctx, o, indices)
	}
	turns := d.offering
	if handOn {
		turns = d.seeding
	}
	if err := turns.take(ctx, o.header.Height, holder); err != nil {
		return taken{}, err
	}
	defer turns.leave(holder)
	ctx, cancel := context.WithTimeout(ctx, offerTimeout)
	defer cancel()
	if err := d.reach(ctx, holder); err != nil {
		return taken{}, err
	}
	s, err := d.quickly(ctx, holder)
	if err != nil {
		return taken{}, err
	}
	stop := context.AfterFunc(ctx, func() { _ = s.Reset() })
	defer stop()
	d.host.ConnManager().Protect(holder, "rows")
	defer d.host.ConnManager().Unprotect(holder, "rows")
	got, err := d.converse(ctx, s, o, &request{kind: kindOffer, handOn: handOn, proofKind: o.kind, proof: o.proof, indices: indices})
	if err != nil {
		_ = s.Reset()
		return got, fmt.Errorf("dht: offer to %s: %w", holder, err)
	}
	_ = s.Close() // over QUIC it fails where the holder stopped reading first
	return got, nil
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
		return taken{has: stored, stored: len(stored)}, err
	}
	return taken{has: indices, stored: len(stored)}, nil
}

// converse speaks the offering side of the row protocol.
func (d *DHT) converse(ctx context.Context, s network.Stream, o *offering, r *request) (taken, error) {
	a, err := propose(s, r)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		d.servers.failed(s.Conn().RemotePeer())
	}
	if err != nil {
		return taken{}, err
	}
	wanted, has := a.marks.pick(r.indices), a.held.pick(r.indices)
	if len(wanted) == 0 {
		_, err := readReceipt(s, 0)
		return taken{has: has}, err
	}
	if err := d.sending.take(ctx, o.header.Height, ""); err != nil {
		return taken{has: has}, err
	}
	sent := d.sendRows(ctx, s, o, a.extra, wanted)
	d.sending.leave("")
	if sent != nil && (errors.Is(sent, ErrNotFound) || ctx.Err() != nil) {
		return taken{has: has}, sent
	}
	// What was written may be under way for long, and the holder sees to it that this ends. One that wants no more has said
	// so in its receipt.
	limit := offerTimeout
	if sent != nil {
		limit = openTimeout
	}
	_ = s.SetDeadline(time.Now().Add(limit))
	stored, err := readReceipt(s, len(wanted))
	if err == nil {
		err = sent
	}
	if err != nil {
		return taken{has: append(has, wanted[:stored]...), stored: stored}, err
	}
	return taken{has: append(has, wanted...), stored: stored}, nil
}

// propose writes the request of an offer and reads what the holder says to it.
func propose(s network.Stream, r *request) (answer, error) {
	_ = s.SetDeadline(time.Now().Add(proposeTimeout))
	if err := writeFrame(s, r.encode()); err != nil {
		return answer{}, err
	}
	raw, err := readFrame(s, maxAnswer)
	if err != nil {
		return answer{}, err
	}
	a, err := decodeAnswer(raw, kindOffer, len(r.indices))
	if err == nil && a.status != statusOK {
		err = refusal(a.status)
	}
	return a, err
}

// sendRows writes what the holder needs: the opening and rows.
func (d *DHT) sendRows(ctx context.Context, s network.Stream, o *offering, opening bool, wanted []uint32) error {
	if opening {
		if err := d.send(ctx, s, o.encoded, true); err != nil {
			return err
		}
	}
	for _, i := range wanted {
		raw, err := o.shard(i)
		if err == nil {
			err = d.send(ctx, s, raw, false)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// send writes bytes, with a frame's length before them or without, when the upload allows.
func (d *DHT) send(ctx context.Context, s network.Stream, raw []byte, frame bool) error {
	if err := d.upload.wait(ctx, len(raw)); err != nil {
		return err
	}
	_ = s.SetDeadline(time.Now().Add(stepTimeout))
	if frame {
		return writeFrame(s, raw)
	}
	_, err := s.Write(raw)
	return err
}

// refusal is the error of an offer that a holder refused: ErrRefused, and ErrBudget if it is full.
func refusal(s status) error {
	if s == statusFull {
		return fmt.Errorf("%w: %w", ErrRefused, ErrBudget)
	}
	return fmt.Errorf("%w: %s", ErrRefused, s)
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
		return int(stored), refusal(status(raw[1]))
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
