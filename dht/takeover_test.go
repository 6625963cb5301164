package dht

import (
	"testing"
	"time"

	"github.com/etherscale/bedrock/coding"
)

// A member that dies in the middle of its part is made up for, and only what it left out is sent; one that is still at it
// is waited for.
func TestTakeOverInTheMiddle(t *testing.T) {
	a := newAuthority(t)
	nodes := newSwarm(t, a, 5)
	block, header := encodeBlock(t, 1, 20_000)
	for _, n := range nodes {
		n.chain.add(a.certify(header))
	}
	quarter := func(i int) bool { return i%16 == 3 }
	rest := func(i int) bool { return i%4 == 3 && i%16 != 3 }
	for j := range 3 {
		if _, err := nodes[j].Publish(t.Context(), header, block, func(i int) bool { return i%4 == j }); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := nodes[3].Publish(t.Context(), header, block, quarter); err != nil {
		t.Fatal(err)
	}
	asked := 0
	whole := func() (*coding.Block, error) { asked++; return block, nil }
	nodes[0].cfg.TakeOverDelay = 10 * time.Millisecond
	report, err := nodes[0].TakeOver(t.Context(), header, whole, 0, 4)
	part := block.Params().N / 4
	if err != nil || asked != 1 || report.Rows != part || report.Placed != part || report.Stored != 3*part*3/4 {
		t.Fatalf("%+v, %v: want the three quarters that were missing, three times", report, err)
	}

	slow, late := encodeBlock(t, 2, 20_000)
	for _, n := range nodes {
		n.chain.add(a.certify(late))
	}
	for j := range 3 {
		if _, err := nodes[j].Publish(t.Context(), late, slow, func(i int) bool { return i%4 == j }); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := nodes[3].Publish(t.Context(), late, slow, quarter); err != nil {
		t.Fatal(err)
	}
	nodes[0].cfg.TakeOverDelay = 1500 * time.Millisecond
	go func() {
		time.Sleep(1800 * time.Millisecond) // after the first look, before the second
		_, _ = nodes[3].Publish(t.Context(), late, slow, rest)
	}()
	if report, err = nodes[0].TakeOver(t.Context(), late, whole, 0, 4); err != nil || report != (Report{}) || asked != 1 {
		t.Fatalf("%+v, %v: a member still at work was taken over", report, err)
	}
}
