package dht

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
	"github.com/libp2p/go-libp2p/core/peer"
)

// takeOverProbe is the number of rows asked about to tell whether a member published its part.
const takeOverProbe = 4

// TakeOver makes up for silent publishers. Of m members, member j publishes the rows with index = j mod m; self is the
// own number. For each other member it waits its turn (TakeOverDelay for the one before it, half of that more for each
// further), asks holders about a few of that member's rows, and publishes the part if most are missing. It returns when
// all were looked at or ctx ends. The header must be certified.
func (d *DHT) TakeOver(ctx context.Context, header types.Header, block *coding.Block, self, m int) (Report, error) {
	var total Report
	if block.Params().N == 0 || m < 2 {
		return total, nil
	}
	timer := time.NewTimer(d.cfg.TakeOverDelay)
	defer timer.Stop()
	for distance := 1; distance < m; distance++ {
		select {
		case <-ctx.Done():
			return total, ctx.Err()
		case <-timer.C:
			timer.Reset(d.cfg.TakeOverDelay / 2)
		}
		member := (self - distance + m) % m
		if d.published(ctx, header, block.Params(), member, m) {
			continue
		}
		d.log.Info("publishing rows of a silent sequencer", "height", header.Height, "member", member)
		report, err := d.Publish(ctx, header, block, func(index int) bool { return index%m == member })
		total = total.plus(report)
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// published tells whether most of a few random rows of a member are held by the server nearest to each that does not keep
// the block whole, of those servers that answer.
func (d *DHT) published(ctx context.Context, h types.Header, p coding.Params, member, m int) bool {
	table, answers, held := d.servers.list(), 0, 0
	own := (p.N - member + m - 1) / m // rows of the member
	if own <= 0 {
		return true
	}
	keepers, questions := d.keepers(h.Commitment), make(map[peer.ID][]uint32)
	for range takeOverProbe {
		i := uint32(member + m*rand.IntN(own))
		for _, holder := range nearest(table, Key(h.Commitment, i), d.cfg.Replicas) {
			if !keepers[holder] {
				questions[holder] = append(questions[holder], i)
				break
			}
		}
	}
	for holder, indices := range questions {
		found, err := d.holderHas(ctx, holder, h.Commitment, sorted(indices))
		if err == nil {
			answers += len(sorted(indices))
			held += found
		}
	}
	return len(questions) == 0 || answers > 0 && 2*held > answers
}

// holderHas counts the rows that a holder has, which may be this node.
func (d *DHT) holderHas(ctx context.Context, holder peer.ID, c types.Hash, indices []uint32) (int, error) {
	if holder != d.host.ID() {
		found, err := d.Has(ctx, holder, c, indices)
		return len(found), err
	}
	if d.cutter.keeps(c) {
		return len(indices), nil
	}
	held := 0
	for _, i := range indices {
		has, err := d.holds(ctx, c, i)
		if err != nil {
			return 0, err
		}
		if has {
			held++
		}
	}
	return held, nil
}
