package dht

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
)

// Requests are served up to a number in all and a number a peer; one more is refused, and one that ends makes room.
func TestLimitsOfServing(t *testing.T) {
	d := newDoor()
	peers := maxStreams / maxStreamsPerPeer
	for i := range peers {
		p := peer.ID(fmt.Sprint(i))
		for range maxStreamsPerPeer {
			if !d.enter(p) {
				t.Fatalf("peer %d is refused", i)
			}
		}
		if i < peers-1 && d.enter(p) {
			t.Fatal("one too many of a peer")
		}
	}
	if d.enter("another") {
		t.Fatal("one too many in all")
	}
	if d.leave("0"); !d.enter("another") {
		t.Fatal("no room after one ended")
	}
}

// Liars are remembered up to a number; one more makes room for itself.
func TestLimitOfBans(t *testing.T) {
	d := newDoor()
	for i := range maxBans + 3 {
		p := peer.ID(fmt.Sprint(i))
		if d.shut(p); d.open(p) || len(d.banned) > maxBans {
			t.Fatalf("%d banned", len(d.banned))
		}
	}
}

// The verifiers of the newest blocks stay.
func TestLimitOfVerifiers(t *testing.T) {
	v := newVerifiers()
	for i := range maxVerifiers + 1 {
		v.add(types.Hash{byte(i)}, new(coding.Verifier))
	}
	if len(v.known) != maxVerifiers || v.get(types.Hash{}) != nil || v.get(types.Hash{maxVerifiers}) == nil {
		t.Fatalf("%d verifiers", len(v.known))
	}
}

// However many servers there are, an opening is asked of few, and a row of the 2r nearest.
func TestLimitsOfAsking(t *testing.T) {
	a := newAuthority(t)
	d := newNode(t, a, func(c *Config) { c.Server = false })
	block, header := encodeBlock(t, 1, 400_000)
	d.chain.add(a.certify(header))
	for i := range 200 {
		d.servers.alive(peer.ID("server" + fmt.Sprint(i)))
	}
	if got := d.likelyHolders(header, block.Params()); len(got) > maxOpeningAsked+maxKeepers || len(got) < maxOpeningAsked {
		t.Fatalf("an opening is asked of %d", len(got))
	}
	if got := d.members(header); len(got) != maxKeepers {
		t.Fatalf("%d members", len(got))
	}
	if order, near := d.holders(d.servers.readable(), Key(header.Commitment, 5)); len(order) != 2*d.cfg.Replicas || near != d.cfg.Replicas {
		t.Fatalf("a row is asked of %d", len(order))
	}
}

// Of a large block rows are asked for in parts, so that what waits behind others on the own line is not taken for late.
func TestLimitsOfFlight(t *testing.T) {
	a := newAuthority(t)
	d := newNode(t, a, func(c *Config) { c.Server = false })
	_, header := encodeBlock(t, 1, 5000)
	p, err := coding.ParamsFor(8 << 20)
	if err != nil {
		t.Fatal(err)
	}
	u := newHunt(d.DHT, header, p)
	for i := range uint32(p.N) {
		u.open[i] = &quarry{holders: []peer.ID{"a", "b", "c"}, near: 3, tried: make([]bool, 3)}
	}
	for _, holder := range []peer.ID{"a", "b", "c"} {
		u.links[holder] = &link{state: ready}
	}
	u.advance(t.Context(), time.Now())
	rows, questions := 0, make(map[peer.ID]int)
	for q := range u.asking {
		rows += len(q.indices)
		questions[q.holder]++
		if len(q.indices)*p.ShardSize() > maxQuestionBytes {
			t.Errorf("%d rows in one question", len(q.indices))
		}
	}
	if rows*p.ShardSize() > maxFlightBytes || rows < maxFlightRows || len(questions) == 0 {
		t.Fatalf("%d rows at once", rows)
	}
	for holder, n := range questions {
		if n > maxQuestions {
			t.Fatalf("%d questions to %s", n, holder)
		}
	}
}

// Members come after the first few holders and before the many: a block that nobody was sent costs few questions, one whose
// holders are mostly dead still gets its opening.
func TestOrderOfOpenings(t *testing.T) {
	a := newAuthority(t)
	d := newNode(t, a, func(c *Config) { c.Server = false })
	block, header := encodeBlock(t, 1, 400_000)
	d.chain.add(a.certify(header))
	for i := range 200 {
		d.servers.alive(peer.ID("server" + fmt.Sprint(i)))
	}
	got := d.likelyHolders(header, block.Params())
	members := d.members(header)
	if len(got) != maxOpeningAsked+len(members) {
		t.Fatalf("%d asked", len(got))
	}
	for i, p := range got {
		if member := !strings.HasPrefix(string(p), "server"); member != (i >= openingsFirst && i < openingsFirst+len(members)) {
			t.Fatalf("at place %d a member: %v", i, member)
		}
	}
}
