package dht

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	// publishPasses is how often rows that found too few holders go to the next nearest.
	publishPasses = 3
	// publishParallel is the number of holders written to at once.
	publishParallel = 8
	// openTimeout bounds dialling a peer and opening a stream.
	openTimeout = 8 * time.Second
)

// Report says what became of published rows.
type Report struct {
	Rows    int // rows that were to be published
	Copies  int // copies that holders acknowledged, those they had already and those of keepers included
	Stored  int // of these, new ones
	Holders int // servers that acknowledged something
	Failed  int // servers that did not answer or refused
	Missing int // rows that no server acknowledged
}

// publication is one block being published.
type publication struct {
	d       *DHT
	header  types.Header
	block   *coding.Block
	proof   []byte
	kind    proofKind
	opening []byte
	keepers map[peer.ID]bool // hold the block whole

	mu     sync.Mutex
	copies map[uint32]int
	tried  map[uint32]map[peer.ID]bool
	report Report
}

// Publish sends the rows that pick selects to the r servers nearest to each, one stream a server, and waits for their
// acknowledgements. A server whose signature is in the certificate keeps the block whole: it counts as a holder of the
// rows it is near enough for, and is sent nothing. Rows that found fewer than r holders are offered to the next nearest. It fails only if nothing could
// be tried: ErrNotCertified, ErrNoServers, or ctx ended; how far it got is in the Report.
func (d *DHT) Publish(ctx context.Context, header types.Header, block *coding.Block, pick func(index int) bool) (Report, error) {
	pub := &publication{d: d, header: header, block: block, copies: make(map[uint32]int), tried: make(map[uint32]map[peer.ID]bool)}
	var err error
	if pub.kind, pub.proof, err = d.proofOf(header); err != nil {
		return Report{}, err
	}
	if pub.opening, err = block.Opening().MarshalBinary(); err != nil {
		return Report{}, fmt.Errorf("dht: publish block %d: %w", header.Height, err)
	}
	pub.keepers = d.keepers(header.Commitment)
	d.note(ctx, &header, block.Params())
	var picked []uint32
	for i := range block.Params().N {
		if pick(i) {
			picked = append(picked, uint32(i))
		}
	}
	if len(picked) > 0 && len(d.servers.list()) == 0 {
		return Report{Rows: len(picked), Missing: len(picked)}, ErrNoServers
	}
	for range publishPasses {
		if ctx.Err() != nil || !pub.pass(ctx, picked) {
			break
		}
	}
	return pub.finish(picked), ctx.Err()
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

// pass offers every row that lacks copies to the nearest servers not tried yet; false if there was nothing to do.
func (pub *publication) pass(ctx context.Context, picked []uint32) bool {
	groups := pub.group(picked)
	if len(groups) == 0 {
		return false
	}
	var wg sync.WaitGroup
	slots := make(chan struct{}, publishParallel)
	for holder, indices := range groups {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			pub.offer(ctx, holder, indices)
		})
	}
	wg.Wait()
	return true
}

func (pub *publication) group(picked []uint32) map[peer.ID][]uint32 {
	r, table := pub.d.cfg.Replicas, pub.d.servers.list()
	groups := make(map[peer.ID][]uint32)
	for _, i := range picked {
		missing := r - pub.copies[i]
		if missing <= 0 {
			continue
		}
		if pub.tried[i] == nil {
			pub.tried[i] = make(map[peer.ID]bool)
		}
		for _, p := range nearest(table, Key(pub.header.Commitment, i), 2*r) {
			if pub.tried[i][p] || missing == 0 {
				continue
			}
			missing--
			pub.tried[i][p] = true
			if pub.keepers[p] {
				pub.copies[i]++
				pub.report.Copies++
				continue
			}
			groups[p] = append(groups[p], i)
		}
	}
	return groups
}

// offer gives a holder its rows and books what it acknowledged.
func (pub *publication) offer(ctx context.Context, holder peer.ID, indices []uint32) {
	acked, stored, err := pub.deliver(ctx, holder, indices)
	pub.mu.Lock()
	defer pub.mu.Unlock()
	for _, i := range acked {
		pub.copies[i]++
	}
	pub.report.Stored += stored
	pub.report.Copies += len(acked)
	if len(acked) > 0 {
		pub.report.Holders++
	}
	if err != nil {
		pub.report.Failed++
		pub.d.log.Debug("rows not delivered", "height", pub.header.Height, "peer", holder.String(), "rows", len(indices), "error", err)
	}
}

func (pub *publication) deliver(ctx context.Context, holder peer.ID, indices []uint32) ([]uint32, int, error) {
	if holder == pub.d.host.ID() {
		return pub.keepOwn(ctx, indices)
	}
	ctx, cancel := context.WithTimeout(ctx, offerTimeout)
	defer cancel()
	s, err := pub.d.open(ctx, holder)
	if err != nil {
		return nil, 0, err
	}
	pub.d.host.ConnManager().Protect(holder, "rows")
	defer pub.d.host.ConnManager().Unprotect(holder, "rows")
	acked, stored, err := pub.converse(s, indices)
	if err != nil {
		_ = s.Reset()
		return acked, stored, fmt.Errorf("dht: offer to %s: %w", holder, err)
	}
	return acked, stored, s.Close()
}

// keepOwn stores rows for which this node itself is among the nearest.
func (pub *publication) keepOwn(ctx context.Context, indices []uint32) ([]uint32, int, error) {
	if pub.d.cutter.keeps(pub.header.Commitment) {
		return indices, 0, nil
	}
	shards := make(map[uint32][]byte, len(indices))
	for _, i := range indices {
		raw, err := pub.shard(i)
		if err != nil {
			return nil, 0, err
		}
		shards[i] = raw
	}
	_, certified, err := pub.d.admit(&request{kind: kindOffer, proofKind: pub.kind, proof: pub.proof})
	if err != nil {
		return nil, 0, err
	}
	stored, err := pub.d.keep(ctx, &pub.header, pub.block.Opening(), shards, certified)
	if err != nil {
		return nil, stored, err
	}
	return indices, stored, nil
}

func (pub *publication) shard(i uint32) ([]byte, error) {
	s, err := pub.block.Shard(i)
	if err != nil {
		return nil, err
	}
	return s.MarshalBinary()
}

// converse speaks the offering side of the row protocol. acked are the rows the holder has now.
func (pub *publication) converse(s network.Stream, indices []uint32) (acked []uint32, stored int, err error) {
	_ = s.SetDeadline(time.Now().Add(stepTimeout))
	if err := writeFrame(s, (&request{kind: kindOffer, proofKind: pub.kind, proof: pub.proof, indices: indices}).encode()); err != nil {
		return nil, 0, err
	}
	raw, err := readFrame(s, maxAnswer)
	if err != nil {
		return nil, 0, err
	}
	a, err := decodeAnswer(raw, kindOffer, len(indices))
	if err != nil {
		return nil, 0, err
	}
	if a.status != statusOK {
		return nil, 0, fmt.Errorf("%w: %s", ErrRefused, a.status)
	}
	if a.extra {
		if err := writeFrame(s, pub.opening); err != nil {
			return nil, 0, err
		}
	}
	wanted, acked := a.marks.pick(indices), a.held.pick(indices)
	if err := pub.writeRows(s, wanted); err != nil {
		return acked, 0, err
	}
	if stored, err = readReceipt(s, len(wanted)); err != nil {
		return append(acked, wanted[:stored]...), stored, err
	}
	return append(acked, wanted...), stored, nil
}

func (pub *publication) writeRows(s network.Stream, wanted []uint32) error {
	for _, i := range wanted {
		raw, err := pub.shard(i)
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

func (pub *publication) finish(picked []uint32) Report {
	pub.mu.Lock()
	defer pub.mu.Unlock()
	pub.report.Rows = len(picked)
	for _, i := range picked {
		if pub.copies[i] == 0 {
			pub.report.Missing++
		}
	}
	return pub.report
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
