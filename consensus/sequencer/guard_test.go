package sequencer

import (
	"errors"
	"os"
	"testing"
	"time"
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
