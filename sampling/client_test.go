package sampling

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
)

const (
	smallBlock = 10_000  // K = 32
	largeBlock = 200_000 // K = 128
)

func TestVerdicts(t *testing.T) {
	first, both := Default.MissLog2(shape(t, 128), 0), Default.MissLog2(shape(t, 128), 1)
	for name, c := range map[string]struct {
		size                   int
		serves                 func(int, uint32) bool
		lies                   int
		verdict                Verdict
		asked, answered, wrong int
		miss                   float64
	}{
		"empty":                          {0, everything, 0, Available, 0, 0, 0, Certain},
		"small":                          {smallBlock, everything, 0, Available, 32, 32, 0, Certain},
		"small, a quarter of the rows":   {smallBlock, func(_ int, i uint32) bool { return i%4 == 0 }, 0, Available, 128, 32, 0, Certain},
		"small, one row less":            {smallBlock, func(_ int, i uint32) bool { return i%4 == 0 && i != 124 }, 0, Unavailable, 128, 31, 0, 0},
		"small, nothing":                 {smallBlock, onlyFirst(0), 0, Unavailable, -1, 0, 0, 0},
		"small, liars":                   {smallBlock, everything, 2, Available, 32, 32, 65, Certain},
		"large":                          {largeBlock, everything, 0, Available, 33, 28, 0, first},
		"large, 5 of 33 missing":         {largeBlock, onlyFirst(28), 0, Available, 33, 28, 0, first},
		"large, 6 of 33 missing":         {largeBlock, func(n int, _ uint32) bool { return n >= 6 }, 0, Available, 44, 34, 0, both},
		"large, 10 of 44 missing":        {largeBlock, func(n int, _ uint32) bool { return n >= 10 }, 0, Available, 44, 34, 0, both},
		"large, 11 of 44 missing":        {largeBlock, func(n int, _ uint32) bool { return n >= 11 }, 0, Unavailable, 44, 33, 0, 0},
		"large, one row less than K":     {largeBlock, func(_ int, i uint32) bool { return i < 127 }, 0, Unavailable, 44, -1, 0, 0},
		"large, three quarters withheld": {largeBlock, func(_ int, i uint32) bool { return i%4 == 0 }, 0, Unavailable, 44, -1, 0, 0},
		"large, liars":                   {largeBlock, everything, 3, Available, 33, 28, 85, first},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				p := w.add(c.size, c.serves)
				p.lies = c.lies
				cfg := w.config()
				cfg.Chance = chacha(1)
				client, _ := w.run(cfg)
				wait := 2 * time.Second
				if c.verdict == Unavailable {
					w.want(client, 1, 9*time.Second, Pending)
					wait = 10 * time.Second
				} else if c.asked == 44 || c.asked == 128 {
					wait = 15 * time.Second
				}
				r := w.want(client, 1, wait, c.verdict)
				if (c.asked >= 0 && r.Asked != c.asked) || len(r.Indices) != r.Asked || (c.answered >= 0 && r.Answered != c.answered) || r.Wrong != c.wrong || r.MissLog2 != c.miss {
					t.Fatalf("%+v, want %d asked, %d answered, %d wrong, miss 2^%.2f", r, c.asked, c.answered, c.wrong, c.miss)
				}
				if safe := client.Safe(); (safe == 1) != (c.verdict == Available) {
					t.Fatalf("safe is %d", safe)
				}
			})
		})
	}
}

// I1, I4: the same rows are asked for again, on disk before the first question, also by a restarted client; and the
// verdict turns when they come.
func TestRetriesAskTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		p := w.add(largeBlock, onlyFirst(0))
		cfg := w.config()
		client, stop := w.run(cfg)
		before := w.want(client, 1, time.Minute, Unavailable)
		stop()
		cfg.Chance = bytes.NewReader(nil) // nothing left to draw with
		client, _ = w.run(cfg)
		after := w.want(client, 1, time.Minute, Unavailable)
		if !slices.Equal(before.Indices, after.Indices) || after.Tries <= before.Tries {
			t.Fatalf("%+v, then %+v", before, after)
		}
		distinct := make(map[uint32]bool)
		for _, q := range w.questions(1) {
			for _, i := range q.indices {
				distinct[i] = true
			}
			if !q.drawn {
				t.Fatal("asked before the rows were stored")
			}
		}
		if len(distinct) != 44 {
			t.Fatalf("%d different rows were asked for", len(distinct))
		}
		w.mu.Lock()
		p.serves = everything
		w.mu.Unlock()
		if r := w.want(client, 1, 2*maxBackoff, Available); r.Answered != 28 || client.Safe() != 1 {
			t.Fatalf("%+v, safe %d", r, client.Safe())
		}
	})
}

// Rows that came once are not asked for again.
func TestRetriesAskOnlyMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.add(largeBlock, onlyFirst(20))
		client, _ := w.run(w.config())
		w.want(client, 1, 20*time.Second, Unavailable)
		q := w.questions(1)
		if len(q) < 4 || len(q[0].indices) != 33 || len(q[1].indices) != 11 || len(q[2].indices) != 24 {
			t.Fatalf("questions of %d, %d and %d rows", len(q[0].indices), len(q[1].indices), len(q[2].indices))
		}
	})
}

// I3: a committed row that is wrong convicts the block, and the proof convinces a third party.
func TestMisencoded(t *testing.T) {
	for name, size := range map[string]int{"small": smallBlock, "large": largeBlock} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				p, c := badly(t, size)
				w.certify(p, c)
				w.add(smallBlock, everything)
				proofs := 0
				cfg := w.config()
				cfg.BadEncoding = func(ch types.CertifiedHeader, bad *coding.BadEncodingError) {
					if ch.Header.Commitment == c && bad.Evidence.Check(c, p.block.Params()) == nil {
						proofs++
					}
				}
				client, stop := w.run(cfg)
				r := w.want(client, 1, 2*time.Second, Misencoded)
				e, err := coding.UnmarshalEvidence(r.Evidence, p.block.Params())
				if err != nil || e.Check(c, p.block.Params()) != nil || proofs != 1 || r.Wrong != 0 {
					t.Fatalf("%d proofs, %+v, %v", proofs, r, err)
				}
				w.want(client, 2, 0, Available)
				if client.Safe() != 0 {
					t.Fatalf("safe passed a bad block: %d", client.Safe())
				}
				stop()
				client, _ = w.run(cfg)
				w.want(client, 1, time.Minute, Misencoded)
				if proofs != 1 {
					t.Fatal("sampled again after the verdict")
				}
			})
		})
	}
}

// I5, I6: newest first, and Safe stops below the block that is missing.
func TestOrderAndSafe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var third *published
		for h := 1; h <= 100; h++ {
			p := w.add(500, everything)
			if h == 3 {
				p.serves, third = onlyFirst(0), p
			}
		}
		time.Sleep(time.Minute) // old blocks: no reason to wait for their rows
		cfg := w.config()
		cfg.Parallel = 1
		var order []types.Height
		cfg.Verdict = func(r Result) { order = append(order, r.Height) }
		client, stop := w.run(cfg)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if len(order) != 100 || !slices.IsSortedFunc(order[:97], func(a, b types.Height) int { return int(b) - int(a) }) {
			t.Fatalf("%d verdicts in the order %v", len(order), order)
		}
		if client.Safe() != 2 {
			t.Fatalf("safe is %d", client.Safe())
		}
		w.mu.Lock()
		third.serves = everything
		w.mu.Unlock()
		time.Sleep(2 * maxBackoff)
		synctest.Wait()
		if client.Safe() != 100 || len(client.active) != 0 || len(client.ahead) != 0 {
			t.Fatalf("safe is %d, %d active, %d ahead", client.Safe(), len(client.active), len(client.ahead))
		}
		stop()
		told, asked := len(order), len(w.asked)
		client, _ = w.run(cfg)
		if before := client.Safe(); before < 100-safeStep {
			t.Fatalf("after a restart safe is %d", before)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if client.Safe() != 100 || len(order) != told || len(w.asked) != asked {
			t.Fatalf("after a restart safe is %d, %d new verdicts, %d new questions", client.Safe(), len(order)-told, len(w.asked)-asked)
		}
	})
}

// TestBeginsWhereHeadersBegin: heights below a checkpoint are nobody's to sample, and do not hold up Safe.
func TestBeginsWhereHeadersBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for range 4 {
			w.add(0, everything)
		}
		w.add(smallBlock, everything)
		w.first = 5
		client, _ := w.run(w.config())
		w.want(client, 5, 2*time.Second, Available)
		if client.Safe() != 5 {
			t.Fatalf("safe up to %d", client.Safe())
		}
		if r, looked := client.Sampling(3); looked {
			t.Fatalf("a block below the checkpoint was looked at: %+v", r)
		}
	})
}

func TestStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		client, _ := w.run(w.config())
		if time.Sleep(29 * time.Second); client.Stale() {
			t.Fatal("stale after 29 s")
		}
		if time.Sleep(2 * time.Second); !client.Stale() {
			t.Fatal("not stale after 31 s")
		}
		w.add(100, everything)
		if client.Stale() {
			t.Fatal("stale with a new header")
		}
	})
}

// Nobody has the opening: unavailable. After the retention time nobody is asked any more.
func TestOpeningAndRetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.add(largeBlock, everything).noOpen = true
		cfg := w.config()
		cfg.Retention = 10 * time.Minute
		client, _ := w.run(cfg)
		w.want(client, 1, time.Minute, Unavailable)
		time.Sleep(20 * time.Minute)
		tries := w.want(client, 1, 0, Unavailable).Tries
		if later := w.want(client, 1, time.Hour, Unavailable).Tries; later != tries || tries < 10 {
			t.Fatalf("%d tries, then %d", tries, later)
		}
	})
}

// What was fetched is handed on to be served.
func TestKeep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		p := w.add(largeBlock, everything)
		kept := 0
		cfg := w.config()
		cfg.Keep = func(h types.Header, o coding.Opening, shards []coding.Shard) {
			v, err := coding.NewVerifier(p.block.Params(), h.Commitment, o.RowRoot, o.Y)
			if err != nil {
				t.Error(err)
			}
			for _, s := range shards {
				if v.Verify(s) == nil {
					kept++
				}
			}
		}
		client, _ := w.run(cfg)
		if w.want(client, 1, time.Second, Available); kept != 28 {
			t.Fatalf("%d rows kept", kept)
		}
	})
}

func TestRebuild(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		p := w.add(largeBlock, func(_ int, i uint32) bool { return i%4 == 1 })
		h := w.Head().Header
		data, err := Rebuild(t.Context(), w, w, h)
		if err != nil || !bytes.Equal(data, bytes.Join(p.block.Rows()[:p.block.Params().K], nil)[:largeBlock]) {
			t.Fatalf("%d bytes: %v", len(data), err)
		}
		p.serves = func(_ int, i uint32) bool { return i%4 == 1 && i != 1 }
		if _, err := Rebuild(t.Context(), w, w, h); !errors.Is(err, ErrUnavailable) {
			t.Fatalf("with one row too few: %v", err)
		}
	})
}

func TestConfig(t *testing.T) {
	w := newWorld(t)
	for name, change := range map[string]func(*Config){
		"no headers":       func(c *Config) { c.Headers = nil },
		"accept too many":  func(c *Config) { c.Rules = Rules{{3, 4}, {5, 5}} },
		"second smaller":   func(c *Config) { c.Rules = Rules{{9, 4}, {5, 5}} },
		"negative timeout": func(c *Config) { c.Timeout = -1 },
	} {
		cfg := w.config()
		change(&cfg)
		if _, err := New(cfg); err == nil {
			t.Error(name)
		}
	}
	if _, err := New(w.config()); err != nil {
		t.Fatal(err)
	}
}

// A stored state that is damaged is started anew, never trusted.
func FuzzDecodeState(f *testing.F) {
	f.Add((&state{Version: stateVersion, Height: 3, Verdict: Pending, Drawn: []uint32{5, 2}, Answered: []bool{true, false}, Asked: 2}).encode())
	f.Add([]byte(`{"version":1,"asked":-1}`))
	f.Add([]byte(`{`))
	f.Fuzz(func(t *testing.T, in []byte) {
		s, err := decodeState(in)
		if err != nil {
			return
		}
		if r := s.result(); len(r.Indices) > maxAsked || math.IsNaN(r.MissLog2) {
			t.Fatalf("%+v", r)
		}
	})
}
