package dht

import (
	"context"
	"slices"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
)

// Keep stores verified rows that this node came by otherwise (it sampled or rebuilt them), so far as it is one of the r
// nearest servers of a row, that is, should have been given it. The header must be certified, the shards verified
// against the opening. It returns how many were new; clients keep nothing.
func (d *DHT) Keep(ctx context.Context, h types.Header, o coding.Opening, shards []coding.Shard) (int, error) {
	if _, certified := d.cfg.Headers.HeaderByCommitment(h.Commitment); !d.cfg.Server || !certified || d.cutter.keeps(h.Commitment) {
		return 0, nil
	}
	table, own := d.servers.list(), make(map[uint32][]byte)
	for _, s := range shards {
		if !slices.Contains(nearest(table, Key(h.Commitment, s.Index), d.cfg.Replicas), d.host.ID()) {
			continue
		}
		raw, err := s.MarshalBinary()
		if err != nil {
			return 0, err
		}
		own[s.Index] = raw
	}
	if len(own) == 0 {
		return 0, nil
	}
	added, err := d.store(ctx, &h, o, own)
	return len(added), err
}

// Holds reports whether a row is on this node's disk, or waits in memory for its certificate.
func (d *DHT) Holds(ctx context.Context, commitment types.Hash, index uint32) (bool, error) {
	return d.holds(ctx, commitment, index)
}

// Held is the number of rows of a block on this node's disk.
func (d *DHT) Held(commitment types.Hash) int {
	block, _ := d.rows.block(commitment)
	return block.rows
}
