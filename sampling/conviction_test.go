package sampling

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
)

// I5: somebody else's proof overturns every verdict: of a block that was found available, of one that is being sampled, of one
// that is not certified here yet. It holds after a restart.
func TestOthersProofsConvict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for range 5 {
			w.add(smallBlock, everything)
		}
		told := map[types.Height]Verdict{}
		cfg := w.config()
		cfg.Verdict = func(r Result) { told[r.Height] = r.Verdict }
		client, stop := w.run(cfg)
		w.want(client, 3, 2*time.Second, Available)
		if client.Safe() != 5 {
			t.Fatal("safe before", client.Safe())
		}
		third, _ := w.Header(3)
		for range 2 {
			if err := client.Convict(&third.Header, []byte("proof")); err != nil {
				t.Fatal(err)
			}
		}
		next := third.Header // of another block, certified only afterwards
		p := w.add(smallBlock, everything)
		next.Height, next.Commitment = 7, p.block.Commitment()
		if err := client.Convict(&next, []byte("proof")); err != nil {
			t.Fatal(err)
		}
		w.certify(p, p.block.Commitment())
		foreign := third.Header // of no block here
		foreign.Height, foreign.Commitment = 2, types.Hash{1}
		if err := client.Convict(&foreign, []byte("proof")); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			r := w.want(client, 3, 2*time.Second, Misencoded)
			if string(r.Evidence) != "proof" || r.MissLog2 != 0 {
				t.Fatalf("%+v", r)
			}
			w.want(client, 7, 0, Misencoded)
			w.want(client, 2, 0, Available)
			w.want(client, 5, 0, Available)
			if client.Safe() != 2 {
				t.Fatal("safe is", client.Safe(), "with block 3 mis-encoded")
			}
			stop()
			client, stop = w.run(cfg)
		}
		if told[3] != Misencoded || told[7] != Misencoded || told[2] != Available {
			t.Fatal("told", told)
		}
	})
}

// TestConvictionWinsOverAttempts: the attempt that is under way when the proof comes does not overwrite it.
func TestConvictionWinsOverAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.add(smallBlock, everything)
		made := make(chan *Client, 1)
		cfg := w.config()
		cfg.Keep = func(h types.Header, _ coding.Opening, _ []coding.Shard) { // the attempt has succeeded, and is not booked yet
			if err := (<-made).Convict(&h, []byte("proof")); err != nil {
				t.Error(err)
			}
		}
		client, stop := w.run(cfg)
		made <- client
		w.want(client, 1, 5*time.Second, Misencoded)
		stop()
		cfg.Keep = nil
		client, _ = w.run(cfg)
		w.want(client, 1, 5*time.Second, Misencoded)
		if client.Safe() != 0 {
			t.Fatal("safe", client.Safe())
		}
	})
}
