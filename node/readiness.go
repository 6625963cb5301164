package node

import (
	"context"
	"fmt"
	"sync"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/execution/contracts"
	"github.com/etherscale/bedrock/types"
)

// readiness announces by itself that this node's sequencer is there to serve, in each epoch in which it is bonded and does
// not serve. A member that serves stays a candidate without.
type readiness struct {
	n *Node

	mu      sync.Mutex
	problem string // why it cannot announce what it should; empty: all is well
}

// readyGas is what an announcement may use; it takes 50,000.
const readyGas = 150_000

// readyPause is after how many blocks an announcement that failed is made again.
const readyPause = 8

// openReadiness is for those who may serve in a network whose committee the bonds decide.
func (n *Node) openReadiness() error {
	if n.order != nil && n.exec != nil && n.cfg.Genesis.Bonding != nil {
		n.ready = &readiness{n: n}
	}
	return nil
}

// run looks at the bond after each block.
func (r *readiness) run(ctx context.Context) error {
	signal, cancel := r.n.exec.SubscribeSignal()
	defer cancel()
	var next types.Height
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-signal:
		}
		h := r.n.exec.Height()
		if h+mostBehind < r.n.chain.Head().Header.Height || h < next || r.n.stopped() != nil {
			continue // whoever is catching up is not there to serve
		}
		bond, err := r.n.exec.Bond(r.n.key)
		if err != nil {
			return err
		}
		if !lacksReadiness(bond, h, r.n.cfg.Genesis.EpochLength) {
			r.note("")
			continue
		}
		next = h + readyPause
		r.note(r.announce(ctx, bond))
	}
}

// lacksReadiness reports whether a bond needs an announcement in the block after h to be chosen for the epoch after that
// block's: it must be executed before the state that decides.
func lacksReadiness(bond execution.Bond, h types.Height, epochLength uint64) bool {
	if bond.Role != types.BondSequencer || bond.Status != execution.BondActive {
		return false
	}
	epoch := types.Epoch(uint64(h) / epochLength)
	decided := types.Height(uint64(epoch+1)*epochLength) - execution.CommitteeLookback
	return bond.Served != epoch+1 && bond.ReadyFor != epoch+1 && h < decided
}

// announce sends the announcement and waits until it is executed. It returns what went wrong, in words.
func (r *readiness) announce(ctx context.Context, bond execution.Bond) string {
	purse := r.n.account
	if purse == nil {
		return "this node has no account to announce its readiness from: `bedrock ready` from the bond's own"
	}
	if own := purse.Address(); own != bond.Owner && own != bond.Operator {
		return fmt.Sprintf("this node's account 0x%x is neither owner nor operator of its bond, so it cannot announce that it is ready: `bedrock ready` from the owner's, each epoch until it serves", own)
	}
	sent, err := purse.Send(ctx, r.n.exec.Rules().Vault, nil, contracts.NewBonds().PackReady(r.n.key), readyGas)
	if err != nil {
		return fmt.Sprintf("this node is bonded and cannot announce that it is ready: %v", err)
	}
	outcome, err := sent.Wait(ctx)
	switch {
	case ctx.Err() != nil:
		return ""
	case err != nil:
		return fmt.Sprintf("the announcement that this node is ready was lost: %v", err)
	case !outcome.Succeeded:
		return "the announcement that this node is ready failed: its bond has changed"
	}
	r.n.log.Info("announced to be ready for the next epoch", "epoch", uint64(outcome.Height)/r.n.cfg.Genesis.EpochLength+1, "height", outcome.Height)
	return ""
}

// note remembers a problem, and tells of it once.
func (r *readiness) note(problem string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if problem != "" && problem != r.problem {
		r.n.log.Warn("not announced to be ready for the next epoch", "reason", problem)
	}
	r.problem = problem
}

func (r *readiness) why() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.problem
}
