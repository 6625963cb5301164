package dht

import (
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/coding/codingtest"
	"github.com/etherscale/bedrock/types"
)

// mend has each node look who is there and work off its copies, again until nothing is due; the second looks too, if
// second is set.
func mend(t *testing.T, nodes []*node, second bool) {
	t.Helper()
	for range 3 {
		for _, n := range nodes {
			n.repair.round(t.Context())
			for _, b := range n.repair.plan.blocks {
				if second {
					b.copyAt = time.Time{}
				}
			}
			for did := true; did; {
				_, did = n.repair.copyNext(t.Context())
				n.repair.debt = time.Time{}
			}
		}
	}
}

// meet has all nodes learn of each other.
func meet(t *testing.T, nodes []*node) {
	t.Helper()
	for _, n := range nodes {
		if err := n.Bootstrap(t.Context(), []peer.AddrInfo{infoOf(nodes[0].host)}); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range nodes {
		eventually(t, func() bool { n.sweep(t.Context()); return len(n.servers.list()) == len(nodes) }, "not all servers are known")
	}
}

func copiedBy(nodes []*node) (rows uint64) {
	for _, n := range nodes {
		rows += n.Stats().Repair.Copied
	}
	return rows
}

// checkPlaced fails unless the r nearest of table hold each row; those left out hold nothing more than before.
func checkPlaced(t *testing.T, nodes []*node, table []server, c types.Hash, total int) {
	t.Helper()
	for i := range uint32(total) {
		held := holdersOf(t, nodes, c, i)
		for _, p := range nearest(table, Key(c, i), 3) {
			if !slices.Contains(held, p) {
				t.Fatalf("row %d is not at one of its nearest", i)
			}
		}
	}
}

// A newcomer is given the rows it is near enough for, each by one holder once; the others find it done.
func TestNewcomerGetsItsPart(t *testing.T) {
	a := newAuthority(t)
	nodes := newSwarm(t, a, 6)
	block, header := encodeBlock(t, 1, 40_000)
	for _, n := range nodes {
		n.chain.add(a.certify(header))
	}
	publishAll(t, nodes[0], header, block)
	mend(t, nodes, true)
	if rows := copiedBy(nodes); rows != 0 {
		t.Fatalf("%d rows copied although each is where it should be", rows)
	}
	newcomer := newNode(t, a, nil)
	newcomer.chain.add(a.certify(header))
	nodes = append(nodes, newcomer)
	meet(t, nodes)
	mend(t, nodes, false)
	c, n := header.Commitment, block.Params().N
	checkPlaced(t, nodes, newcomer.servers.list(), c, n)
	if rows := copiedBy(nodes); rows != uint64(newcomer.Held(c)) || rows == 0 {
		t.Fatalf("%d rows copied, the newcomer holds %d", rows, newcomer.Held(c))
	}
	mend(t, nodes, true)
	if rows := copiedBy(nodes); rows != uint64(newcomer.Held(c)) {
		t.Fatalf("the second look copied again: %d rows for %d", rows, newcomer.Held(c))
	}
}

// A server that believes in others that are gone refuses rows that it should take; it is asked again and takes them when
// it knows better.
func TestRefusalForPlaceIsNotFinal(t *testing.T) {
	a := newAuthority(t)
	nodes := newSwarm(t, a, 4)
	block, header := encodeBlock(t, 1, 40_000)
	for _, n := range nodes {
		n.chain.add(a.certify(header))
	}
	publishAll(t, nodes[0], header, block)
	mend(t, nodes, true)
	newcomer := newNode(t, a, nil)
	newcomer.chain.add(a.certify(header))
	nodes = append(nodes, newcomer)
	meet(t, nodes)
	c, wrong := header.Commitment, numbered(60)
	for _, s := range wrong {
		newcomer.servers.alive(s.id)
	}
	mend(t, nodes[:4], true)
	should := 0
	for i := range uint32(block.Params().N) {
		if slices.Contains(nearest(nodes[0].servers.list(), Key(c, i), 3), newcomer.host.ID()) {
			should++
		}
	}
	if held := newcomer.Held(c); held >= should {
		t.Fatalf("the newcomer holds %d of %d rows and refused none", held, should)
	}
	for _, s := range wrong {
		delete(newcomer.servers.answered, s.id)
	}
	newcomer.servers.made = time.Time{}
	mend(t, nodes[:4], true)
	if held := newcomer.Held(c); held != should {
		t.Fatalf("the newcomer holds %d rows, should hold %d", held, should)
	}
}

// A newcomer that has no room is passed over: the rows go to the next nearest.
func TestFullHolderIsPassedOver(t *testing.T) {
	a := newAuthority(t)
	nodes := newSwarm(t, a, 6)
	block, header := encodeBlock(t, 1, 20_000)
	for _, n := range nodes {
		n.chain.add(a.certify(header))
	}
	publishAll(t, nodes[0], header, block)
	mend(t, nodes, true)
	lost := nodes[5]
	_ = lost.Close()
	_ = lost.host.Close()
	full := newNode(t, a, func(c *Config) { c.Budget = 1000 })
	full.chain.add(a.certify(header))
	nodes = append(nodes[:5], full)
	for _, n := range nodes[:5] {
		n.servers.failures[lost.host.ID()] = failure{count: 2, last: time.Now(), first: time.Now().Add(-absence)}
	}
	meet(t, nodes)
	mend(t, nodes, true)
	others := slices.DeleteFunc(slices.Clone(full.servers.list()), func(s server) bool { return s.id == full.host.ID() })
	checkPlaced(t, nodes[:5], others, header.Commitment, block.Params().N)
	passed := 0
	for _, n := range nodes[:5] {
		passed += len(n.repair.full)
	}
	if full.Held(header.Commitment) != 0 || passed == 0 {
		t.Fatalf("the full server holds %d rows; %d others pass it over", full.Held(header.Commitment), passed)
	}
}

// boast makes a node say that it has every row, and give none.
func boast(n *node) {
	n.host.SetStreamHandler(n.rowProtocol, func(s network.Stream) {
		defer s.Close()
		raw, err := readFrame(s, maxRequest)
		if err != nil {
			return
		}
		r, err := decodeRequest(raw)
		if err != nil {
			return
		}
		all, none := newBitmap(len(r.indices)), newBitmap(len(r.indices))
		for j := range r.indices {
			all.set(j)
		}
		switch r.kind {
		case kindHas:
			_ = writeFrame(s, answer{marks: all}.encode(r.kind))
		case kindOffer:
			_ = writeFrame(s, answer{marks: none, held: all}.encode(r.kind))
		default:
			_ = writeFrame(s, answer{marks: none}.encode(r.kind))
		}
	})
}

// partOf places some rows of a block at the nodes other than the last, as what a loss left of them.
func partOf(t *testing.T, nodes []*node, a *authority, block *coding.Block, h types.Header, share int) {
	t.Helper()
	for _, n := range nodes {
		n.chain.add(a.certify(h))
	}
	offered, err := nodes[0].offerBlock(h, block)
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint32(block.Params().N) {
		if int(i)%100 >= share {
			continue
		}
		raw, err := offered.shard(i)
		if err != nil {
			t.Fatal(err)
		}
		at := nodes[int(i)%(len(nodes)-1)]
		if _, err := at.rows.put(t.Context(), &h, block.Opening(), map[uint32][]byte{i: raw}); err != nil {
			t.Fatal(err)
		}
	}
}

// One that says it has every row and gives none hides no loss: the block is rebuilt from the rows that there are, and its
// rows come to honest servers.
func TestBoasterHidesNoLoss(t *testing.T) {
	a := newAuthority(t)
	nodes := newSwarm(t, a, 6)
	honest, liar := nodes[:5], nodes[5]
	block, header := encodeBlock(t, 1, 40_000)
	partOf(t, nodes, a, block, header, 40)
	boast(liar)
	r := honest[0].repair
	r.round(t.Context())
	for range 100 { // a check of 32 rows makes only two holders show one
		if r.check(t.Context(), header.Commitment); len(r.doubts) > 0 {
			break
		}
	}
	if len(r.doubts) != 1 {
		t.Fatalf("%d servers are doubted", len(r.doubts))
	}
	r.check(t.Context(), header.Commitment)
	b := r.plan.blocks[header.Commitment]
	if b.alarmAt.IsZero() || b.share > 0.65 {
		t.Fatalf("no alarm at %.2f live rows", b.share)
	}
	r.answerAlarm(t.Context(), job{kind: jobRebuild, commitment: header.Commitment, missing: b.missing})
	if s := honest[0].Stats().Repair; s.Ended != 1 || s.Failed != 0 || s.Lowest.Share < 0.99 || !b.alarmAt.IsZero() {
		t.Fatalf("%+v", s)
	}
	for i := range uint32(block.Params().N) {
		if got := len(holdersOf(t, honest, header.Commitment, i)); got == 0 || i%100 >= 40 && got < 3 {
			t.Fatalf("row %d is at %d honest servers", i, got)
		}
	}
	if share, known := honest[0].Health(header.Commitment); !known || share < 0.99 {
		t.Fatalf("health %v, %v", share, known)
	}
}

// Nothing is rebuilt while rows come to life, for then somebody is at work, nor when enough of all rows live.
func TestRebuildThatIsNotNeeded(t *testing.T) {
	a := newAuthority(t)
	nodes := newSwarm(t, a, 4)
	block, header := encodeBlock(t, 1, 40_000)
	partOf(t, nodes, a, block, header, 40)
	r, c := nodes[0].repair, header.Commitment
	r.round(t.Context())
	for b := r.plan.blocks[c]; b.alarmAt.IsZero(); {
		r.check(t.Context(), c)
	}
	b := r.plan.blocks[c]
	raw, err := cut(block, b.missing[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := nodes[1].rows.put(t.Context(), &header, block.Opening(), map[uint32][]byte{b.missing[0]: raw}); err != nil {
		t.Fatal(err)
	}
	was := len(b.missing)
	r.answerAlarm(t.Context(), job{kind: jobRebuild, commitment: c, missing: b.missing})
	if s := nodes[0].Stats().Repair; s.Begun != 0 || s.Pending != 1 || len(b.missing) != was-1 || !b.alarmAt.After(time.Now().Add(alarmDelay)) {
		t.Fatalf("somebody is at work: %+v, again at %v", s, b.alarmAt)
	}
	partOf(t, nodes, a, block, header, 70)
	r.answerAlarm(t.Context(), job{kind: jobRebuild, commitment: c, missing: []uint32{99}})
	if s := nodes[0].Stats().Repair; s.Begun != 0 || s.Failed != 0 || s.Pending != 0 || s.Lowest.Share < repairShare {
		t.Fatalf("enough rows live: %+v", s)
	}
}

// A member that keeps a block whole gives it back when too few rows are left to make it from.
func TestMemberRepairs(t *testing.T) {
	a := newAuthority(t)
	block, header := encodeBlock(t, 1, 40_000)
	kept := &keptBlocks{blocks: map[types.Height]*coding.Block{1: block}}
	var nodes []*node
	for range 6 {
		nodes = append(nodes, newNode(t, a, func(c *Config) { c.Replicas = 1 }))
	}
	member := newNode(t, a, func(c *Config) { c.Replicas, c.Host, c.Blocks = 1, memberHost(t, a, 0), kept })
	nodes = append(nodes, member)
	meet(t, nodes)
	partOf(t, nodes, a, block, header, 20)
	member.note(t.Context(), &header, block.Params())
	r, c := member.repair, header.Commitment
	r.round(t.Context())
	if len(r.plan.blocks) != 1 {
		t.Fatal("the member does not look after its block")
	}
	r.rebuild(t.Context(), header)
	if s := member.Stats().Repair; s.Ended != 1 || s.Lowest.Share < 0.99 {
		t.Fatalf("%+v", s)
	}
	for i := range uint32(block.Params().N) {
		near := nearest(member.servers.list(), Key(c, i), 2)
		if !slices.Contains(near, member.host.ID()) && len(holdersOf(t, nodes[:6], c, i)) == 0 {
			t.Fatalf("row %d is at the member only", i)
		}
	}
}

// Looks that find nothing keep to their rate: likely ones may run ahead of it for a while, others not.
func TestQuietLooks(t *testing.T) {
	a := newAuthority(t)
	nodes := newSwarm(t, a, 2)
	block, header := encodeBlock(t, 1, 5000)
	for _, n := range nodes {
		n.chain.add(a.certify(header))
	}
	publishAll(t, nodes[0], header, block)
	r := nodes[0].repair
	r.round(t.Context())
	if _, did := r.copyNext(t.Context()); !did || !r.debt.After(time.Now().Add(time.Second)) {
		t.Fatalf("a look that found nothing costs nothing: %v", time.Until(r.debt))
	}
	b := r.plan.blocks[header.Commitment]
	again := func(settled int, second bool, ahead time.Duration) bool {
		b.settled, b.second, b.copyAt, r.plan.cursor, r.debt = settled, second, time.Time{}, 0, time.Now().Add(ahead)
		r.plan.version, r.plan.rosters[2] = 2, r.plan.rosters[1]
		_, did := r.copyNext(t.Context())
		return did
	}
	if again(0, false, time.Minute) || again(1, true, time.Minute) || again(1, false, quietBurst+time.Minute) {
		t.Fatal("questions beyond their rate")
	}
	if !again(1, false, time.Minute) || !again(0, false, 0) || !again(1, true, 0) {
		t.Fatal("no look although there is room")
	}
}

// A block of which too few rows are left is tried again later.
func TestRebuildOfTooFewRows(t *testing.T) {
	a := newAuthority(t)
	nodes := newSwarm(t, a, 4)
	block, header := encodeBlock(t, 1, 40_000)
	partOf(t, nodes, a, block, header, 20)
	r := nodes[0].repair
	r.round(t.Context())
	r.rebuild(t.Context(), header)
	s := nodes[0].Stats().Repair
	if s.Begun != 1 || s.Failed != 1 || s.Ended != 0 || s.Beyond != 0 || s.Lowest.Share > 0.3 {
		t.Fatalf("too few rows: %+v", s)
	}
}

// A block that was committed to wrongly is given up, and convicted if a row of it proves the fault.
func TestRebuildOfForgedBlocks(t *testing.T) {
	for name, c := range map[string]struct {
		spoilt  int  // parity row
		has     int  // rows that there are
		convict bool // a row that is fetched is wrong
	}{
		"row root does not come out": {-1, 70, false},
		"wrong row among those left": {64, 128, true},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAuthority(t)
			convicted := 0
			n := newNode(t, a, func(c *Config) { c.BadEncoding = func(types.CertifiedHeader, *coding.BadEncodingError) { convicted++ } })
			data := make([]byte, 50_000)
			f := codingtest.Forge(t, data, codingtest.SpoilRow(c.spoilt))
			h := types.Header{Version: types.Version, Network: testNetwork, Height: 1, Time: types.TimeOf(time.Now()),
				DataLength: uint64(len(data)), Commitment: f.Commitment}
			n.chain.add(a.certify(h))
			for i := range uint32(c.has) {
				if i >= 5 || !c.convict { // a parity row is needed
					if _, err := n.rows.put(t.Context(), &h, f.Opening, map[uint32][]byte{i: f.Encoded(t, i)}); err != nil {
						t.Fatal(err)
					}
				}
			}
			n.repair.round(t.Context())
			n.repair.rebuild(t.Context(), h)
			if s := n.Stats().Repair; s.Begun != 1 || s.Failed != 1 || s.Beyond != 1 || s.Pushed != 0 {
				t.Fatalf("%+v", s)
			}
			if (convicted > 0) != c.convict {
				t.Fatalf("%d convictions", convicted)
			}
		})
	}
}
