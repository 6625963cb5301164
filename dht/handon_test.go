package dht

import (
	"slices"
	"testing"

	"github.com/libp2p/go-libp2p/core/network"
)

// A large part is sent once, and the holders make the other copies: every row ends at the 3 nearest servers.
func TestHandOn(t *testing.T) {
	a := newAuthority(t)
	nodes := newSwarm(t, a, 12)
	block, header := encodeBlock(t, 1, 200_000)
	nodes[0].chain.add(a.certify(header)) // the holders learn of the header by the offers
	n := block.Params().N
	publisher := newNode(t, a, func(c *Config) { c.Server = false })
	publisher.chain.add(a.certify(header))
	if err := publisher.Bootstrap(t.Context(), infosOf(nodes)); err != nil {
		t.Fatal(err)
	}
	report := publishAll(t, publisher, header, block)
	if report.Placed != n || report.Copies != 3*n || report.Stored != n || report.Passed != 2*n || report.Failed != 0 || report.Missing != 0 {
		t.Fatalf("%+v, want %d rows sent once and passed on twice", report, n)
	}
	table := nodes[0].servers.list()
	for i := range uint32(n) {
		got, want := holdersOf(t, nodes, header.Commitment, i), nearest(table, Key(header.Commitment, i), 3)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("row %d is held by %v, want the nearest %v", i, got, want)
		}
	}
	var total Stats
	for _, nd := range nodes {
		s := nd.Stats()
		total.Taken += s.Taken
		total.HandedOn += s.HandedOn
		total.RefusedPlace += s.RefusedPlace
	}
	if total.Taken != uint64(3*n) || total.HandedOn != uint64(2*n) || total.RefusedPlace != 0 {
		t.Fatalf("%+v, want %d rows taken", total, 3*n)
	}
	// Once more: nobody is sent anything.
	if report = publishAll(t, publisher, header, block); report.Stored != 0 || report.Placed != n {
		t.Fatalf("again: %+v", report)
	}
}

// A holder that acknowledges everything, keeps nothing and hands nothing on costs its own copies: the others are found
// missing and sent by the publisher.
func TestHandOnByALiar(t *testing.T) {
	a := newAuthority(t)
	nodes := newSwarm(t, a, 8)
	block, header := encodeBlock(t, 1, 200_000)
	publisher := newNode(t, a, func(c *Config) { c.Server = false })
	publisher.chain.add(a.certify(header))
	if err := publisher.Bootstrap(t.Context(), infosOf(nodes)); err != nil {
		t.Fatal(err)
	}
	liar := nodes[2]
	liar.host.SetStreamHandler(liar.rowProtocol, func(s network.Stream) {
		defer s.Close()
		raw, err := readFrame(s, maxRequest)
		if err != nil {
			return
		}
		r, err := decodeRequest(raw)
		if err != nil {
			return
		}
		all := newBitmap(len(r.indices))
		for j := range r.indices {
			all.set(j)
		}
		if r.kind == kindOffer { // "held already": nothing is sent, all is acknowledged
			_ = writeFrame(s, answer{marks: newBitmap(len(r.indices)), held: all}.encode(r.kind))
			_ = writeFrame(s, []byte{wireVersion, byte(statusOK), 0, 0, 0, 0})
			return
		}
		_ = writeFrame(s, answer{marks: all}.encode(r.kind))
	})
	report := publishAll(t, publisher, header, block)
	if report.Placed != block.Params().N || report.Missing != 0 {
		t.Fatalf("%+v", report)
	}
	for i := range uint32(block.Params().N) {
		want := 3
		if slices.Contains(nearest(nodes[0].servers.list(), Key(header.Commitment, i), 3), liar.host.ID()) {
			want = 2
		}
		if got := len(holdersOf(t, nodes, header.Commitment, i)); got < want {
			t.Fatalf("row %d has %d honest holders, want %d", i, got, want)
		}
	}
}

// Who asks for a row to be handed on that is held, not certified or not this server's place moves nothing.
func TestHandOnIsNoAmplifier(t *testing.T) {
	a := newAuthority(t)
	nodes := newSwarm(t, a, 4)
	block, header := encodeBlock(t, 1, 5000)
	ch, h := a.certify(header), stranger(t, nodes[0])
	handed := func() (n uint64) {
		nodes[0].passing.running.Wait()
		return nodes[0].Stats().HandedOn
	}
	ask := func(kind proofKind, proof []byte, rows int) {
		t.Helper()
		s := dial(t, h, nodes[0])
		r := &request{kind: kindOffer, handOn: true, proofKind: kind, proof: proof, indices: indices(rows)}
		a, err := propose(s, r)
		if err != nil {
			t.Fatal(err)
		}
		if a.extra {
			opening, _ := block.Opening().MarshalBinary()
			_ = writeFrame(s, opening)
		}
		for _, i := range a.marks.pick(r.indices) {
			raw, _ := cut(block, i)
			_, _ = s.Write(raw)
		}
		if _, err := readReceipt(s, rows); err != nil {
			t.Fatal(err)
		}
	}
	ask(proofMember, memberProof(a, 0, header), 8)
	if got := handed(); got != 0 {
		t.Fatalf("%d rows of an uncertified block were handed on", got)
	}
	nodes[0].waiting = newProvisional()
	for range 3 {
		ask(proofCertified, ch.Encode(), 8)
		eventually(t, func() bool { return handed() == 2*8 }, "rows were not handed on twice each")
	}
	if got := nodes[0].counts.taken.Load(); got != 8+8 {
		t.Fatalf("%d rows taken", got)
	}
}
