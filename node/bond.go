package node

import (
	"sync"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/fraud"
	"github.com/etherscale/bedrock/types"
)

// bonds says who speaks for provers' keys: the executed state where there is one, else what is proven of a settled one.
type bonds struct {
	n *Node

	mu     sync.Mutex
	height types.Height // of the state that known was read from
	known  map[types.PublicKey]knownBond
}

type knownBond struct {
	bond  fraud.Bond
	known bool
}

// mostBonds bounds the bonds remembered of one height.
const mostBonds = 4096

// of is fraud.Trust.Bond.
func (b *bonds) of(key types.PublicKey) (fraud.Bond, bool) {
	if b.n.cfg.Genesis.Bonding == nil {
		return fraud.Bond{}, false
	}
	if b.n.exec == nil {
		return b.n.provenBond(key)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if at := b.n.exec.Height(); at != b.height || b.known == nil || len(b.known) >= mostBonds {
		b.height, b.known = at, map[types.PublicKey]knownBond{}
	}
	if k, ok := b.known[key]; ok {
		return k.bond, k.known
	}
	bond, known, err := b.executed(key)
	if err != nil {
		b.n.log.Warn("the state does not say who is bonded", "key", key, "error", err)
		return fraud.Bond{}, false
	}
	b.known[key] = knownBond{bond, known}
	return bond, known
}

// executed asks the state.
func (b *bonds) executed(key types.PublicKey) (fraud.Bond, bool, error) {
	bond, err := b.n.exec.Bond(key)
	if err != nil {
		return fraud.Bond{}, false, err
	}
	stands := bond.Status == execution.BondActive || bond.Status == execution.BondLeaving
	known := bond.Role == types.BondProver && bond.Status != 0
	return fraud.Bond{Owner: bond.Owner, Operator: bond.Operator, Stands: stands}, known, nil
}
