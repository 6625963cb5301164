package gossip

import (
	"fmt"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/etherscale/bedrock/types"
)

// roster is the committee of an epoch by its members' peers. It is immutable.
type roster struct {
	epoch     types.Epoch
	committee *types.Committee
	members   []peer.ID                // by committee index
	indices   map[peer.ID]types.Member // inverse of members
	own       int                      // own index, or -1
}

func newRoster(epoch types.Epoch, committee *types.Committee, self peer.ID) (*roster, error) {
	r := &roster{epoch: epoch, committee: committee, own: -1, indices: make(map[peer.ID]types.Member, committee.Len())}
	for i, m := range committee.Members() {
		id, err := PeerIDOf(m.Key)
		if err != nil {
			return nil, fmt.Errorf("gossip: committee member %d: %w", i, err)
		}
		r.members = append(r.members, id)
		r.indices[id] = types.Member(i)
		if id == self {
			r.own = i
		}
	}
	return r, nil
}

// live is the committees between which vertices travel: that of the newest epoch known and, while it may still be at
// work, the one before. It is replaced as a whole, never changed.
type live struct {
	newest, before *roster           // either may be nil
	links          map[peer.ID]*link // one to each other member of the rosters that this node is in
}

func (l *live) rosters() []*roster {
	return slices.DeleteFunc([]*roster{l.newest, l.before}, func(r *roster) bool { return r == nil })
}

// of returns the roster of an epoch, nil if it is not live.
func (l *live) of(e types.Epoch) *roster {
	for _, r := range l.rosters() {
		if r.epoch == e {
			return r
		}
	}
	return nil
}

func (l *live) member(p peer.ID) bool {
	for _, r := range l.rosters() {
		if _, ok := r.indices[p]; ok {
			return true
		}
	}
	return false
}

// directCommittee is up to how many members batches go from member to member without being passed on between them. Beyond
// it the mesh of a member that passes on what a peer outside the committee sent does not hold most of the others.
const directCommittee = 8

// everyoneHas reports whether a batch that this node got from a peer need not be passed on: both are members of a small
// committee that is wholly connected. Who publishes sends to every peer it knows, so the others have the batch already,
// and passing it on would send each batch as often again as there are members. What such a member did withhold comes
// with the vertices that receipt it.
func (l *live) everyoneHas(from peer.ID) bool {
	r := l.newest
	if r == nil || r.own < 0 || len(r.members) > directCommittee {
		return false
	}
	if _, ok := r.indices[from]; !ok {
		return false
	}
	for _, id := range r.members {
		if link := l.links[id]; link != nil && !link.connectedNow() {
			return false
		}
	}
	return true
}

// SetCommittee tells of an epoch's committee as soon as it is known. Streams to its members are opened; the epoch before
// stays live until the one after is told. What is not newer than the newest epoch told is ignored.
func (g *Gossip) SetCommittee(epoch types.Epoch, committee *types.Committee) error {
	g.liveMu.Lock()
	defer g.liveMu.Unlock()
	old := g.live.Load()
	if old.newest != nil && epoch <= old.newest.epoch {
		return nil
	}
	newest, err := newRoster(epoch, committee, g.self)
	if err != nil {
		return err
	}
	next := &live{newest: newest, links: make(map[peer.ID]*link)}
	if old.newest != nil && old.newest.epoch+1 == epoch {
		next.before = old.newest
	}
	for _, r := range next.rosters() {
		for _, id := range r.members {
			if r.own < 0 || id == g.self || next.links[id] != nil {
				continue
			}
			if next.links[id] = old.links[id]; next.links[id] == nil {
				next.links[id] = newLink(id, g.cfg.PushQueueBytes)
			}
		}
	}
	g.live.Store(next)
	select {
	case g.replaced <- struct{}{}:
	default:
	}
	return nil
}

// Reaches reports whether push streams are open to members of the epoch that make a quorum together with this node, which
// must be one of them.
func (g *Gossip) Reaches(epoch types.Epoch) bool {
	now := g.live.Load()
	r := now.of(epoch)
	if r == nil || r.own < 0 {
		return false
	}
	stake := r.committee.Stake(types.Member(r.own))
	for m, id := range r.members {
		if l := now.links[id]; l != nil && l.connectedNow() {
			stake += r.committee.Stake(types.Member(m))
		}
	}
	return stake >= r.committee.Quorum()
}
