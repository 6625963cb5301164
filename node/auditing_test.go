package node

import (
	"errors"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// auditingNode is a node with nothing but the disks that the auditor writes to.
func auditingNode(t *testing.T) (*Node, *auditor, *[]Released) {
	t.Helper()
	dir := t.TempDir()
	db, err := store.Open(filepath.Join(dir, "store"), store.Options{Network: types.NetworkID{1}})
	if err != nil {
		t.Fatal(err)
	}
	log, err := store.OpenVertexLog(filepath.Join(dir, "vertices"), store.LogOptions{})
	if err != nil {
		t.Fatal(errors.Join(err, db.Close()))
	}
	t.Cleanup(func() {
		if err := errors.Join(log.Close(), db.Close()); err != nil {
			t.Error(err)
		}
	})
	var told []Released
	watch := func(f Fact) { told = append(told, f.(Released)) }
	n := &Node{store: db, vertices: log, log: slog.New(slog.DiscardHandler), cfg: Config{Watch: watch}}
	a, err := n.openAuditor()
	if err != nil {
		t.Fatal(err)
	}
	return n, a, &told
}

// release logs a batch of the transactions and returns its release.
func release(t *testing.T, n *Node, index uint64, fair types.Time, envelopes ...string) consensus.Released {
	t.Helper()
	var list [][]byte
	for _, e := range envelopes {
		list = append(list, []byte(e))
	}
	body, err := types.EncodeBatch(list)
	if err != nil {
		t.Fatal(err)
	}
	id := types.BatchIDOf(body)
	if err := n.vertices.AppendBatch(id, body); err != nil {
		t.Fatal(err)
	}
	return consensus.Released{Batch: id, FairTime: fair, Index: index}
}

func mustBeIn(t *testing.T, n *Node, tx string, want types.BatchID) {
	t.Helper()
	if got, err := n.releasedIn(keccak([]byte(tx))); err != nil || got != want {
		t.Fatalf("%s counts in batch %s (%v), want %s", tx, got, err, want)
	}
}

func TestTransactionCountsInItsFirstBatch(t *testing.T) {
	n, a, told := auditingNode(t)
	first := release(t, n, 7, 100, "a", "b")
	sibling := release(t, n, 7, 101, "b", "c") // after the same vertex, later in order
	later := release(t, n, 300, 50, "a", "c", "d")
	a.Released([]consensus.Released{first, sibling})
	a.Released([]consensus.Released{later})
	mustBeIn(t, n, "a", first.Batch)
	mustBeIn(t, n, "b", first.Batch)
	mustBeIn(t, n, "c", sibling.Batch)
	mustBeIn(t, n, "d", later.Batch)
	if _, err := n.releasedIn(keccak([]byte("e"))); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("a transaction that was never released: %v", err)
	}
	if len(*told) != 3 || (*told)[0].Transactions[1] != keccak([]byte("b")) {
		t.Fatalf("told %v", *told)
	}
	for _, r := range []consensus.Released{first, sibling, later} {
		if _, err := n.store.Audit(r.Batch); err != nil {
			t.Fatalf("record of %s: %v", r.Batch, err)
		}
	}
}

// TestReleasesAreToldAgainAfterARestart: the replay tells all; only the newest position is written again.
func TestReleasesAreToldAgainAfterARestart(t *testing.T) {
	n, a, told := auditingNode(t)
	zero := release(t, n, 0, 90, "z")
	first, sibling := release(t, n, 7, 100, "a", "b"), release(t, n, 7, 101, "b", "c")
	a.Released([]consensus.Released{zero})
	a.Released([]consensus.Released{first, sibling})
	*told = nil
	again, err := n.openAuditor()
	if err != nil {
		t.Fatal(err)
	}
	again.Released([]consensus.Released{zero})
	if len(*told) != 0 {
		t.Fatalf("what is stored was told again: %v", *told)
	}
	again.Released([]consensus.Released{first, sibling})
	again.Released([]consensus.Released{release(t, n, 8, 102, "c", "e")})
	if len(*told) != 3 {
		t.Fatalf("%d releases told, want the newest position's two and a new one", len(*told))
	}
	mustBeIn(t, n, "z", zero.Batch)
	mustBeIn(t, n, "b", first.Batch)
	mustBeIn(t, n, "c", sibling.Batch)
}
