package dht

import (
	"context"
	"sync"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	// publishPasses is how often rows that found too few holders go to the next nearest.
	publishPasses = 3
	// publishParallel is the number of holders written to at once.
	publishParallel = 8
)

// Report says what became of published rows.
type Report struct {
	Rows    int // rows that were to be published
	Copies  int // copies that holders acknowledged, those they had already and those of keepers included
	Stored  int // of these, new ones
	Holders int // servers that acknowledged something
	Failed  int // servers that did not answer or refused
	Missing int // rows that no server acknowledged
}

// publication is one block being published.
type publication struct {
	d       *DHT
	rows    *offering
	keepers map[peer.ID]bool // hold the block whole

	mu     sync.Mutex
	copies map[uint32]int
	tried  map[uint32]map[peer.ID]bool
	report Report
}

// Publish sends the rows that pick selects to the r servers nearest to each, one stream a server, and waits for their
// acknowledgements. A server whose signature is in the certificate keeps the block whole: it counts as a holder of the
// rows it is near enough for, and is sent nothing. Rows that found fewer than r holders are offered to the next nearest. It fails only if nothing could
// be tried: ErrNotCertified, ErrNoServers, or ctx ended; how far it got is in the Report.
func (d *DHT) Publish(ctx context.Context, header types.Header, block *coding.Block, pick func(index int) bool) (Report, error) {
	rows, err := d.offerBlock(header, block)
	if err != nil {
		return Report{}, err
	}
	pub := &publication{d: d, rows: rows, keepers: d.keepers(header.Commitment), copies: make(map[uint32]int), tried: make(map[uint32]map[peer.ID]bool)}
	d.note(ctx, &header, block.Params())
	var picked []uint32
	for i := range block.Params().N {
		if pick(i) {
			picked = append(picked, uint32(i))
		}
	}
	if len(picked) > 0 && len(d.servers.list()) == 0 {
		return Report{Rows: len(picked), Missing: len(picked)}, ErrNoServers
	}
	for range publishPasses {
		if ctx.Err() != nil || !pub.pass(ctx, picked) {
			break
		}
	}
	return pub.finish(picked), ctx.Err()
}

// pass offers every row that lacks copies to the nearest servers not tried yet; false if there was nothing to do.
func (pub *publication) pass(ctx context.Context, picked []uint32) bool {
	groups := pub.group(picked)
	if len(groups) == 0 {
		return false
	}
	var wg sync.WaitGroup
	slots := make(chan struct{}, publishParallel)
	for holder, indices := range groups {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			pub.offer(ctx, holder, indices)
		})
	}
	wg.Wait()
	return true
}

func (pub *publication) group(picked []uint32) map[peer.ID][]uint32 {
	r, table := pub.d.cfg.Replicas, pub.d.servers.list()
	groups := make(map[peer.ID][]uint32)
	for _, i := range picked {
		missing := r - pub.copies[i]
		if missing <= 0 {
			continue
		}
		if pub.tried[i] == nil {
			pub.tried[i] = make(map[peer.ID]bool)
		}
		for _, p := range nearest(table, Key(pub.rows.header.Commitment, i), 2*r) {
			if pub.tried[i][p] || missing == 0 {
				continue
			}
			missing--
			pub.tried[i][p] = true
			if pub.keepers[p] {
				pub.copies[i]++
				pub.report.Copies++
				continue
			}
			groups[p] = append(groups[p], i)
		}
	}
	return groups
}

// offer gives a holder its rows and books what it acknowledged.
func (pub *publication) offer(ctx context.Context, holder peer.ID, indices []uint32) {
	got, err := pub.d.offer(ctx, pub.rows, holder, indices)
	pub.mu.Lock()
	defer pub.mu.Unlock()
	for _, i := range got.has {
		pub.copies[i]++
	}
	pub.report.Stored += got.stored
	pub.report.Copies += len(got.has)
	if len(got.has) > 0 {
		pub.report.Holders++
	}
	if err != nil {
		pub.report.Failed++
		pub.d.log.Debug("rows not delivered", "height", pub.rows.header.Height, "peer", holder.String(), "rows", len(indices), "error", err)
	}
}

func (pub *publication) finish(picked []uint32) Report {
	pub.mu.Lock()
	defer pub.mu.Unlock()
	pub.report.Rows = len(picked)
	for _, i := range picked {
		if pub.copies[i] == 0 {
			pub.report.Missing++
		}
	}
	return pub.report
}
