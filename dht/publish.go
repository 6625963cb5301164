package dht

import (
	"context"
	"sync"
	"time"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	// handOnBytes is the size of a part from which on holders make the copies: below, sending r copies costs a home line a
	// fraction of a second, and asking others costs more streams than it saves bytes.
	handOnBytes = 256 << 10
	// The holders are asked after handOnPause, then ever less often, up to maxHandOnPause, who has what; handOnPatience
	// without a new copy ends it.
	handOnPause    = 100 * time.Millisecond
	maxHandOnPause = 2 * time.Second
	handOnPatience = 3 * time.Second
	// confirmParallel is the number of holders asked at once.
	confirmParallel = 16
)

// Report says what became of published rows. Copies are counted by the word of who has them, not of who passed them on.
type Report struct {
	Rows    int // rows that were to be published
	Copies  int // copies that their holders acknowledged, those they had already and those of keepers included
	Stored  int // of these, new ones that this node sent
	Passed  int // of these, copies that others had made
	Holders int // servers that took something from this node or had it
	Failed  int // offers that were not answered or refused
	Placed  int // rows that have all r copies
	Missing int // rows that no server acknowledged
}

// Publish sends the rows that pick selects to their holders, the r servers nearest to each, and returns when these have
// acknowledged them. A large part is sent once: the nearest holder of each row is asked to pass it on, the others are
// asked whether they have it, and what did not appear there is sent too. A server whose signature is in the certificate
// keeps the block whole: it counts as a holder of the rows it is near enough for, and is sent nothing. For a server that
// does not take a row the next nearest counts. Of blocks published at once the highest goes first. It fails only if
// nothing could be tried: ErrNotCertified, ErrNoServers, or ctx ended; how far it got is in the Report.
func (d *DHT) Publish(ctx context.Context, header types.Header, block *coding.Block, pick func(index int) bool) (Report, error) {
	offered, err := d.offerBlock(header, block)
	if err != nil {
		return Report{}, err
	}
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
	if err := d.publishing.take(ctx, header.Height, ""); err != nil {
		return Report{Rows: len(picked), Missing: len(picked)}, err
	}
	defer d.publishing.leave("")
	sp := d.newSpread(offered)
	sp.place(ctx, picked)
	return sp.finish(picked), ctx.Err()
}

// await asks the holders that others were to pass rows on to, until all have them or nothing new appears.
func (sp *spread) await(ctx context.Context, indices []uint32) {
	for pause, idle := handOnPause, time.Duration(0); idle < handOnPatience; pause = min(2*pause, maxHandOnPause) {
		groups := sp.lacking(indices)
		if len(groups) == 0 {
			return
		}
		if sleep(ctx, pause) != nil {
			return
		}
		idle += pause
		if sp.ask(ctx, groups) > 0 {
			idle = 0
		}
	}
}

// ask asks each holder which of the rows it has and returns how many copies were not known of.
func (sp *spread) ask(ctx context.Context, groups map[peer.ID][]uint32) int {
	var wg sync.WaitGroup
	slots, appeared := make(chan struct{}, confirmParallel), 0
	for holder, indices := range groups {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			found, err := sp.d.Has(ctx, holder, sp.offered.header.Commitment, indices)
			if err != nil {
				return
			}
			sp.mu.Lock()
			defer sp.mu.Unlock()
			for _, i := range found {
				sp.confirm(i, holder)
			}
			sp.report.Passed += len(found)
			appeared += len(found)
		})
	}
	wg.Wait()
	return appeared
}

func (r Report) plus(o Report) Report {
	return Report{
		Rows: r.Rows + o.Rows, Copies: r.Copies + o.Copies, Stored: r.Stored + o.Stored, Passed: r.Passed + o.Passed,
		Holders: r.Holders + o.Holders, Failed: r.Failed + o.Failed, Placed: r.Placed + o.Placed, Missing: r.Missing + o.Missing,
	}
}
