package dht

import (
	"errors"
	"testing"
)

// A holder offers rows of its disk to another server, by the certificate alone.
func TestOfferHeldRows(t *testing.T) {
	a := newAuthority(t)
	block, header := encodeBlock(t, 1, 5000)
	nodes := newSwarm(t, a, 2)
	holder, newcomer := nodes[0], nodes[1]
	if _, err := holder.offerHeld(t.Context(), header.Commitment); !errors.Is(err, ErrNotFound) {
		t.Fatalf("without certificate: %v", err)
	}
	holder.chain.add(a.certify(header))
	if _, err := holder.offerHeld(t.Context(), header.Commitment); !errors.Is(err, ErrNotFound) {
		t.Fatalf("without rows: %v", err)
	}
	own, err := holder.offerBlock(header, block)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := holder.offer(t.Context(), own, holder.host.ID(), indices(10), false); err != nil || got.stored != 10 {
		t.Fatalf("%+v: %v", got, err)
	}
	held, err := holder.offerHeld(t.Context(), header.Commitment)
	if err != nil {
		t.Fatal(err)
	}
	got, err := holder.offer(t.Context(), held, newcomer.host.ID(), indices(10), false)
	if err != nil || got.stored != 10 || len(got.has) != 10 || newcomer.Held(header.Commitment) != 10 {
		t.Fatalf("%+v: %v", got, err)
	}
	if got, err = holder.offer(t.Context(), held, newcomer.host.ID(), indices(10), false); err != nil || got.stored != 0 || len(got.has) != 10 {
		t.Fatalf("again: %+v: %v", got, err)
	}
	// A row that is not held is an error, and what went before it counts.
	if _, err = holder.offer(t.Context(), held, newcomer.host.ID(), indices(12), false); !errors.Is(err, ErrNotFound) {
		t.Fatalf("row not held: %v", err)
	}
}
