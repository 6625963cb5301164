package dht

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// stranger is a host that speaks the row protocol by hand.
func stranger(t *testing.T, to *node) host.Host {
	t.Helper()
	h := newTestHost(t)
	if err := h.Connect(t.Context(), infoOf(to.host)); err != nil {
		t.Fatal(err)
	}
	return h
}

func dial(t *testing.T, from host.Host, to *node) network.Stream {
	t.Helper()
	s, err := from.NewStream(t.Context(), to.host.ID(), to.rowProtocol)
	if err != nil {
		t.Fatal(err)
	}
	_ = s.SetDeadline(time.Now().Add(5 * time.Second))
	t.Cleanup(func() { _ = s.Reset() })
	return s
}

// offerByHand offers rows and sends the given shards for whatever is wanted. It returns the number stored.
func offerByHand(t *testing.T, from host.Host, to *node, kind proofKind, proof []byte, b *coding.Block, indices []uint32,
	change func(*coding.Shard)) (int, error) {
	t.Helper()
	s := dial(t, from, to)
	if err := writeFrame(s, (&request{kind: kindOffer, proofKind: kind, proof: proof, indices: indices}).encode()); err != nil {
		return 0, err
	}
	raw, err := readFrame(s, maxAnswer)
	if err != nil {
		return 0, err
	}
	a, err := decodeAnswer(raw, kindOffer, len(indices))
	if err != nil || a.status != statusOK {
		return 0, errors.Join(err, ErrRefused)
	}
	if a.extra {
		opening, _ := b.Opening().MarshalBinary()
		if err := writeFrame(s, opening); err != nil {
			return 0, err
		}
	}
	for _, i := range a.marks.pick(indices) {
		shard, _ := b.Shard(i)
		shard.Row = slices.Clone(shard.Row)
		if change != nil {
			change(&shard)
		}
		raw, _ := shard.MarshalBinary()
		if _, err := s.Write(raw); err != nil {
			return 0, err
		}
	}
	return readReceipt(s, len(indices))
}

func memberProof(a *authority, i types.Member, h types.Header) []byte {
	key, sig := a.signAs(i, h.Digest())
	return append(append(append([]byte(nil), key[:]...), sig[:]...), h.Encode()...)
}

// I1: a wrong row, a forged certificate, a wrong opening: nothing is stored, and the sender is shut out.
func TestOfferOfLies(t *testing.T) {
	a := newAuthority(t)
	block, header := encodeBlock(t, 1, 5000)
	other, _ := encodeBlock(t, 2, 5000)
	good := a.certify(header)
	forged := a.certify(header)
	forged.Certificate.Signatures[1][5] ^= 1
	few := a.certify(header)
	few.Certificate.Signers, few.Certificate.Signatures = types.Bitmap{1}, few.Certificate.Signatures[:1]
	for name, lie := range map[string]struct {
		proof  []byte
		block  *coding.Block
		change func(*coding.Shard)
	}{
		"wrong row":         {good.Encode(), block, func(s *coding.Shard) { s.Row[0] ^= 1 }},
		"row of elsewhere":  {good.Encode(), block, func(s *coding.Shard) { s.Index ^= 1 }},
		"wrong opening":     {good.Encode(), other, nil},
		"forged signature":  {forged.Encode(), block, nil},
		"too few signed":    {few.Encode(), block, nil},
		"no header":         {[]byte{0xc0}, block, nil},
		"rows beyond block": {good.Encode(), block, func(s *coding.Shard) { s.Index = maxIndices - 1 }},
	} {
		t.Run(name, func(t *testing.T) {
			var liar peer.ID
			n := newNode(t, a, func(c *Config) { c.Lied = func(p peer.ID, _ string) { liar = p } })
			h := stranger(t, n)
			if _, err := offerByHand(t, h, n, proofCertified, lie.proof, lie.block, indices(16), lie.change); err == nil {
				t.Fatal("acknowledged")
			}
			eventually(t, func() bool { return !n.door.open(h.ID()) }, "the liar is still listened to")
			if n.Stats().Rows != 0 || n.Stats().Refused == 0 || liar != h.ID() {
				t.Fatalf("%+v, liar %s", n.Stats(), liar)
			}
			if _, err := offerByHand(t, h, n, proofCertified, good.Encode(), block, indices(4), nil); err == nil {
				t.Fatal("the liar was served")
			}
		})
	}
}

// A certificate in the offer is enough, also before the own chain has it.
func TestOfferBeforeHeader(t *testing.T) {
	a := newAuthority(t)
	block, header := encodeBlock(t, 1, 5000)
	ch := a.certify(header)
	n := newNode(t, a, nil)
	h := stranger(t, n)
	stored, err := offerByHand(t, h, n, proofCertified, ch.Encode(), block, indices(block.Params().N), nil)
	if err != nil || stored != block.Params().N || n.Stats().Rows != stored {
		t.Fatalf("stored %d: %v", stored, err)
	}
	// I2: taken once.
	if stored, err = offerByHand(t, h, n, proofCertified, ch.Encode(), block, indices(block.Params().N), nil); err != nil || stored != 0 {
		t.Fatalf("stored again %d: %v", stored, err)
	}
}

// I2: of 5 servers with one copy a row, only the two nearest take it.
func TestOfferElsewhere(t *testing.T) {
	a := newAuthority(t)
	block, header := encodeBlock(t, 1, 5000)
	ch := a.certify(header)
	n := newNode(t, a, func(c *Config) { c.Replicas = 1 })
	for i := range 4 {
		n.servers.alive(peer.ID("server" + string(rune('a'+i))))
	}
	eventually(t, func() bool { return len(n.servers.list()) == 5 }, "table is not known")
	want, elsewhere := 0, []uint32(nil)
	for _, i := range indices(block.Params().N) {
		if slices.Contains(nearest(n.servers.list(), Key(header.Commitment, i), 2), n.host.ID()) {
			want++
		} else {
			elsewhere = append(elsewhere, i)
		}
	}
	// An offer of which nothing is wanted needs no opening, and there is none here yet.
	stored, err := offerByHand(t, stranger(t, n), n, proofCertified, ch.Encode(), block, elsewhere, nil)
	if err != nil || stored != 0 {
		t.Fatalf("stored %d rows of which none is wanted: %v", stored, err)
	}
	stored, err = offerByHand(t, stranger(t, n), n, proofCertified, ch.Encode(), block, indices(block.Params().N), nil)
	if err != nil || stored != want || want == 0 || want == block.Params().N {
		t.Fatalf("stored %d rows, %d are near: %v", stored, want, err)
	}
}

// Rows of a block that is older than the retention time are not taken.
func TestOfferTooOld(t *testing.T) {
	a := newAuthority(t)
	block, header := encodeBlock(t, 1, 5000)
	header.Time = types.TimeOf(time.Now().Add(-2 * time.Hour))
	ch := a.certify(header)
	n := newNode(t, a, func(c *Config) { c.Retention = time.Hour })
	h := stranger(t, n)
	if _, err := offerByHand(t, h, n, proofCertified, ch.Encode(), block, indices(4), nil); !errors.Is(err, ErrRefused) {
		t.Fatal(err)
	}
	if !n.door.open(h.ID()) {
		t.Fatal("being late is no lie")
	}
}

// I3: the budget holds, and what is held stays.
func TestBudget(t *testing.T) {
	a := newAuthority(t)
	block, header := encodeBlock(t, 1, 5000)
	ch := a.certify(header)
	p := block.Params()
	budget := blockBytes(p, 10)
	n := newNode(t, a, func(c *Config) { c.Budget = budget })
	h := stranger(t, n)
	if stored, err := offerByHand(t, h, n, proofCertified, ch.Encode(), block, indices(10), nil); err != nil || stored != 10 {
		t.Fatalf("stored %d: %v", stored, err)
	}
	if _, err := offerByHand(t, h, n, proofCertified, ch.Encode(), block, []uint32{11}, nil); !errors.Is(err, ErrRefused) {
		t.Fatalf("one row too many: %v", err)
	}
	if s := n.Stats(); s.Rows != 10 || s.Bytes != budget || !n.door.open(h.ID()) {
		t.Fatalf("%+v", s)
	}
}

// I3: rows without a certificate.
func TestProvisional(t *testing.T) {
	a := newAuthority(t)
	n := newNode(t, a, nil)
	h := stranger(t, n)
	block, header := encodeBlock(t, 3, 5000)
	twin, twinHeader := encodeBlock(t, 99, 5000)
	twinHeader.Height = 3
	far, farHeader := encodeBlock(t, 9, 5000)
	fourth := twinHeader
	fourth.Height = 4
	outsider := memberProof(a, 0, fourth)
	outsider[0] ^= 1

	if stored, err := offerByHand(t, h, n, proofMember, memberProof(a, 0, header), block, indices(20), nil); err != nil || stored != 20 {
		t.Fatalf("stored %d: %v", stored, err)
	}
	if s := n.Stats(); s.Rows != 0 || s.Provisional != int64(20*block.Params().ShardSize()) {
		t.Fatalf("%+v, want 20 rows in memory only", s)
	}
	if _, err := offerByHand(t, h, n, proofMember, memberProof(a, 0, twinHeader), twin, indices(1), nil); !errors.Is(err, ErrRefused) {
		t.Fatalf("second commitment of a member at one height: %v", err)
	}
	if _, err := offerByHand(t, h, n, proofMember, memberProof(a, 0, farHeader), far, indices(1), nil); !errors.Is(err, ErrRefused) {
		t.Fatalf("9 heights above the newest certified header: %v", err)
	}
	if stored, err := offerByHand(t, h, n, proofMember, memberProof(a, 1, twinHeader), twin, indices(1), nil); err != nil || stored != 1 {
		t.Fatalf("another member's header: %v", err)
	}
	n.chain.add(a.certify(header))
	n.promote(context.Background())
	if s := n.Stats(); s.Rows != 20 || s.Provisional != int64(twin.Params().ShardSize()) {
		t.Fatalf("%+v, want the certified rows on disk", s)
	}
	if len(n.waiting.take(time.Now().Add(provisionalAge), func(types.Hash) bool { return false })) != 0 || n.Stats().Provisional != 0 || len(n.waiting.slots) != 0 {
		t.Fatal("rows wait for ever")
	}
	if _, err := offerByHand(t, h, n, proofMember, outsider, twin, indices(1), nil); err == nil || n.door.open(h.ID()) {
		t.Fatalf("signed by no member: %v", err)
	}
}

func TestProvisionalMemoryIsBounded(t *testing.T) {
	p := newProvisional()
	h := types.Header{Height: 1, Commitment: types.Hash{1}}
	if err := p.admit(0, &h, 0); err != nil {
		t.Fatal(err)
	}
	big := make([]byte, provisionalBytes/4)
	added, err := p.put(h.Commitment, coding.Opening{}, map[uint32][]byte{0: big, 1: big, 2: big, 3: big, 4: big})
	if len(added) != 4 || !errors.Is(err, ErrBudget) || p.size() != provisionalBytes {
		t.Fatalf("added %d, %d bytes: %v", len(added), p.size(), err)
	}
}

// I5: a fifth request of one peer is refused while four are served; others still are.
func TestFlood(t *testing.T) {
	a := newAuthority(t)
	n := newNode(t, a, nil)
	h := stranger(t, n)
	var held []network.Stream
	for range maxStreamsPerPeer {
		s := dial(t, h, n)
		if _, err := s.Write([]byte{9}); err != nil { // a frame that never comes
			t.Fatal(err)
		}
		held = append(held, s)
	}
	inside := func() int {
		n.door.mu.Lock()
		defer n.door.mu.Unlock()
		return n.door.inside[h.ID()]
	}
	eventually(t, func() bool { return inside() == maxStreamsPerPeer }, "only %d requests are served", inside())
	s := dial(t, h, n)
	_, _ = s.Write([]byte{9})
	if _, err := s.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
		t.Fatalf("fifth request: %v", err)
	}
	if _, err := question(dial(t, stranger(t, n), n), &request{kind: kindHas, indices: []uint32{1}}); err != nil {
		t.Fatalf("another peer: %v", err)
	}
	for _, s := range held {
		_ = s.Reset()
	}
	eventually(t, func() bool { return inside() == 0 }, "%d requests are still served", inside())
	if _, err := question(dial(t, h, n), &request{kind: kindHas, indices: []uint32{1}}); err != nil {
		t.Fatalf("after the flood: %v", err)
	}
}
