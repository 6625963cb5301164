package swarm

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/etherscale/bedrock/sampling"
)

// Rows of published blocks are where they belong, light clients find them available, and one whose rows were withheld not.
func TestNetwork(t *testing.T) {
	Virtual(func() {
		n, err := New(Config{Hosts: 30, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer n.Close()
		ctx := context.Background()
		b, err := n.Certify(100_000)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := n.Publish(ctx, b); err != nil {
			t.Fatal(err)
		}
		held, err := n.Holders(b)
		if err != nil {
			t.Fatal(err)
		}
		for i, h := range held {
			if h < Replicas {
				t.Errorf("row %d has %d holders", i, h)
			}
		}
		l, err := n.AddLight(ctx)
		if err != nil {
			t.Fatal(err)
		}
		l.HangUp()
		s, err := l.Sample(ctx, b, time.Minute)
		if err != nil || s.Verdict != sampling.Available {
			t.Fatalf("%+v, %v", s, err)
		}
		data, err := l.Rebuild(ctx, b)
		if err != nil || !bytes.Equal(data, b.Data) {
			t.Fatalf("not rebuilt: %v", err)
		}
	})
}
