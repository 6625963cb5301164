package types

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
)

func stateRequests() []*StateRequest {
	return []*StateRequest{
		{Kind: ProofState, Height: 7, Want: Hash{1}, Account: [20]byte{2}, Slots: []Hash{{3}, {}}},
		{Kind: ProofState, Height: 1 << 60, Want: Hash{1}, Slots: make([]Hash, MaxProofSlots)},
		{Kind: ProofCode, Want: Hash{4}},
		{Kind: ProofReceipts, Height: 9, Want: Hash{5}, From: 1 << 63},
		{Kind: ProofPlace, Want: Hash{6}},
	}
}

func TestStateRequestCodec(t *testing.T) {
	for _, r := range stateRequests() {
		if r.Slots == nil {
			r.Slots = []Hash{}
		}
		got, err := DecodeStateRequest(r.Encode())
		if err != nil || !reflect.DeepEqual(got, r) {
			t.Errorf("%+v: %+v, %v", r, got, err)
		}
	}
	for name, bad := range map[string]*StateRequest{
		"kind 0":            {},
		"kind 5":            {Kind: 5},
		"65 slots":          {Kind: ProofState, Slots: make([]Hash, MaxProofSlots+1)},
		"code of a slot":    {Kind: ProofCode, Slots: make([]Hash, 1)},
		"code of account":   {Kind: ProofCode, Account: [20]byte{1}},
		"code at a height":  {Kind: ProofCode, Height: 1},
		"place at a height": {Kind: ProofPlace, Height: 1},
		"state from 1":      {Kind: ProofState, From: 1},
	} {
		if _, err := DecodeStateRequest(bad.Encode()); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestProofLimits: what an answer may hold, and one more.
func TestProofLimits(t *testing.T) {
	for n, ok := range map[int]bool{64 * 65: true, 64*65 + 1: false} {
		if _, err := DecodeProofNodes(EncodeProofNodes(make([][]byte, n))); (err == nil) != ok {
			t.Errorf("%d nodes: %v", n, err)
		}
	}
	for n, ok := range map[int]bool{4096: true, 4097: false} {
		if _, err := DecodeReceiptLeaves(mustEncode(make([][]byte, n))); (err == nil) != ok {
			t.Errorf("%d receipts: %v", n, err)
		}
		if kept, err := DecodeReceiptLeaves(EncodeReceiptLeaves(make([][]byte, n))); err != nil || len(kept) != 4096 {
			t.Errorf("%d of %d receipts are answered: %v", len(kept), n, err)
		}
	}
	big := make([]byte, 3<<20)
	if kept, err := DecodeReceiptLeaves(EncodeReceiptLeaves([][]byte{big, big})); err != nil || len(kept) != 1 {
		t.Errorf("%d large receipts in an answer: %v", len(kept), err)
	}
	if _, err := DecodeProofNodes(make([]byte, MaxMessageBytes+1)); !errors.Is(err, ErrMalformed) {
		t.Error(err)
	}
	if n := len(stateRequests()[1].Encode()); n > MaxStateRequestBytes {
		t.Errorf("the largest request has %d bytes, %d are read", n, MaxStateRequestBytes)
	}
	if _, err := DecodeStateRequest(make([]byte, MaxStateRequestBytes+1)); !errors.Is(err, ErrMalformed) {
		t.Error(err)
	}
	if h, err := DecodePlace(EncodePlace(1<<64 - 1)); err != nil || h != 1<<64-1 {
		t.Error(h, err)
	}
}

func FuzzDecodeStateRequest(f *testing.F) {
	for _, r := range stateRequests() {
		f.Add(r.Encode())
	}
	f.Fuzz(func(t *testing.T, encoded []byte) {
		if r, err := DecodeStateRequest(encoded); err == nil && !bytes.Equal(r.Encode(), encoded) {
			t.Errorf("%x is decoded and encoded as %x", encoded, r.Encode())
		}
	})
}

func FuzzDecodeProofs(f *testing.F) {
	f.Add(EncodeProofNodes([][]byte{{1}, {2, 3}}))
	f.Add(EncodePlace(300))
	f.Fuzz(func(t *testing.T, encoded []byte) {
		if nodes, err := DecodeProofNodes(encoded); err == nil && !bytes.Equal(EncodeProofNodes(nodes), encoded) {
			t.Errorf("%x is decoded and encoded as %x", encoded, EncodeProofNodes(nodes))
		}
		if leaves, err := DecodeReceiptLeaves(encoded); err == nil && !bytes.Equal(mustEncode(leaves), encoded) {
			t.Errorf("%x is decoded and encoded as %x", encoded, mustEncode(leaves))
		}
		if h, err := DecodePlace(encoded); err == nil && !bytes.Equal(EncodePlace(h), encoded) {
			t.Errorf("%x is decoded and encoded as %x", encoded, EncodePlace(h))
		}
	})
}
