package swarm

import (
	"context"
	"fmt"

	kb "github.com/libp2p/go-libp2p-kbucket"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/dht"
	"github.com/etherscale/bedrock/types"
)

// Place lays the rows of a block on the disks of the r servers nearest to each, without using the wire: where a block has
// come to rest once it was published. What is measured then is not how it got there.
func (n *Network) Place(b *Block) error { return n.PlaceSome(b, func(int) bool { return true }) }

// PlaceSome is Place for the rows that pick selects.
func (n *Network) PlaceSome(b *Block, pick func(index int) bool) error {
	mine := make(map[peer.ID][]coding.Shard)
	for i, holders := range n.nearest(b, Replicas) {
		if !pick(i) {
			continue
		}
		s, err := b.Coded.Shard(uint32(i))
		if err != nil {
			return err
		}
		for _, id := range holders {
			mine[id] = append(mine[id], s)
		}
	}
	for _, p := range n.Peers {
		if len(mine[p.ID()]) == 0 || p.Member >= 0 && !n.cfg.Slim {
			continue
		}
		kept, err := p.DHT.Keep(context.Background(), b.Header.Header, b.Coded.Opening(), mine[p.ID()])
		if err == nil && kept != len(mine[p.ID()]) {
			err = fmt.Errorf("kept %d of %d rows", kept, len(mine[p.ID()]))
		}
		if err != nil {
			return fmt.Errorf("swarm: place rows at peer %d: %w", p.Index, err)
		}
	}
	return nil
}

// nearest lists the count servers nearest to each row of a block, dead ones included.
func (n *Network) nearest(b *Block, count int) [][]peer.ID {
	ids := make([]peer.ID, len(n.Peers))
	for i, p := range n.Peers {
		ids[i] = p.ID()
	}
	out := make([][]peer.ID, b.Coded.Params().N)
	for i := range out {
		target := kb.ConvertKey(dht.Key(types.Hash(b.Coded.Commitment()), uint32(i)))
		out[i] = kb.SortClosestPeers(ids, target)[:min(count, len(ids))]
	}
	return out
}

// Holders counts, for each row, the living servers that hold it on disk, and the members that have the block whole and are
// among the r nearest to the row. It looks at the disks and asks nobody.
func (n *Network) Holders(b *Block) ([]int, error) {
	c, held := b.Coded.Commitment(), make([]int, b.Coded.Params().N)
	for _, p := range n.Peers {
		if p.Dead() || p.Member >= 0 && !n.cfg.Slim {
			continue
		}
		for i := range held {
			has, err := p.DHT.Holds(context.Background(), c, uint32(i))
			if err != nil {
				return nil, err
			}
			if has {
				held[i]++
			}
		}
	}
	if n.cfg.Slim {
		return held, nil
	}
	keeps := make(map[peer.ID]bool)
	for _, m := range n.Members() {
		keeps[m.ID()] = !m.Dead()
	}
	for i, holders := range n.nearest(b, Replicas) {
		for _, id := range holders {
			if keeps[id] {
				held[i]++
			}
		}
	}
	return held, nil
}
