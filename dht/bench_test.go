package dht

import (
	"testing"

	"github.com/etherscale/bedrock/coding"
)

// BenchmarkPublish publishes all rows of a 1 MiB block (1024 rows of 4 KiB, 3 copies) to 10 servers on loopback.
func BenchmarkPublish(b *testing.B) {
	a := newAuthority(b)
	nodes := newSwarm(b, a, 10)
	b.SetBytes(3 * 4 << 20)
	for b.Loop() {
		b.StopTimer()
		block, header := encodeBlock(b, nodes[0].chain.Head().Header.Height+1, 1<<20)
		for _, n := range nodes {
			n.chain.add(a.certify(header))
		}
		b.StartTimer()
		if r, err := nodes[0].Publish(b.Context(), header, block, all); err != nil || r.Missing != 0 {
			b.Fatalf("%+v, %v", r, err)
		}
	}
}

// BenchmarkFetch fetches 33 rows of that block.
func BenchmarkFetch(b *testing.B) {
	a := newAuthority(b)
	nodes := newSwarm(b, a, 10)
	block, header := encodeBlock(b, 1, 1<<20)
	nodes[0].chain.add(a.certify(header))
	if _, err := nodes[0].Publish(b.Context(), header, block, all); err != nil {
		b.Fatal(err)
	}
	reader := newNode(b, a, func(c *Config) { c.Server = false })
	if err := reader.Bootstrap(b.Context(), infosOf(nodes)); err != nil {
		b.Fatal(err)
	}
	v := verifierOf(b, block)
	sample := make([]uint32, 33)
	for i := range sample {
		sample[i] = uint32(31 * i)
	}
	for b.Loop() {
		err := reader.Rows(b.Context(), header, sample, func(_ string, s coding.Shard) bool { return v.Verify(s) == nil })
		if err != nil {
			b.Fatal(err)
		}
	}
}
