package sequencer

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/etherscale/bedrock/types"
)

// TestD2OldCopyIsRefused: a data directory that is older than what its key signed does not start while an honest member
// remembers, and signs nothing; the true one starts, and so does everybody when nobody can be asked.
func TestD2OldCopyIsRefused(t *testing.T) {
	inCluster(t, 4, func(c *cluster) {
		for _, n := range c.nodes {
			n.start(nil)
		}
		c.submit(0, 10)
		c.await(10, 20*time.Second, 0, 1, 2, 3)
		victim, copied := c.nodes[1], t.TempDir()
		victim.kill()
		if err := os.CopyFS(copied, os.DirFS(victim.dir)); err != nil {
			t.Fatal(err)
		}
		victim.start(nil)
		c.submit(10, 20)
		c.await(20, 20*time.Second, 0, 1, 2, 3)
		victim.kill()
		truth := victim.dir
		victim.dir = copied
		victim.start(nil)
		time.Sleep(5 * time.Second)
		victim.mu.Lock()
		victim.running = nil
		victim.mu.Unlock()
		if err := victim.stop(); !errors.Is(err, ErrOldCopy) {
			t.Errorf("an old copy ran: %v", err)
		}
		if err := victim.log.Close(); err != nil {
			t.Fatal(err)
		}
		victim.dir = truth
		victim.start(nil)
		c.submit(20, 30)
		c.await(30, 20*time.Second, 0, 1, 2, 3)
		for _, n := range c.nodes {
			n.kill()
		}
		for _, n := range c.nodes {
			n.start(nil)
		}
		c.submit(30, 40)
		c.await(40, 20*time.Second, 0, 1, 2, 3)
	})
}

// TestElsewhere: a member's proof of another process with the key stops a start, also the first one of a key; a quorum that sees
// none ends the watch at once; less than that does not.
func TestElsewhere(t *testing.T) {
	inCluster(t, 4, func(c *cluster) {
		for _, n := range c.nodes {
			n.start(nil)
		}
		c.submit(0, 10)
		c.await(10, 20*time.Second, 0, 1, 2, 3)
		victim := c.nodes[1]
		victim.kill()
		answers := func(twins, sure int) func(*Config) {
			return func(cfg *Config) {
				cfg.TwinWatch = time.Hour
				cfg.Elsewhere = func(_ context.Context, at types.Member) (bool, bool, error) {
					if at == 0 {
						return false, false, errors.New("an older program")
					}
					return int(at) <= twins, int(at) > 3-sure, nil
				}
			}
		}
		victim.start(answers(3, 0))
		time.Sleep(5 * time.Second)
		victim.mu.Lock()
		victim.running = nil
		victim.mu.Unlock()
		if err := victim.stop(); !errors.Is(err, ErrTwin) {
			t.Errorf("a proven twin does not stop the start: %v", err)
		}
		if err := victim.log.Close(); err != nil {
			t.Fatal(err)
		}
		victim.start(answers(0, 1)) // two of four, with its own: no quorum
		before := c.nodes[0].sequencer().Status().Newest[1]
		c.submit(10, 20, 0)
		c.await(20, 20*time.Second, 0, 2, 3)
		if after := c.nodes[0].sequencer().Status().Newest[1]; after != before {
			t.Errorf("it makes vertices while it watches: round %d, then %d", before, after)
		}
		victim.kill()
		victim.start(answers(0, 2))
		c.submit(20, 30)
		c.await(30, 20*time.Second, 0, 1, 2, 3)
	})
}
