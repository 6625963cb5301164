package node

import (
	"bytes"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/consensus/audit"
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
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	var told []Released
	watch := func(f Fact) { told = append(told, f.(Released)) }
	n := &Node{store: db, log: slog.New(slog.DiscardHandler), cfg: Config{Watch: watch}}
	a, err := n.openAuditor(0)
	if err != nil {
		t.Fatal(err)
	}
	return n, a, &told
}

// release is the release of a batch of the transactions.
func release(t *testing.T, index uint64, fair types.Time, envelopes ...string) consensus.Released {
	t.Helper()
	var list [][]byte
	var txs []consensus.TxInfo
	for _, e := range envelopes {
		list = append(list, []byte(e))
		txs = append(txs, consensus.TxInfo{Hash: keccak([]byte(e)), Size: uint64(len(e))})
	}
	body, err := types.EncodeBatch(list)
	if err != nil {
		t.Fatal(err)
	}
	return consensus.Released{Batch: types.BatchIDOf(body), FairTime: fair, Index: index, Txs: txs}
}

func mustBeIn(t *testing.T, n *Node, tx string, want consensus.Released, height types.Height) {
	t.Helper()
	place, err := n.ownAudit(keccak([]byte(tx)))
	if err != nil || place.record.Batch != want.Batch || place.height != height {
		t.Fatalf("%s: %+v (%v), want batch %s in block %d", tx, place, err, want.Batch, height)
	}
}

func TestTransactionCountsInItsFirstBatch(t *testing.T) {
	n, a, told := auditingNode(t)
	first := release(t, 7, 100, "a", "b")
	sibling := release(t, 7, 101, "b", "c") // after the same vertex, later in order
	later := release(t, 300, 50, "a", "c", "d")
	tell := a.told()
	for _, list := range [][]consensus.Released{{first, sibling}, {later}} {
		tell(list)
		a.Released(list)
	}
	ref := func(r consensus.Released, i uint32) consensus.TxRef { return consensus.TxRef{Batch: r.Batch, Index: i} }
	blocks := [][]consensus.TxRef{{ref(first, 0), ref(first, 1), ref(sibling, 1)}, {ref(later, 2)}}
	for h, envelopes := range [][][]byte{{{'a'}, {'b'}, {'c'}}, {{'d'}}} {
		if err := n.notePlaces(&types.Header{Height: types.Height(h + 1)}, types.EncodeBlockData(envelopes), blocks[h], false); err != nil {
			t.Fatal(err)
		}
	}
	mustBeIn(t, n, "a", first, 1)
	mustBeIn(t, n, "b", first, 1)
	mustBeIn(t, n, "c", sibling, 1)
	mustBeIn(t, n, "d", later, 2)

	// The next epoch releases what was left of a batch, and the whole batch with it: what was in a block keeps its place.
	next, err := n.openAuditor(1)
	if err != nil {
		t.Fatal(err)
	}
	rest := release(t, 0, 400, "d", "f")
	next.Released([]consensus.Released{rest})
	err = n.notePlaces(&types.Header{Epoch: 1, Height: 3}, types.EncodeBlockData([][]byte{{'d'}, {'f'}}), []consensus.TxRef{ref(rest, 0), ref(rest, 1)}, true)
	if err != nil {
		t.Fatal(err)
	}
	mustBeIn(t, n, "d", later, 2)
	mustBeIn(t, n, "f", rest, 3)
	if _, err := n.ownAudit(keccak([]byte("e"))); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("a transaction that was never released: %v", err)
	}
	if len(*told) != 3 || (*told)[0].Transactions[1] != keccak([]byte("b")) {
		t.Fatalf("told %v", *told)
	}
	if _, _, err := originOf(encodeOrigins(0, blocks[0]), 3); !errors.Is(err, store.ErrBroken) {
		t.Errorf("the origin of a transaction beyond the block: %v", err)
	}
}

// TestReleasesAreToldAgainAfterARestart: the replay tells all; only the newest position is written and told again.
func TestReleasesAreToldAgainAfterARestart(t *testing.T) {
	n, a, told := auditingNode(t)
	zero := release(t, 0, 90, "z")
	first, sibling := release(t, 7, 100, "a", "b"), release(t, 7, 101, "b", "c")
	a.Released([]consensus.Released{zero})
	a.Released([]consensus.Released{first, sibling})
	again, err := n.openAuditor(0)
	if err != nil {
		t.Fatal(err)
	}
	lists := [][]consensus.Released{{zero}, {first, sibling}, {release(t, 8, 102, "c", "e")}}
	tell := again.told()
	for _, list := range lists {
		again.Released(list)
		tell(list)
	}
	if len(*told) != 3 || (*told)[0].Batch != first.Batch {
		t.Fatalf("%d releases told, want the newest position's two and a new one", len(*told))
	}
	for _, r := range []consensus.Released{zero, first, sibling, lists[2][0]} {
		if _, err := n.store.Audit(0, r.Batch); err != nil {
			t.Fatalf("record of %s: %v", r.Batch, err)
		}
	}
}

// TestAuditAnswerCodec: the codec of audit answers refuses what is too short.
func TestAuditAnswerCodec(t *testing.T) {
	if _, err := decodeAuditedPlace(make([]byte, 15)); !errors.Is(err, types.ErrMalformed) {
		t.Fatal(err)
	}
	if _, err := decodeAuditedPlace(make([]byte, 400)); !errors.Is(err, types.ErrMalformed) {
		t.Fatal(err)
	}
}

// FuzzAuditAnswer: what peers answer about a place is either refused or has one encoding.
func FuzzAuditAnswer(f *testing.F) {
	f.Add((&auditedPlace{record: audit.Record{Batch: types.BatchIDOf([]byte("b")), Entries: []consensus.Entry{{Author: 1, Time: 5}}}, height: 3, index: 1}).encode())
	f.Add(make([]byte, 16))
	f.Fuzz(func(t *testing.T, encoded []byte) {
		place, err := decodeAuditedPlace(encoded)
		if err == nil && !bytes.Equal(place.encode(), encoded) {
			t.Fatal("two encodings of one answer")
		}
	})
}
