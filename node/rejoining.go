package node

import (
	"context"
	"time"

	"github.com/etherscale/bedrock/types"
)

const (
	// fillPause spaces the requests for headers that a leap left out: they are not urgent, and a home line has other work.
	fillPause = 250 * time.Millisecond
	// mostFilled bounds the headers that are fetched to connect what settled with where following began: some 30 MB.
	mostFilled = 50_000
)

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
		first, settled := p.n.chain.First(), p.tracker.Settled().Height
		switch {
		case first <= settled+1:
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
