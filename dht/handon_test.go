package dht

import (
	"slices"
	"testing"
)

// A large part is sent once, and the holders make the other copies: every row ends at the 3 nearest servers.
func TestHandOn(t *testing.T) {
	a := newAuthority(t)
	nodes := newSwarm(t, a, 12)
	block, header := encodeBlock(t, 1, 200_000)
	nodes[0].chain.add(a.certify(header)) // the holders learn of the header by the offers
	n := block.Params().N
	publisher := newNode(t, a, func(c *Config) { c.Server = false })
	publisher.chain.add(a.certify(header))
	if err := publisher.Bootstrap(t.Context(), infosOf(nodes)); err != nil {
		t.Fatal(err)
	}
	report := publishAll(t, publisher, header, block)
	if report.Placed != n || report.Copies != 3*n || report.Stored != n || report.Passed != 2*n || report.Failed != 0 || report.Missing != 0 {
		t.Fatalf("%+v, want %d rows sent once and passed on twice", report, n)
	}
	table := nodes[0].servers.list()
	for i := range uint32(n) {
		got, want := holdersOf(t, nodes, header.Commitment, i), nearest(table, Key(header.Commitment, i), 3)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("row %d is held by %v, want the nearest %v", i, got, want)
		}
	}
	var total Stats
	for _, nd := range nodes {
		s := nd.Stats()
		total.Taken += s.Taken
		total.HandedOn += s.HandedOn
		total.RefusedPlace += s.RefusedPlace
	}
	if total.Taken != uint64(3*n) || total.HandedOn != uint64(2*n) || total.RefusedPlace != 0 {
		t.Fatalf("%+v, want %d rows taken", total, 3*n)
	}
	// Once more: nobody is sent anything.
	if report = publishAll(t, publisher, header, block); report.Stored != 0 || report.Placed != n {
		t.Fatalf("again: %+v", report)
	}
}
