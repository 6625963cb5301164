package dht

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	// takeOverProbe is the number of rows asked about to tell whether a member published its part, at takeOverHolders of the
	// holders of each.
	takeOverProbe   = 16
	takeOverHolders = 2
	// takeOverLine is the upload, in bytes a second, that a member is given time for: 10 Mbit/s.
	takeOverLine = 1250 << 10
)

// TakeOver makes up for silent publishers. Of m members, member j publishes the rows with index = j mod m; self is the
// own number. For each other member it waits its turn (TakeOverDelay for the one before it, half of that more for each
// further, and the time that a part of this size takes at 10 Mbit/s), asks holders about a few of that member's rows, waits
// on while these become more, and publishes the part if it stops short of three quarters. block is called for what has to
// be published: nothing large is kept while it waits. It returns when all were looked at or ctx ends. The header must be
// certified.
func (d *DHT) TakeOver(ctx context.Context, header types.Header, block func() (*coding.Block, error), self, m int) (Report, error) {
	var total Report
	p, err := coding.ParamsFor(header.DataLength)
	if err != nil || p.N == 0 || m < 2 {
		return total, err
	}
	part := time.Duration(p.N) * time.Duration(p.ShardSize()) * time.Second / time.Duration(m*takeOverLine)
	wait := d.cfg.TakeOverDelay + part
	for distance := 1; distance < m; distance++ {
		if err := sleep(ctx, wait); err != nil {
			return total, err
		}
		wait = d.cfg.TakeOverDelay / 2
		member := (self - distance + m) % m
		if d.published(ctx, header, probe(p, member, m)) {
			continue
		}
		d.log.Info("publishing rows of a silent sequencer", "height", header.Height, "member", member)
		coded, err := block()
		if err != nil {
			return total, fmt.Errorf("dht: take over rows of block %d: %w", header.Height, err)
		}
		report, err := d.Publish(ctx, header, coded, func(index int) bool { return index%m == member })
		total = total.plus(report)
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// probe draws a few rows of a member's part.
func probe(p coding.Params, member, m int) []uint32 {
	own := (p.N - member + m - 1) / m // rows of the member
	var rows []uint32
	for range min(takeOverProbe, own) {
		rows = append(rows, uint32(member+m*rand.IntN(own)))
	}
	return sorted(rows)
}

// published tells whether three quarters of some rows are held, or so many that they grow no more. It asks as long as they
// become more.
func (d *DHT) published(ctx context.Context, h types.Header, rows []uint32) bool {
	for before := 0; ; {
		held, answered := d.heldOf(ctx, h.Commitment, rows)
		if 4*held >= 3*answered && (held > 0 || len(rows) == 0) {
			return true
		}
		if held <= before {
			return false
		}
		before = held
		if sleep(ctx, d.cfg.TakeOverDelay) != nil {
			return true
		}
	}
}

// heldOf counts the rows that one of the servers nearest to each has, of those that do not keep the block whole, and the
// rows of which such a server answered. A row that only keepers are near counts as held.
func (d *DHT) heldOf(ctx context.Context, c types.Hash, rows []uint32) (held, answered int) {
	table, keepers, questions := d.servers.list(), d.keepers(c), make(map[peer.ID][]uint32)
	found, known := make(map[uint32]bool), make(map[uint32]bool)
	for _, i := range rows {
		asked := 0
		for _, holder := range nearest(table, Key(c, i), d.cfg.Replicas) {
			if !keepers[holder] && asked < takeOverHolders {
				questions[holder] = append(questions[holder], i)
				asked++
			}
		}
		if asked == 0 {
			found[i], known[i] = true, true
		}
	}
	for holder, indices := range questions {
		has, err := d.holderHas(ctx, holder, c, indices)
		if err != nil {
			continue
		}
		for _, i := range indices {
			known[i] = true
			found[i] = found[i] || slices.Contains(has, i)
		}
	}
	for _, yes := range found {
		if yes {
			held++
		}
	}
	return held, len(known)
}

// holderHas lists the rows that a holder has, which may be this node.
func (d *DHT) holderHas(ctx context.Context, holder peer.ID, c types.Hash, indices []uint32) ([]uint32, error) {
	if holder != d.host.ID() {
		return d.Has(ctx, holder, c, indices)
	}
	if d.cutter.keeps(c) {
		return indices, nil
	}
	var held []uint32
	for _, i := range indices {
		has, err := d.holds(ctx, c, i)
		if err != nil {
			return nil, err
		}
		if has {
			held = append(held, i)
		}
	}
	return held, nil
}
