package sequencer

import (
	"errors"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/etherscale/bedrock/types"
)

// TestE2EpochsHandOver: one member leaves and one joins, it comes back, nothing is lost, and logs that are over are read and
// then removed.
func TestE2EpochsHandOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newSuccession(t, 5, map[types.Epoch][]int{0: {0, 1, 2, 3}, 1: {1, 2, 3, 4}, 2: {0, 1, 2, 3}})
		c.startAll()
		defer c.stopAll()
		c.until(1)
		c.send(20)
		for i, h := range c.nodes {
			s, log, member := h.epochs().Current()
			if member != (i > 0) || member && (s.Status().Round == 0 || log.Len() == 0) {
				t.Fatalf("node %d in epoch 1: member %t", i, member)
			}
			if terms := h.epochs().running(); len(terms) != 1 {
				t.Fatalf("node %d runs %d epochs", i, len(terms))
			}
		}
		old, err := c.nodes[0].epochs().HandleFetch(t.Context(), &types.FetchRequest{Epoch: 0, Log: true})
		if err != nil || len(old.Vertices) == 0 {
			t.Fatalf("the log of epoch 0 answers %v", err)
		}
		if _, err := c.nodes[0].epochs().HandleFetch(t.Context(), &types.FetchRequest{Epoch: 1, Log: true}); !errors.Is(err, ErrNoLog) {
			t.Fatalf("an epoch in which the node is no member: %v", err)
		}
		c.until(5)
		if s, _, member := c.nodes[0].epochs().Current(); !member || s.Status().Round == 0 {
			t.Fatal("who left and was named again takes no part")
		}
		if left, err := c.nodes[1].epochs().cfg.Logs.Epochs(); err != nil || slices.Contains(left, 0) || !slices.Contains(left, 4) {
			t.Fatalf("logs of epochs %v are kept, %v", left, err)
		}
		c.send(40)
		c.check()
	})
}

// TestDisjointCommittees: nobody stays, then everybody is back, though no key is new and no log tells of the new epoch.
func TestDisjointCommittees(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newSuccession(t, 8, map[types.Epoch][]int{0: {0, 1, 2, 3}, 1: {4, 5, 6, 7}, 2: {0, 1, 2, 3}})
		c.startAll()
		defer c.stopAll()
		c.until(3)
		c.send(20)
		time.Sleep(3 * time.Second)
		missing := c.lost() // what old members alone held when they left: those who took it in send it again
		if len(missing) > c.count/4 {
			t.Errorf("%d of %d transactions are in no block", len(missing), c.count)
		}
		for _, i := range missing {
			c.hold(i)
		}
		c.check()
	})
}

// TestAwayForTwoEpochs: a member that was down meanwhile joins the newest epoch, without asking for its place: its records
// show that it signed nothing there.
func TestAwayForTwoEpochs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newSuccession(t, 4, map[types.Epoch][]int{0: {0, 1, 2, 3}})
		c.startAll()
		defer c.stopAll()
		c.send(20)
		away := c.nodes[3]
		away.stop()
		c.until(2)
		away.start()
		c.send(100)
		s, _, member := away.epochs().Current()
		if !member || s.recovering.Load() || s.Status().Round == 0 || s.cfg.Core.Epoch < 2 {
			t.Fatalf("member %t, round %d of epoch %d", member, s.Status().Round, s.cfg.Core.Epoch)
		}
		c.check()
	})
}

// TestE3LostDisk: who lost the directory of its logs is not taken for a new key, neither in the epoch in which it signed
// nor, before it was heard again, in the next one.
func TestE3LostDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newSuccession(t, 4, map[types.Epoch][]int{0: {0, 1, 2, 3}})
		c.startAll()
		defer c.stopAll()
		c.until(1)
		c.send(10)
		lost := c.nodes[3]
		lost.stop()
		if err := os.RemoveAll(lost.dir); err != nil {
			t.Fatal(err)
		}
		lost.start()
		time.Sleep(50 * time.Millisecond)
		if s, _, _ := lost.epochs().Current(); !s.recovering.Load() {
			t.Fatal("a lost log is taken for a new one")
		}
		if logs := lost.epochs().cfg.Logs; logs.Unsigned(1) || logs.Unsigned(2) {
			t.Fatal("a new directory vouches for the key")
		}
		c.send(50)
		if s, _, _ := lost.epochs().Current(); s.recovering.Load() || s.Status().Round == 0 {
			t.Fatalf("the place was not recovered; round %d", s.Status().Round)
		}
		c.until(2)
		if s, _, _ := lost.epochs().Current(); s.recovering.Load() {
			t.Fatal("who took part in the epoch before asks for its place in the next")
		}
		c.send(20)
		c.check()
	})
}

// TestLimitOfBatchesHeldOver: while batches go over to a new epoch, at most 32 MiB of later ones wait.
func TestLimitOfBatchesHeldOver(t *testing.T) {
	s := &Epochs{carrying: true}
	half := input{body: make([]byte, maxHeldOver/2)}
	if !s.waits(half) || !s.waits(half) || len(s.held) != 2 || s.heldSize != 32<<20 {
		t.Fatalf("%d wait with %d bytes", len(s.held), s.heldSize)
	}
	if !s.waits(input{body: []byte{1}}) || len(s.held) != 2 {
		t.Fatalf("%d wait", len(s.held))
	}
	if s.carrying = false; s.waits(half) {
		t.Fatal("a batch waits though nothing goes over")
	}
}

// TestAllStopAtTheChange: all members stop somewhere around the end of an epoch, some of them before they know its last
// header, and start again. The network goes on, and nobody has to ask for its place.
func TestAllStopAtTheChange(t *testing.T) {
	for after := 60 * time.Millisecond; after < 130*time.Millisecond; after += 7 * time.Millisecond {
		synctest.Test(t, func(t *testing.T) {
			c := newSuccession(t, 4, map[types.Epoch][]int{0: {0, 1, 2, 3}})
			c.startAll()
			defer c.stopAll()
			for c.nodes[0].ledger.Head().Header.Height+1 < epochBlocks {
				c.send(1)
			}
			time.Sleep(after)
			known := 0
			for _, h := range c.nodes { // not all at the same instant
				h.stop()
				known += int(h.ledger.Epoch())
				time.Sleep(5 * time.Millisecond)
			}
			t.Logf("stopped after %s: %d of 4 know the next epoch", after, known)
			time.Sleep(time.Second) // what was on its way arrives nowhere
			for _, h := range c.nodes {
				h.start()
			}
			time.Sleep(200 * time.Millisecond) // by then who was behind has asked the others for headers
			for _, h := range c.nodes {
				if s, _, member := h.epochs().Current(); !member || s.recovering.Load() {
					t.Fatalf("stopped after %s, %d of 4 knew the next epoch: node %d is a member: %t, and recovers", after, known, h.self, member)
				}
			}
			c.until(2)
			time.Sleep(3 * time.Second)
			missing := c.lost() // what came after the last block closed was in no log yet: those who took it in send it again
			if len(missing) > 2 {
				t.Errorf("%d of %d transactions are in no block", len(missing), c.count)
			}
			for _, i := range missing {
				c.hold(i)
			}
			c.check()
		})
	}
}
