package dht_test

import (
	"context"
	"slices"
	"testing"
	"time"

	kb "github.com/libp2p/go-libp2p-kbucket"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/etherscale/bedrock/dht"
	"github.com/etherscale/bedrock/dht/swarm"
)

// holding is what the living servers hold of a block: rows on their disks, and at members, who have it whole, the rows
// that they are near enough for.
type holding struct {
	live   int // rows with a holder
	copies int // of rows, at most r a row counted
	n      int // rows
}

func holdingOf(t *testing.T, n *swarm.Network, b *swarm.Block) holding {
	t.Helper()
	c := b.Coded.Commitment()
	var living []peer.ID
	members, disks := make(map[peer.ID]bool), make(map[peer.ID]*dht.DHT)
	for _, p := range n.Peers {
		if p.Dead() {
			continue
		}
		living = append(living, p.ID())
		members[p.ID()], disks[p.ID()] = p.Member >= 0, p.DHT
	}
	out := holding{n: b.Coded.Params().N}
	for i := range uint32(out.n) {
		held := 0
		for place, id := range kb.SortClosestPeers(living, kb.ConvertKey(dht.Key(c, i))) {
			has, err := disks[id].Holds(t.Context(), c, i)
			if err != nil {
				t.Fatal(err)
			}
			if has && !members[id] || members[id] && place < swarm.Replicas {
				held++
			}
		}
		if held > 0 {
			out.live++
		}
		out.copies += min(held, swarm.Replicas)
	}
	return out
}

func (h holding) share() float64 { return float64(h.live) / float64(h.n) }

// repairs adds up what living servers did.
func repairs(n *swarm.Network) (taken uint64, s dht.RepairStats) {
	for _, p := range n.Peers {
		if p.Dead() {
			continue
		}
		all := p.DHT.Stats()
		x := all.Repair
		taken += all.Taken
		s.Looks, s.Copied, s.Checks = s.Looks+x.Looks, s.Copied+x.Copied, s.Checks+x.Checks
		s.Begun, s.Ended, s.Failed, s.Pushed = s.Begun+x.Begun, s.Ended+x.Ended, s.Failed+x.Failed, s.Pushed+x.Pushed
	}
	return taken, s
}

// Six of seven servers vanish at once, all members among them. What is left copies and rebuilds until nearly all rows live
// again with all their copies: without a storm, and moving little more than it has to.
func TestRepairAfterLoss(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a network of 50 hosts")
	}
	swarm.Virtual(func() {
		n, err := swarm.New(swarm.Config{Hosts: 50, Seed: 3, Change: func(_ int, c *dht.Config) {
			c.Sweep, c.SweepLimit, c.WholeTable = time.Minute, 16, false
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer n.Close()
		var blocks []*swarm.Block
		for _, size := range []int{1 << 20, 40_000} {
			b, err := n.Certify(size)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := n.Publish(context.Background(), b); err != nil {
				t.Fatal(err)
			}
			blocks = append(blocks, b)
		}
		time.Sleep(2 * time.Minute)
		for _, p := range n.Members() {
			p.Kill()
		}
		n.KillShare(n.Servers(), 39)
		var before []holding
		for _, b := range blocks {
			before = append(before, holdingOf(t, n, b))
		}
		taken, _ := repairs(n)
		start := time.Now()
		whole := func(b *swarm.Block) bool {
			h := holdingOf(t, n, b)
			return h.share() >= 0.9 && h.copies >= swarm.Replicas*h.live*95/100
		}
		for slices.ContainsFunc(blocks, func(b *swarm.Block) bool { return !whole(b) }) {
			time.Sleep(15 * time.Second)
			if time.Since(start) > 20*time.Minute {
				break
			}
		}
		took := time.Since(start)
		now, s := repairs(n)
		need := 0
		for i, b := range blocks {
			h := holdingOf(t, n, b)
			t.Logf("block of %d bytes: %.3f of rows with %.2f copies lived; now %.3f with %.2f", len(b.Data), before[i].share(),
				float64(before[i].copies)/float64(before[i].live), h.share(), float64(h.copies)/float64(h.live))
			need += swarm.Replicas*before[i].n - before[i].copies
			if before[i].share() >= 0.6 {
				t.Errorf("the loss is no test: %.2f of rows live", before[i].share())
			}
		}
		t.Logf("%v, %d rows moved, %d needed, %+v", took, now-taken, need, s)
		if took > 20*time.Minute {
			t.Error("not repaired in 20 minutes")
		}
		if float64(now-taken) > 1.5*float64(need) {
			t.Errorf("%d rows moved, %d were needed", now-taken, need)
		}
		if s.Begun > uint64(3*len(blocks)) || s.Ended < uint64(len(blocks)) {
			t.Errorf("%d rebuilds begun, %d ended, for %d blocks", s.Begun, s.Ended, len(blocks))
		}
	})
}

// Half of the servers leave within a minute, and then half of the rest: each time those who stay give every row that lives
// all its copies again, so that the second time no more is lost than the first.
func TestRepairBetweenLosses(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a network of 32 hosts")
	}
	swarm.Virtual(func() {
		n, err := swarm.New(swarm.Config{Hosts: 32, Seed: 11, Change: func(_ int, c *dht.Config) {
			c.Sweep, c.SweepLimit, c.WholeTable = time.Minute, 16, false
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer n.Close()
		b, err := n.Certify(100_000)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := n.Publish(context.Background(), b); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		for wave := range 2 {
			leaving := n.Servers()[:len(n.Servers())/2]
			for _, p := range leaving {
				time.Sleep(time.Minute / time.Duration(len(leaving)))
				p.Kill()
			}
			before, start := holdingOf(t, n, b), time.Now()
			h := before
			for h.copies < swarm.Replicas*h.live && time.Since(start) < 15*time.Minute {
				time.Sleep(15 * time.Second)
				h = holdingOf(t, n, b)
			}
			t.Logf("wave %d: %d of %d rows with %d copies; %v later %d with %d", wave, before.live, before.n, before.copies, time.Since(start), h.live, h.copies)
			if h.copies < swarm.Replicas*h.live*98/100 || h.live < before.live {
				t.Errorf("wave %d: rows without their copies after %v", wave, time.Since(start))
			}
			if h.share() < 0.7 {
				t.Errorf("wave %d: %.2f of the rows live", wave, h.share())
			}
		}
	})
}
