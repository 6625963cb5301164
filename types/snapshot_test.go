package types

import (
	"bytes"
	"errors"
	"testing"
)

func largestPart() *SnapshotPart {
	p := &SnapshotPart{Proof: make([][]byte, maxSnapshotProof)}
	for range MaxSnapshotItems {
		p.Slots = append(p.Slots, SnapshotSlot{Value: []byte{1}})
	}
	return p
}

// TestSnapshotLimits goes to each bound of what a peer sends of a snapshot, and one past it.
func TestSnapshotLimits(t *testing.T) {
	refused := func(name string, err error) {
		t.Helper()
		if !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	part := func(p *SnapshotPart) error { _, err := DecodeSnapshotPart(p.Encode()); return err }
	p := largestPart()
	if err := part(p); err != nil {
		t.Fatal(err)
	}
	p.Slots = append(p.Slots, SnapshotSlot{})
	refused("too many slots", part(p))
	p = largestPart()
	p.Proof = append(p.Proof, nil)
	refused("too many nodes", part(p))
	small := SnapshotAccount{Slots: make([]SnapshotSlot, MaxSnapshotInlineSlots), Code: make([]byte, MaxSnapshotInlineCode)}
	p = &SnapshotPart{Accounts: make([]SnapshotAccount, MaxSnapshotItems)}
	p.Accounts[0] = small
	if err := part(p); err != nil {
		t.Fatal(err)
	}
	p.Accounts = append(p.Accounts, SnapshotAccount{})
	refused("too many accounts", part(p))
	p = &SnapshotPart{Accounts: []SnapshotAccount{small}, Slots: make([]SnapshotSlot, 1)}
	refused("accounts and slots", part(p))
	refused("a storage that is not small", part(&SnapshotPart{Accounts: []SnapshotAccount{{Slots: make([]SnapshotSlot, MaxSnapshotInlineSlots+1)}}}))
	refused("a code that is not small", part(&SnapshotPart{Accounts: []SnapshotAccount{{Code: make([]byte, MaxSnapshotInlineCode+1)}}}))

	root := func(r SnapshotRoot) error { _, err := DecodeSnapshotRoot(r.Encode()); return err }
	if err := root(SnapshotRoot{Claims: make([]byte, maxSnapshotClaims*112), Header: make([]byte, maxSnapshotHeader)}); err != nil {
		t.Fatal(err)
	}
	refused("too many claims", root(SnapshotRoot{Claims: make([]byte, maxSnapshotClaims*112+1)}))
	refused("a header too long", root(SnapshotRoot{Header: make([]byte, maxSnapshotHeader+1)}))
}

// TestSnapshotRequests: each kind has its fields and no others.
func TestSnapshotRequests(t *testing.T) {
	some := Hash{1}
	good := []SnapshotRequest{{Kind: SnapshotBase, Height: 1}, {Kind: SnapshotAccounts, Height: 1, Start: some},
		{Kind: SnapshotStorage, Height: 1<<64 - 1, Owner: some, Start: some}, {Kind: SnapshotCode, Owner: some}}
	for _, r := range good {
		got, err := DecodeSnapshotRequest(r.Encode())
		if err != nil || *got != r || len(r.Encode()) > MaxSnapshotRequestBytes {
			t.Errorf("%+v: %+v, %v", r, got, err)
		}
	}
	for _, r := range []SnapshotRequest{{}, {Kind: 5, Height: 1}, {Kind: SnapshotBase}, {Kind: SnapshotBase, Height: 1, Start: some},
		{Kind: SnapshotAccounts, Height: 1, Owner: some}, {Kind: SnapshotCode, Height: 1}, {Kind: SnapshotCode, Start: some}} {
		if _, err := DecodeSnapshotRequest(r.Encode()); !errors.Is(err, ErrMalformed) {
			t.Errorf("%+v: %v", r, err)
		}
	}
	if _, err := DecodeSnapshotRequest(make([]byte, MaxSnapshotRequestBytes+1)); !errors.Is(err, ErrMalformed) {
		t.Errorf("a request too long: %v", err)
	}
}

// FuzzSnapshot: what decodes encodes to the same bytes.
func FuzzSnapshot(f *testing.F) {
	f.Add((&SnapshotRequest{Kind: SnapshotStorage, Height: 7, Owner: Hash{1}, Start: Hash{2}}).Encode())
	f.Add((&SnapshotRoot{Claims: []byte{1}, Header: []byte{2}}).Encode())
	f.Add((&SnapshotPart{Accounts: []SnapshotAccount{{Value: []byte{1}, Code: []byte{2}, Slots: []SnapshotSlot{{Value: []byte{3}}}}}, Proof: [][]byte{{4}}}).Encode())
	f.Add((&SnapshotPart{Slots: []SnapshotSlot{{Value: []byte{3}}}}).Encode())
	f.Fuzz(func(t *testing.T, encoded []byte) {
		same := func(again []byte) {
			t.Helper()
			if !bytes.Equal(encoded, again) {
				t.Fatalf("%x encodes to %x", encoded, again)
			}
		}
		if r, err := DecodeSnapshotRequest(encoded); err == nil {
			same(r.Encode())
		}
		if r, err := DecodeSnapshotRoot(encoded); err == nil {
			same(r.Encode())
		}
		if p, err := DecodeSnapshotPart(encoded); err == nil {
			same(p.Encode())
		}
	})
}
