package dht

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/etherscale/bedrock/coding"
)

// Patience follows what others take, within its bounds, and who was late is doubted for a while.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newPace()
		if dial, answer := c.patience(); dial != firstPatience || answer != firstPatience {
			t.Fatalf("%v, %v before anything was measured", dial, answer)
		}
		for range 50 {
			c.dialled(80 * time.Millisecond)
			c.answered("quick", time.Millisecond)
		}
		dial, answer := c.patience()
		if dial < 120*time.Millisecond || dial > 125*time.Millisecond || answer != minPatience {
			t.Fatalf("%v after dials of 80 ms, %v after answers of 1 ms", dial, answer)
		}
		for range 50 {
			c.dialled(time.Minute)
		}
		if dial, _ := c.patience(); dial != maxPatience {
			t.Fatalf("%v", dial)
		}
		c.doubt("slow")
		c.doubt("better")
		c.answered("better", time.Millisecond)
		if !c.doubtful("slow") || c.doubtful("better") || c.doubtful("quick") {
			t.Fatal("the wrong one is doubted")
		}
		if time.Sleep(doubtTime + 1); c.doubtful("slow") {
			t.Fatal("doubted for ever")
		}
		for i := range maxDoubts + 10 {
			c.doubt(peer.ID(fmt.Sprint(i)))
		}
		if len(c.doubts) > maxDoubts {
			t.Fatalf("%d doubts", len(c.doubts))
		}
	})
}

// Of rows that several could give, those who are connected are asked first and those who were late last.
func TestHoldersByReach(t *testing.T) {
	s := newSmall(t, nil)
	late := s.nodes[1].host.ID()
	for _, n := range s.nodes {
		if err := s.reader.reach(t.Context(), n.host.ID()); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, func() bool { return s.reader.connected(s.nodes[2].host.ID()) }, "not connected")
	if err := s.reader.host.Network().ClosePeer(s.nodes[2].host.ID()); err != nil {
		t.Fatal(err)
	}
	s.reader.pace.doubt(late)
	table := s.reader.servers.readable()
	for i := range uint32(8) {
		order, near := s.reader.holders(table, Key(s.header.Commitment, i))
		if near != 3 || order[0] != s.nodes[0].host.ID() || order[1] != s.nodes[2].host.ID() || order[2] != late {
			t.Fatalf("row %d: %v, %d near", i, order, near)
		}
	}
}

// The judge may take its time: meanwhile whoever is silent is passed over.
func TestJudgeDoesNotHoldUpAsking(t *testing.T) {
	s := newSmall(t, nil)
	v, slow := verifierOf(t, s.block), false
	start := time.Now()
	got := 0
	err := s.reader.Rows(t.Context(), s.header, indices(32), func(_ string, shard coding.Shard) bool {
		if !slow {
			slow = true
			time.Sleep(2 * firstPatience)
		}
		if v.Verify(shard) == nil {
			got++
		}
		return true
	})
	if err != nil || got != 32 || time.Since(start) > 5*time.Second {
		t.Fatalf("%d rows after %v: %v", got, time.Since(start), err)
	}
}

// I9: servers that others name are asked and given nothing; one peer cannot name more than a few, all together not more than
// the memory has room for, and whoever is named no more is forgotten.
func TestServersHeardOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServers(silentHost{}, "/kad", false, func() []peer.ID { return nil })
		for i := range 100 {
			s.heardOf(peer.ID(fmt.Sprint("made up ", i)), "liar")
		}
		s.heardOf("real", "honest")
		s.made = time.Time{}
		if wide, met := s.readable(), s.list(); len(wide) != maxNamed+1 || len(met) != 0 {
			t.Fatalf("%d servers to ask, %d to give rows to", len(wide), len(met))
		}
		for i := range 2 * maxHeard {
			s.heardOf(peer.ID(fmt.Sprint("server ", i)), peer.ID(fmt.Sprint("namer ", i/10)))
		}
		if s.made = (time.Time{}); len(s.readable()) != maxHeard {
			t.Fatalf("%d servers", len(s.readable()))
		}
		s.failed("real")
		for _, x := range s.readable() {
			if x.id == "real" {
				t.Fatal("one that failed just now is asked")
			}
		}
		time.Sleep(heardTTL + time.Second)
		s.heardOf("late", "honest")
		s.made = time.Time{}
		if s.readable(); len(s.heard) != 0 && len(s.named) > len(s.heard) {
			t.Fatalf("%d remembered of %d namers", len(s.heard), len(s.named))
		}
		s.heardOf("late", "honest")
		if s.made = (time.Time{}); len(s.readable()) != 1 || len(s.named) != 1 {
			t.Fatalf("%d servers, %d namers", len(s.wide), len(s.named))
		}
	})
}

// Questions to one peer wait for each other, those to others do not, and who gives up makes room.
func TestInquirers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newInquirers()
		var leave []func()
		for range maxInquiries {
			done, err := q.take(t.Context(), "a")
			if err != nil {
				t.Fatal(err)
			}
			leave = append(leave, done)
		}
		if done, err := q.take(t.Context(), "b"); err != nil {
			t.Fatal("another peer's turn waits")
		} else {
			done()
		}
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := q.take(short, "a"); err == nil {
			t.Fatal("one question too many")
		}
		leave[0]()
		if done, err := q.take(t.Context(), "a"); err != nil {
			t.Fatal(err)
		} else {
			done()
		}
		for _, done := range leave[1:] {
			done()
		}
		if len(q.peers) != 0 {
			t.Fatalf("%d peers remembered", len(q.peers))
		}
	})
}
