package node

import (
	"context"
	"sync"
	"time"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/fraud"
	"github.com/etherscale/bedrock/types"
)

// Bounds of proving who is bonded, where nothing is executed.
const (
	// provingBonds is how many bonds are asked for at once: names cost a stranger nothing.
	provingBonds = 2
	// bondPatience bounds one look; what was not answered is asked again with the next assertion.
	bondPatience = 5 * time.Second
	// mostBondProofs bounds the keys remembered.
	mostBondProofs = 4096
)

// bondProofs remembers what settled states said of keys. A bond counts under a settled root that is younger than the unbonding
// delay: whoever was bonded there is still answerable for what it says now.
type bondProofs struct {
	busy chan struct{}

	mu    sync.Mutex
	known map[types.PublicKey]bondProof
}

// bondProof is what the state of one settled block says of a key.
type bondProof struct {
	bond   fraud.Bond
	bonded bool // is or was, as a prover
	at     types.Time
}

func newBondProofs() *bondProofs {
	return &bondProofs{busy: make(chan struct{}, provingBonds), known: make(map[types.PublicKey]bondProof)}
}

// provenBond is fraud.Trust.Bond at a node that executes nothing.
func (n *Node) provenBond(key types.PublicKey) (fraud.Bond, bool) {
	settled := n.proofs.tracker.Settled()
	if settled.Height == 0 { // the genesis' own state
		return fraud.GenesisBond(n.cfg.Genesis, key)
	}
	ch, ok := n.chain.Header(settled.Height)
	if !ok {
		return fraud.Bond{}, false
	}
	b, at, now := n.bonds, ch.Header.Time, n.chain.Head().Header.Time
	b.mu.Lock()
	known, have := b.known[key]
	b.mu.Unlock()
	if have && !n.stale(key, known, at) && n.counts(known.at, now) {
		return known.bond, known.bonded
	}
	if n.counts(at, now) {
		if fresh, err := n.proveBond(settled, at, key); err == nil {
			b.remember(key, fresh)
			return fresh.bond, fresh.bonded
		} else {
			n.log.Debug("bond not proven", "key", key.PeerID(), "error", err)
		}
	}
	if have && n.counts(known.at, now) {
		return known.bond, known.bonded
	}
	return fraud.Bond{}, false
}

// counts reports whether who was bonded at one time still answers at another.
func (n *Node) counts(at, now types.Time) bool {
	return at >= now || uint64(now-at) < n.cfg.Genesis.UnbondingDelay
}

// stale reports whether a newer settled block should be asked: for a bond after a window, for none and for one that may be
// slashed by now at once.
func (n *Node) stale(key types.PublicKey, p bondProof, settled types.Time) bool {
	if settled <= p.at {
		return false
	}
	return !p.bonded || n.proofs.tracker.Convicted(key) || uint64(settled-p.at) >= n.cfg.Genesis.ChallengeWindow
}

func (n *Node) proveBond(settled fraud.Parent, at types.Time, key types.PublicKey) (bondProof, error) {
	ctx, cancel := context.WithTimeout(context.Background(), bondPatience)
	defer cancel()
	select {
	case n.bonds.busy <- struct{}{}:
		defer func() { <-n.bonds.busy }()
	case <-ctx.Done():
		return bondProof{}, ctx.Err()
	}
	bond, err := n.view.Bond(ctx, settled, key)
	if err != nil {
		return bondProof{}, err
	}
	return bondProof{
		bond: fraud.Bond{Owner: bond.Owner, Operator: bond.Operator, Stands: bond.Status == execution.BondActive || bond.Status == execution.BondLeaving},
		// A bond that was slashed is still known: challenges of what it said stay valid.
		bonded: bond.Role == types.BondProver && bond.Status != 0, at: at,
	}, nil
}

func (b *bondProofs) remember(key types.PublicKey, p bondProof) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.known) >= mostBondProofs {
		clear(b.known)
	}
	b.known[key] = p
}
