package dht

import (
	"context"
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"
)

// dialParallel is the number of holders dialled at once for offers: the dead must not hold up the living.
const dialParallel = 32

// spread brings rows of one block to their holders and knows who has what. Of a row, the r servers nearest to its key
// shall have it; for one that does not take it the next nearest counts, up to the 2r-th.
type spread struct {
	d       *DHT
	offered *offering
	keepers map[peer.ID]bool // hold the block whole
	// handOn asks the first holder of each row to pass it on, and leaves the others to it.
	handOn bool
	avoid  map[peer.ID]bool // get nothing

	mu     sync.Mutex
	rows   map[uint32]*spreadRow
	report Report
}

// spreadRow is what is known of one row.
type spreadRow struct {
	has    []peer.ID // have it, by their word
	tried  []peer.ID // were asked to take it, or counted
	passed bool      // somebody took it who was asked to hand it on
}

func (d *DHT) newSpread(o *offering) *spread {
	return &spread{d: d, offered: o, keepers: d.keepers(o.header.Commitment), rows: make(map[uint32]*spreadRow)}
}

func (sp *spread) row(i uint32) *spreadRow {
	row := sp.rows[i]
	if row == nil {
		row = &spreadRow{}
		sp.rows[i] = row
	}
	return row
}

// confirm books that a holder has a row.
func (sp *spread) confirm(i uint32, holder peer.ID) {
	row := sp.row(i)
	if !slices.Contains(row.tried, holder) {
		row.tried = append(row.tried, holder)
	}
	if !slices.Contains(row.has, holder) {
		row.has = append(row.has, holder)
		sp.report.Copies++
	}
}

// place brings rows to their holders: it leaves the copies to them where that saves much, and makes up for what they did
// not do.
func (sp *spread) place(ctx context.Context, indices []uint32) {
	if sp.d.cfg.Replicas > 1 && sp.offered.kind == proofCertified && len(indices)*sp.offered.shardSize >= handOnBytes {
		sp.handOn = true
		sp.run(ctx, indices)
		sp.await(ctx, indices)
		sp.handOn = false
	}
	sp.run(ctx, indices)
}

// run offers rows until each is where it should be or nobody near it is left.
func (sp *spread) run(ctx context.Context, indices []uint32) {
	var wg sync.WaitGroup
	sp.dispatch(ctx, &wg, indices)
	wg.Wait()
}

func (sp *spread) dispatch(ctx context.Context, wg *sync.WaitGroup, indices []uint32) {
	for holder, group := range sp.group(indices) {
		wg.Go(func() {
			if left := sp.deliver(ctx, holder, group); len(left) > 0 && ctx.Err() == nil {
				sp.dispatch(ctx, wg, left)
			}
		})
	}
}

// group assigns rows that lack copies to the nearest servers not tried yet.
func (sp *spread) group(indices []uint32) map[peer.ID][]uint32 {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	table, groups := sp.d.servers.list(), make(map[peer.ID][]uint32)
	for _, i := range indices {
		row := sp.row(i)
		if sp.handOn && row.passed {
			continue
		}
		asked := false // of those who are to hand on
		for _, p := range sp.absent(table, i) {
			own := p == sp.d.host.ID()
			if sp.handOn && asked && !own {
				continue
			}
			asked = asked || !own
			row.tried = append(row.tried, p)
			groups[p] = append(groups[p], i)
		}
	}
	return groups
}

// lacking lists who should have which rows too and was not heard of yet.
func (sp *spread) lacking(indices []uint32) map[peer.ID][]uint32 {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	table, groups := sp.d.servers.list(), make(map[peer.ID][]uint32)
	for _, i := range indices {
		for _, p := range sp.absent(table, i) {
			groups[p] = append(groups[p], i)
		}
	}
	return groups
}

// absent lists the servers that should have a row for r copies in all and were not tried yet, nearest first. Keepers
// among them have it.
func (sp *spread) absent(table []server, i uint32) []peer.ID {
	var out []peer.ID
	r, row := sp.d.cfg.Replicas, sp.row(i)
	if len(row.has) >= r {
		return nil
	}
	for _, p := range nearest(table, Key(sp.offered.header.Commitment, i), 2*r) {
		switch {
		case len(row.has)+len(out) >= r:
			return out
		case slices.Contains(row.tried, p) || sp.avoid[p]:
		case sp.keepers[p]:
			sp.confirm(i, p)
		default:
			out = append(out, p)
		}
	}
	return out
}

// deliver gives a holder its rows, some at a time, and returns those that it did not take.
func (sp *spread) deliver(ctx context.Context, holder peer.ID, indices []uint32) (left []uint32) {
	if err := sp.d.connect(ctx, holder); err != nil {
		sp.failed(holder, len(indices), err)
		return indices
	}
	took := false
	for group := range slices.Chunk(indices, max(1, offerBytes/sp.offered.shardSize)) {
		got, err := sp.offer(ctx, holder, group)
		took = took || len(got.has) > 0
		left = append(left, without(group, got.has)...)
		if err != nil {
			sp.failed(holder, len(group), err)
			left = append(left, indices[slices.Index(indices, group[len(group)-1])+1:]...)
			break
		}
	}
	if took {
		sp.mu.Lock()
		sp.report.Holders++
		sp.mu.Unlock()
	}
	return left
}

func (sp *spread) offer(ctx context.Context, holder peer.ID, indices []uint32) (taken, error) {
	got, err := sp.d.offer(ctx, sp.offered, holder, indices, sp.handOn)
	sp.mu.Lock()
	defer sp.mu.Unlock()
	for _, i := range got.has {
		sp.confirm(i, holder)
		sp.row(i).passed = sp.row(i).passed || holder != sp.d.host.ID()
	}
	sp.report.Stored += got.stored
	return got, err
}

func (sp *spread) failed(holder peer.ID, rows int, err error) {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	sp.report.Failed++
	sp.d.log.Debug("rows not delivered", "height", sp.offered.header.Height, "peer", holder.String(), "rows", rows, "error", err)
}

// finish counts what came of the rows.
func (sp *spread) finish(indices []uint32) Report {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	out := sp.report
	out.Rows = len(indices)
	for _, i := range indices {
		switch n := len(sp.row(i).has); {
		case n == 0:
			out.Missing++
		case n >= sp.d.cfg.Replicas:
			out.Placed++
		}
	}
	return out
}

// without is all without some, in order.
func without(all, some []uint32) []uint32 {
	gone := make(map[uint32]bool, len(some))
	for _, i := range some {
		gone[i] = true
	}
	return slices.DeleteFunc(slices.Clone(all), func(i uint32) bool { return gone[i] })
}

// connect reaches a holder, one of few dialled at once.
func (d *DHT) connect(ctx context.Context, p peer.ID) error {
	if p == d.host.ID() || d.connected(p) {
		return nil
	}
	select {
	case d.dialling <- struct{}{}:
		defer func() { <-d.dialling }()
		return d.reach(ctx, p)
	case <-ctx.Done():
		return ctx.Err()
	}
}
