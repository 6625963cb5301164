package pool

import (
	"context"
	"errors"
	"testing"

	"github.com/etherscale/bedrock/types"
)

// TestOpaqueBackPressure: what entered here and is in no block is bounded in number and bytes; blocks make room.
func TestOpaqueBackPressure(t *testing.T) {
	o, err := NewOpaque(OpaqueConfig{Publish: func(context.Context, Outgoing) {}, MaxTransactions: 3, MaxBytes: 100})
	if err != nil {
		t.Fatal(err)
	}
	var hashes []types.Hash
	for i := range byte(3) {
		h, err := o.AddEnvelope(t.Context(), []byte{i, 1})
		if err != nil {
			t.Fatal(err)
		}
		hashes = append(hashes, h)
	}
	if _, err := o.AddEnvelope(t.Context(), []byte{9}); !errors.Is(err, ErrPoolFull) {
		t.Fatalf("a fourth: %v", err)
	}
	o.Executed(1, append(hashes[:2:2], types.Hash{5}))
	if _, err := o.AddEnvelope(t.Context(), make([]byte, 99)); !errors.Is(err, ErrPoolFull) {
		t.Fatalf("101 bytes in all: %v", err)
	}
	if _, err := o.AddEnvelope(t.Context(), make([]byte, 98)); err != nil {
		t.Fatalf("100 bytes in all: %v", err)
	}
}
