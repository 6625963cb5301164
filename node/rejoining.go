package node

import (
	"context"
	"time"

	"github.com/etherscale/bedrock/fraud"
	"github.com/etherscale/bedrock/types"
)

const (
	// fillPause spaces the requests for headers that a leap left out: they are not urgent, and a home line has other work.
	fillPause = 250 * time.Millisecond
	// mostFilled bounds the headers that are fetched to connect what settled with where following began: some 30 MB.
	mostFilled = 50_000
	// learnEvery is how often peers are asked for the claims of a settled block.
	learnEvery = 30 * time.Second
)

// beginning is a settled value to start tracking at, with the time of its header.
type beginning struct {
	value fraud.Parent
	time  types.Time
}

// restoredAbove reports whether the own state was fetched, at a block above a height.
func (p *proofs) restoredAbove(h types.Height) bool { return p.n.exec != nil && p.n.exec.First() > h }

// ownValue is the own outcome of an executed or restored block.
func (p *proofs) ownValue(h types.Height) (fraud.Parent, types.Time, error) {
	header, err := p.n.exec.Header(h)
	if err != nil {
		return fraud.Parent{}, 0, err
	}
	value, err := fraud.OwnParent(p.n.exec, h)
	return value, header.Time, err
}

// beginAt starts over at the block whose state was restored.
func (p *proofs) beginAt(h types.Height) {
	value, at, err := p.ownValue(h)
	if err != nil {
		p.n.log.Error("the restored block's own claims are not read: nothing settles here", "height", h, "error", err)
		return
	}
	p.begin.Store(&beginning{value, at})
	p.executed()
}

// learnSettled starts over at the block that the newest epoch's end calls settled, where that is news and peers name its claims.
func (p *proofs) learnSettled(ctx context.Context) {
	end, ok := p.n.newestEnd(p.n.chain.Head().Header.Height)
	settled := p.tracker.Settled().Height
	if !ok || end.Next.SettledHeight <= settled || p.n.chain.First() <= settled+1 || time.Since(p.learnt) < learnEvery {
		return // or it is followed without
	}
	p.learnt = time.Now()
	roots, err := p.n.settledRoots(ctx, end)
	if err != nil {
		p.n.log.Debug("no peer names the settled block's claims", "height", end.Next.SettledHeight, "error", err)
		return
	}
	at := end.Next.SettledHeight
	if p.n.chain.First()-at > mostFilled || p.n.chain.FillDown(ctx, at, fillPause) != nil {
		return
	}
	if ch, known := p.n.chain.Header(at); known {
		p.begin.Store(&beginning{fraud.ParentOf(at, ch.Header.Digest(), roots[0].Claims), ch.Header.Time})
		p.executed()
	}
}

// rejoin connects what a light client knows to be settled with where it follows the chain from. After a start far behind the
// head, headers between are missing; without them no assertion can be placed, so nothing would settle.
func (p *proofs) rejoin(ctx context.Context) error {
	if p.n.exec != nil {
		return nil // whoever executes follows every header
	}
	signal, cancel := p.n.chain.Subscribe()
	defer cancel()
	var told types.Height
	for {
		p.learnSettled(ctx)
		first, settled := p.n.chain.First(), p.tracker.Settled().Height
		switch {
		case first <= settled+1 || p.begin.Load() != nil:
		case first-settled > mostFilled:
			if told != first {
				told = first
				p.n.log.Warn("what has settled is too long ago to be connected with the newest blocks: this client samples blocks, but proves no state",
					"settled", settled, "followed_from", first)
			}
		default:
			if err := p.n.chain.FillDown(ctx, settled+1, fillPause); err != nil {
				return err
			}
			p.executed() // wakes track
		}
		select {
		case <-ctx.Done():
			return nil
		case <-signal:
		}
	}
}
