package pool

import (
	"encoding/binary"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

// I2 and I3: whatever is put in comes out once; batches are valid; nothing waits longer than the delay unless its group
// is spaced; a group keeps its order and is in no two batches less than spacing apart.
func TestOutbox(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const delay, spacing = 5 * time.Millisecond, 50 * time.Millisecond
		o := newOutbox(delay, spacing)
		start := time.Unix(1_000_000, 0)
		now := start
		count := rapid.IntRange(1, 60).Draw(t, "count")
		taken := make(map[uint64]bool)
		lastOf := make(map[[20]byte]uint64)
		lastAt := make(map[[20]byte]time.Time)
		at := make(map[uint64]time.Time)
		drain := func() {
			for batch := o.take(now); batch != nil; batch = o.take(now) {
				out, err := outgoing(batch, now, 0)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := types.DecodeBatch(out.Body); err != nil {
					t.Fatal(err)
				}
				for _, p := range batch {
					n := binary.BigEndian.Uint64(p.envelope)
					if taken[n] {
						t.Fatalf("parcel %d leaves twice", n)
					}
					taken[n] = true
					if p.group == [20]byte{} {
						continue
					}
					if last, ok := lastOf[p.group]; ok && last > n {
						t.Fatalf("parcel %d leaves after %d", n, last)
					}
					lastOf[p.group] = n
				}
				groups := make(map[[20]byte]bool)
				for _, p := range batch {
					if p.group != [20]byte{} && !groups[p.group] {
						if last, ok := lastAt[p.group]; ok && now.Sub(last) < spacing {
							t.Fatalf("a group leaves twice within %v", now.Sub(last))
						}
						groups[p.group] = true
						lastAt[p.group] = now
					}
				}
			}
			for _, p := range o.parcels {
				n := binary.BigEndian.Uint64(p.envelope)
				_, spaced := lastAt[p.group]
				if now.Sub(at[n]) >= delay && !spaced {
					t.Fatalf("parcel %d waits for %v", n, now.Sub(at[n]))
				}
			}
		}
		for n := range count {
			size := rapid.OneOf(rapid.IntRange(8, 300), rapid.IntRange(8, 20<<10), rapid.IntRange(8, types.MaxLoneTransactionBytes)).Draw(t, "size")
			envelope := make([]byte, size)
			binary.BigEndian.PutUint64(envelope, uint64(n))
			var group [20]byte
			group[0] = byte(rapid.IntRange(0, 3).Draw(t, "group"))
			at[uint64(n)] = now
			o.add(parcel{envelope: envelope, info: consensus.TxInfo{Hash: types.Hash{byte(n)}}, group: group, at: now})
			if rapid.Bool().Draw(t, "advance") {
				now = now.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "ms")) * time.Millisecond)
				drain()
			}
		}
		for len(o.parcels) > 0 {
			due, any := o.due()
			if !any {
				t.Fatal("parcels wait but none is ever due")
			}
			if due.After(now) {
				now = due
			}
			before := len(o.parcels)
			if drain(); len(o.parcels) == before {
				t.Fatalf("nothing leaves at %v although due", now.Sub(start))
			}
		}
		if len(taken) != count || o.bytes != 0 {
			t.Fatalf("%d of %d parcels left, %d bytes on the books", len(taken), count, o.bytes)
		}
	})
}

func TestFullOutboxDoesNotWait(t *testing.T) {
	o := newOutbox(time.Hour, 0)
	now := time.Unix(1_000_000, 0)
	for i := range types.MaxBatchTransactions + 1 {
		if batch := o.take(now); batch != nil {
			t.Fatalf("a batch leaves with %d parcels", i)
		}
		e := make([]byte, 8)
		binary.BigEndian.PutUint64(e, uint64(i))
		o.add(parcel{envelope: e, at: now})
		if i == types.MaxBatchTransactions-1 {
			if batch := o.take(now); len(batch) != types.MaxBatchTransactions {
				t.Fatalf("a full batch has %d parcels", len(batch))
			}
		}
	}
	if len(o.parcels) != 1 || !o.remove(types.Hash{}) || o.remove(types.Hash{}) || o.bytes != 0 {
		t.Fatal("remove")
	}
}

func TestRecentForgetsTheOldest(t *testing.T) {
	r := newRecent(3)
	for i := range 5 {
		r.add(types.Hash{byte(i)})
		r.add(types.Hash{byte(i)}) // a repeat takes no room
	}
	for i := range 5 {
		if got := r.has(types.Hash{byte(i)}); got != (i >= 2) {
			t.Fatalf("hash %d: %v", i, got)
		}
	}
	if len(r.set) != 3 || len(r.ring) != 3 {
		t.Fatalf("%d and %d kept", len(r.set), len(r.ring))
	}
}
