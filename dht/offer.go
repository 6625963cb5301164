package dht

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
	"github.com/libp2p/go-libp2p/core/network"
)

// groupBytes is how much of an offer is in memory before it goes to the disk.
const groupBytes = 1 << 20

// serveOffer takes the rows of an offer that are wanted: those of a certified (or provisionally admitted) header for
// which this node is among the 2r nearest it knows, and which it does not hold. It returns what is to be handed on once
// the sender has its receipt, or nil.
func (d *DHT) serveOffer(ctx context.Context, s network.Stream, r *request) (*handOn, error) {
	h, certified, err := d.admit(r)
	if errors.Is(err, ErrRefused) {
		d.counts.refusedHeader.Add(1)
		return nil, writeFrame(s, answer{status: statusUnknown}.encode(r.kind))
	}
	if err != nil {
		return nil, err
	}
	p, err := coding.ParamsFor(h.DataLength)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if last := r.indices[len(r.indices)-1]; int(last) >= p.N {
		return nil, fmt.Errorf("%w: row %d of %d", ErrMalformed, last, p.N)
	}
	wanted, held, err := d.wanted(ctx, h.Commitment, r.indices)
	if err != nil {
		return nil, err
	}
	if certified && !d.fit(ctx, h.Commitment, p, wanted, len(r.indices)) && held.count() == 0 {
		d.counts.refusedFull.Add(1)
		return nil, writeFrame(s, answer{status: statusFull}.encode(r.kind))
	}
	verifier := d.verifier(ctx, h, p)
	needOpening := verifier == nil && len(wanted.pick(r.indices)) > 0
	if err := writeFrame(s, answer{extra: needOpening, marks: wanted, held: held}.encode(r.kind)); err != nil {
		return nil, err
	}
	if needOpening {
		if verifier, err = d.readOpening(s, h, p); err != nil {
			return nil, err
		}
	}
	stored, err := d.takeRows(ctx, s, h, verifier, wanted.pick(r.indices), certified)
	d.counts.taken.Add(uint64(len(stored)))
	result := statusOK
	if errors.Is(err, ErrBudget) {
		d.counts.refusedFull.Add(1)
		result, err = statusFull, nil
	}
	if err != nil {
		d.report(r, h, err)
		return nil, err
	}
	extend(ctx, s)
	err = writeFrame(s, binary.LittleEndian.AppendUint32([]byte{wireVersion, byte(result)}, uint32(len(stored))))
	if !r.handOn || !certified || r.proofKind != proofCertified || len(stored) == 0 {
		return nil, err
	}
	return &handOn{header: *h, proof: r.proof, opening: verifier.Opening(), indices: stored}, err
}

// wanted marks the rows that this node should hold and does not, and those it holds.
func (d *DHT) wanted(ctx context.Context, c types.Hash, indices []uint32) (wanted, held bitmap, err error) {
	wanted, held = newBitmap(len(indices)), newBitmap(len(indices))
	table := d.servers.list()
	if d.cutter.keeps(c) {
		for j := range indices {
			held.set(j)
		}
		return wanted, held, nil
	}
	for j, i := range indices {
		has, err := d.holds(ctx, c, i)
		if err != nil {
			return nil, nil, err
		}
		if has {
			held.set(j)
			continue
		}
		if slices.Contains(nearest(table, Key(c, i), 2*d.cfg.Replicas), d.host.ID()) {
			wanted.set(j)
		} else {
			d.counts.refusedPlace.Add(1)
		}
	}
	return wanted, held, nil
}

// fit unmarks those of n rows that the budget has no room for; false if it has room for none of them.
func (d *DHT) fit(ctx context.Context, c types.Hash, p coding.Params, wanted bitmap, n int) bool {
	room, count := d.rows.room(c, p), wanted.count()
	if room < count && d.giveUpOld(ctx) {
		room = d.rows.room(c, p)
	}
	for j := n - 1; j >= 0 && wanted.count() > room; j-- {
		wanted.unset(j)
	}
	return count == 0 || room > 0
}

func (d *DHT) holds(ctx context.Context, c types.Hash, index uint32) (bool, error) {
	if d.waiting.has(c, index) {
		return true, nil
	}
	return d.rows.has(ctx, c, index)
}

// admit decides whether the header of an offer may have rows here: ErrRefused if not now, other errors are lies.
func (d *DHT) admit(r *request) (h *types.Header, certified bool, err error) {
	if r.proofKind == proofMember {
		h, err = d.admitMember(r.proof)
		if err != nil {
			return nil, false, err
		}
		_, certified = d.cfg.Headers.HeaderByCommitment(h.Commitment)
		return h, certified, nil
	}
	ch, err := types.DecodeCertifiedHeader(r.proof)
	if err != nil {
		return nil, false, err
	}
	if d.tooOld(&ch.Header) {
		return nil, false, fmt.Errorf("%w: header %d is older than the retention time", ErrRefused, ch.Header.Height)
	}
	if known, ok := d.cfg.Headers.HeaderByCommitment(ch.Header.Commitment); ok && known.Header.Digest() == ch.Header.Digest() {
		return &known.Header, true, nil
	}
	committee, err := d.committee(&ch.Header)
	if err != nil {
		return nil, false, err
	}
	return &ch.Header, true, ch.Verify(d.cfg.Network, committee)
}

// committee is who may sign the header: ErrRefused while its epoch is not known here.
func (d *DHT) committee(h *types.Header) (*types.Committee, error) {
	committee, ok := d.cfg.Headers.Committee(h.Epoch)
	if !ok {
		return nil, fmt.Errorf("%w: the committee of epoch %d is not known", ErrRefused, h.Epoch)
	}
	return committee, nil
}

func (d *DHT) admitMember(proof []byte) (*types.Header, error) {
	if len(proof) < 96 {
		return nil, fmt.Errorf("%w: signed header of %d bytes", ErrMalformed, len(proof))
	}
	h, err := types.DecodeHeader(proof[96:])
	if err != nil {
		return nil, err
	}
	if known, ok := d.cfg.Headers.HeaderByCommitment(h.Commitment); ok {
		return &known.Header, nil
	}
	key := types.PublicKey(proof[:32])
	committee, err := d.committee(h)
	if err != nil {
		return nil, err
	}
	member, ok := committee.Index(key)
	if !ok || h.Network != d.cfg.Network {
		return nil, fmt.Errorf("%w: header %d is signed by no member", ErrMalformed, h.Height)
	}
	if err := types.VerifyDigest(key, h.Digest(), types.Signature(proof[32:96])); err != nil {
		return nil, err
	}
	return h, d.waiting.admit(member, h, d.cfg.Headers.Head().Header.Height)
}

func (d *DHT) tooOld(h *types.Header) bool {
	return d.cfg.Retention > 0 && h.Time < types.TimeOf(time.Now().Add(-d.cfg.Retention))
}

// verifier finds the verifier of a block in memory or makes it from the stored opening; nil if there is none.
func (d *DHT) verifier(ctx context.Context, h *types.Header, p coding.Params) *coding.Verifier {
	if v := d.verifiers.get(h.Commitment); v != nil {
		return v
	}
	raw, err := d.rows.opening(ctx, h.Commitment)
	if err != nil || raw == nil {
		return nil
	}
	v, err := d.learnOpening(raw, h, p)
	if err != nil {
		d.log.Warn("stored opening is broken", "height", h.Height, "error", err)
		return nil
	}
	return v
}

func (d *DHT) learnOpening(raw []byte, h *types.Header, p coding.Params) (*coding.Verifier, error) {
	o, err := coding.UnmarshalOpening(raw, p)
	if err != nil {
		return nil, err
	}
	v, err := coding.NewVerifier(p, h.Commitment, o.RowRoot, o.Y)
	if err != nil {
		return nil, err
	}
	d.verifiers.add(h.Commitment, v)
	return v, nil
}

func (d *DHT) readOpening(s network.Stream, h *types.Header, p coding.Params) (*coding.Verifier, error) {
	raw, err := readFrame(s, p.OpeningSize())
	if err != nil {
		return nil, err
	}
	return d.learnOpening(raw, h, p)
}

// takeRows reads and verifies the wanted rows and stores them group by group. It returns those that were stored.
func (d *DHT) takeRows(ctx context.Context, s network.Stream, h *types.Header, v *coding.Verifier, wanted []uint32, certified bool) ([]uint32, error) {
	if len(wanted) == 0 {
		return nil, nil // and no verifier, perhaps
	}
	var stored []uint32
	for group := range slices.Chunk(wanted, max(1, groupBytes/v.Params().ShardSize())) {
		shards, err := readShards(ctx, s, v, group)
		if err != nil {
			return stored, err
		}
		added, err := d.keep(ctx, h, v.Opening(), shards, certified)
		stored = append(stored, added...)
		if err != nil {
			return stored, err
		}
	}
	return stored, nil
}

// keep stores verified shards: on disk if the header is certified, else in memory. What it counts is durable as far as it
// ever will be.
func (d *DHT) keep(ctx context.Context, h *types.Header, o coding.Opening, shards map[uint32][]byte, certified bool) ([]uint32, error) {
	if !certified {
		return d.waiting.put(h.Commitment, o, shards)
	}
	stored, err := d.store(ctx, h, o, shards)
	if err == nil && len(stored) > 0 {
		err = d.rows.sync.wait(ctx)
	}
	return stored, err
}

// extend gives the next step of a request its time, within that of the whole.
func extend(ctx context.Context, s network.Stream) {
	limit := time.Now().Add(stepTimeout)
	if end, ok := ctx.Deadline(); ok && end.Before(limit) {
		limit = end
	}
	_ = s.SetDeadline(limit)
}

// readShards reads the shards of indices and verifies each. A wrong row stops everything: whoever it is that lies, the
// block or the peer, such a row is not stored.
func readShards(ctx context.Context, r network.Stream, v *coding.Verifier, indices []uint32) (map[uint32][]byte, error) {
	p := v.Params()
	group := make(map[uint32][]byte, len(indices))
	for _, i := range indices {
		extend(ctx, r)
		raw := make([]byte, p.ShardSize())
		if _, err := io.ReadFull(r, raw); err != nil {
			return nil, err
		}
		s, err := coding.UnmarshalShard(raw, p)
		if err != nil {
			return nil, err
		}
		if s.Index != i {
			return nil, fmt.Errorf("%w: row %d instead of %d", ErrMalformed, s.Index, i)
		}
		if err := v.Verify(s); err != nil {
			return nil, err
		}
		group[i] = raw
	}
	return group, nil
}

// report hands over the proof that a certified block is badly encoded. Its header may be ahead of those followed here: then
// the offer has its certificate, which admit has verified.
func (d *DHT) report(r *request, h *types.Header, err error) {
	var bad *coding.BadEncodingError
	if d.cfg.BadEncoding == nil || !errors.As(err, &bad) {
		return
	}
	if ch, known := d.cfg.Headers.HeaderByCommitment(h.Commitment); known {
		d.cfg.BadEncoding(ch, bad)
		return
	}
	if r.proofKind != proofCertified {
		return // one member's word: the block may never be certified
	}
	if ch, err := types.DecodeCertifiedHeader(r.proof); err == nil {
		d.cfg.BadEncoding(*ch, bad)
	}
}
