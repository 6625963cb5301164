package sequencer

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

func TestForgottenBatchesAreListedAgainIfThePoolTakesThem(t *testing.T) {
	for _, refuse := range []bool{false, true} {
		body, id := testBatch(t, "transaction")
		scripted(t, 4, func(_ *network, cfg *Config, c *scriptedCore) {
			cfg.Batches.(*openBatches).refuse = refuse
			c.script = func(ev consensus.Event) consensus.Effects {
				if _, ok := ev.(consensus.Executed); ok {
					return consensus.Effects{Forgotten: []types.BatchID{id}}
				}
				return consensus.Effects{}
			}
		}, func(_ *network, s *Sequencer, c *scriptedCore) error {
			s.Hold(id, body, nil, now(), true)
			synctest.Wait()
			s.Executed(1)
			synctest.Wait()
			held := seen[consensus.BatchHeld](c)
			if want := map[bool]int{false: 2, true: 1}[refuse]; len(held) != want || !held[len(held)-1].Admitted {
				t.Errorf("pool refuses: %v; reported %+v", refuse, held)
			}
			return nil
		})
	}
}

// The core forgets bodies that nothing refers to. When it wants one again it gets it from the own store, not the network.
func TestABodyTheCoreForgotIsToldAgain(t *testing.T) {
	body, id := testBatch(t, "transaction")
	scripted(t, 4, func(_ *network, cfg *Config, c *scriptedCore) {
		cfg.Batches.(*openBatches).refuse = true
		c.script = func(ev consensus.Event) consensus.Effects {
			if _, ok := ev.(consensus.Executed); ok {
				return consensus.Effects{Fetch: []consensus.Fetch{{From: []types.Member{1}, Batches: []types.BatchID{id}}}}
			}
			return consensus.Effects{}
		}
	}, func(_ *network, s *Sequencer, c *scriptedCore) error {
		brought(t, s, id, body)
		synctest.Wait()
		s.Executed(1)
		synctest.Wait()
		held := seen[consensus.BatchHeld](c)
		if len(held) != 2 || held[1].ID != id || held[1].Admitted || len(held[1].Txs) != 1 || s.Stats().Fetches != 0 {
			t.Errorf("told %+v, fetches %d", held, s.Stats().Fetches)
		}
		return nil
	})
}

// brought hands over a body as one that a member's vertices brought and the own pool refused.
func brought(t *testing.T, s *Sequencer, id types.BatchID, body []byte) {
	held := consensus.BatchHeld{ID: id, Size: uint64(len(body)), Time: now(), From: 1}
	if err := s.submit(context.Background(), input{event: held, body: body}); err != nil {
		t.Fatal(err)
	}
}

// What strangers gossip and the own pool refuses takes a bounded place in memory and none in the log; the core is told
// when a vertex needs it, and nobody is asked for it.
func TestRefusedGossipIsBounded(t *testing.T) {
	var ids []types.BatchID
	scripted(t, 4, func(_ *network, cfg *Config, c *scriptedCore) {
		cfg.Batches.(*openBatches).refuse = true
		cfg.ParkedMax, cfg.UnloggedMax = 4096, 500
		c.script = func(ev consensus.Event) consensus.Effects {
			if _, ok := ev.(consensus.Executed); ok {
				return consensus.Effects{Fetch: []consensus.Fetch{{From: []types.Member{1}, Batches: ids[len(ids)-1:]}}}
			}
			return consensus.Effects{}
		}
	}, func(_ *network, s *Sequencer, c *scriptedCore) error {
		for i := range 200 {
			body, id := testBatch(t, fmt.Sprintf("transaction %d %s", i, strings.Repeat("x", 50)))
			ids = append(ids, id)
			s.Hold(id, body, nil, now(), false)
		}
		synctest.Wait()
		if n := len(seen[consensus.BatchHeld](c)); n != 0 {
			t.Errorf("the core was told of %d bodies", n)
		}
		logged := 0
		for _, id := range ids {
			if s.cfg.Log.HasBatch(id) {
				logged++
			}
		}
		if len(s.parked.bodies) == 0 || s.parked.bytes > 4096 || s.bodies.bytes != 0 || logged != 0 {
			t.Errorf("%d parked in %d bytes, %d bytes fresh, %d in the log", len(s.parked.bodies), s.parked.bytes, s.bodies.bytes, logged)
		}
		s.Executed(1)
		synctest.Wait()
		held := seen[consensus.BatchHeld](c)
		if len(held) != 1 || held[0].ID != ids[len(ids)-1] || held[0].Admitted || len(held[0].Txs) != 1 || s.Stats().Fetches != 0 {
			t.Errorf("told %+v, fetches %d", held, s.Stats().Fetches)
		}
		if _, still := s.parked.get(ids[len(ids)-1]); still || !s.bodies.has(ids[len(ids)-1]) {
			t.Error("what the core was told of is still parked, or not kept")
		}
		return nil
	})
}

// The pool may refuse a body because its state is behind, or because a predecessor has not come yet: it is asked again when
// a block has been executed, for a while.
func TestRefusedBodiesAreAskedAboutAgain(t *testing.T) {
	body, id := testBatch(t, "transaction")
	scripted(t, 4, func(_ *network, cfg *Config, _ *scriptedCore) {
		cfg.Batches.(*openBatches).refuse = true
	}, func(_ *network, s *Sequencer, c *scriptedCore) error {
		batches := s.cfg.Batches.(*openBatches)
		execute := func(h types.Height) int {
			time.Sleep(time.Second)
			s.Executed(h)
			synctest.Wait()
			batches.mu.Lock()
			defer batches.mu.Unlock()
			return len(batches.asked)
		}
		s.Hold(id, body, nil, now(), false)
		synctest.Wait()
		if asked := execute(1); asked != 1 {
			t.Errorf("asked %d times after the first block", asked)
		}
		batches.mu.Lock()
		batches.refuse = false
		batches.mu.Unlock()
		if asked := execute(2); asked != 2 {
			t.Errorf("asked %d times after the second block", asked)
		}
		held := seen[consensus.BatchHeld](c)
		if len(held) != 1 || !held[0].Admitted || held[0].ID != id || len(held[0].Txs) != 1 {
			t.Errorf("told %+v", held)
		}
		if asked := execute(3); asked != 2 {
			t.Errorf("asked %d times although it was admitted", asked)
		}
		return nil
	})
}

func TestRefusedBodiesAreGivenUp(t *testing.T) {
	body, id := testBatch(t, "transaction")
	scripted(t, 4, func(_ *network, cfg *Config, _ *scriptedCore) {
		cfg.Batches.(*openBatches).refuse = true
	}, func(_ *network, s *Sequencer, _ *scriptedCore) error {
		s.Hold(id, body, nil, now(), false)
		for h := types.Height(1); h <= 100; h++ {
			time.Sleep(time.Second)
			s.Executed(h)
			synctest.Wait()
		}
		batches := s.cfg.Batches.(*openBatches)
		batches.mu.Lock()
		defer batches.mu.Unlock()
		if asked := len(batches.asked); asked < 25 || asked > 35 {
			t.Errorf("asked %d times in 100 s", asked)
		}
		return nil
	})
}
