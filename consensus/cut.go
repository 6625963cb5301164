package consensus

import (
	"sort"

	"github.com/etherscale/bedrock/types"
)

// cutRounds is how many rounds lie between two cuts: a minute at full pace. Who restarts replays no more than that, and
// what lies below the last cut but one a log need not keep for its own sake.
const cutRounds = 1024

// Cut is the order after all slots of a round, equal at all honest members. NewFrom goes on from it.
type Cut struct {
	Round  types.Round
	Index  uint64     // length of the committed sequence
	Digest types.Hash // CutDigest of State
	State  []byte
}

// noteRecent remembers what was appended above the horizon.
func (c *Core) noteRecent(ref types.VertexRef) {
	c.recent = append(c.recent, ref)
	if len(c.recent) >= 4*Horizon*c.n {
		c.recent = recentAbove(c.recent, c.dag.current-min(Horizon+1, c.dag.current))
	}
}

// recentAbove keeps those of rounds above r.
func recentAbove(list []types.VertexRef, r types.Round) []types.VertexRef {
	kept := make([]types.VertexRef, 0, len(list))
	for _, ref := range list {
		if ref.Round > r {
			kept = append(kept, ref)
		}
	}
	return kept
}

// takeCut notes the state when the last slot of a round has just been taken, if it is such a round.
func (c *Core) takeCut() {
	if c.err != nil || c.dag.position != 0 || (c.dag.current-1)%c.windows.Cuts != 0 {
		return
	}
	state := c.cutState(c.dag.current - 1).encode()
	if len(state) <= MaxCutBytes {
		c.fx.Cut = &Cut{Round: c.dag.current - 1, Index: c.sequenced, Digest: CutDigest(state), State: state}
	}
}

// Held lists the bodies that the core may ask its driver about, or have ordered in a block that the sequence does not
// certify yet: in blocks, in the queue for them, and not released. After NewFrom it lists what is to be handed over.
func (c *Core) Held() []types.BatchID {
	var out []types.BatchID
	listed := make(map[types.BatchID]bool)
	add := func(id types.BatchID) {
		if !listed[id] {
			listed[id] = true
			out = append(out, id)
		}
	}
	for h := c.seals.height + 1; h <= c.certs.closed; h++ {
		for _, tx := range c.unsealed[h].txs {
			add(tx.Batch)
		}
	}
	for _, id := range c.Unordered() {
		add(id)
	}
	for _, list := range [][]*tally{c.fair.unopened, c.fair.open, c.fair.ready} {
		for _, t := range list {
			if _, owed := c.owed[t.id]; owed {
				add(t.id)
			}
		}
	}
	return out
}

func (c *Core) cutState(round types.Round) *cutState {
	s := &cutState{
		Version: cutVersion, Network: c.cfg.Network, Epoch: c.cfg.Epoch, Seed: c.cfg.Seed, Round: round, Sequenced: c.sequenced,
		Recent: recentAbove(c.recent, round-min(Horizon, round)),
		Fair:   c.fair.cut(), Blocks: c.blocks.cut(), Headers: c.cutHeaders(),
		Verdicts: c.verdicts.cut(), Rewards: c.epoch.rewards, Active: bitmapOf(c.epoch.active), Announced: c.epoch.announced,
	}
	return s
}

func bitmapOf(set []bool) types.Bitmap {
	b := types.NewBitmap(len(set))
	for i, in := range set {
		if in {
			b.Set(types.Member(i))
		}
	}
	return b
}

func (o *fairOrder) cut() cutFair {
	s := cutFair{Watermarks: o.watermark, Excluded: bitmapOf(o.excluded), Theta: o.theta}
	for _, t := range o.unopened {
		if t.opened == 0 && t.incomplete() {
			s.Unopened = append(s.Unopened, t.cut())
		}
	}
	moved := make([]uint64, len(o.open)+1) // index in s.Open of the first incomplete one from here on
	for i, t := range o.open {
		moved[i] = uint64(len(s.Open))
		if t.incomplete() {
			s.Open = append(s.Open, t.cut())
		}
	}
	moved[len(o.open)] = uint64(len(s.Open))
	for _, at := range o.cursor {
		s.Cursors = append(s.Cursors, moved[at])
	}
	ready := append(readyHeap(nil), o.ready...)
	sort.Sort(ready)
	for _, t := range ready {
		s.Ready = append(s.Ready, t.cut())
	}
	for _, r := range o.done.release {
		if o.done.by[r.id] == r.by {
			s.Released = append(s.Released, cutRepeat{r.id, r.by})
		}
	}
	return s
}

func (t *tally) cut() cutTally {
	s := cutTally{ID: t.id, First: t.first, Opened: t.opened, FairTime: t.fairTime}
	t.present.each(nil, func(m types.Member) { s.Entries = append(s.Entries, t.entries[m]) })
	return s
}

func (q *blockQueue) cut() cutBlocks {
	s := cutBlocks{Previous: q.seen.previous.bytes(), Current: q.seen.current.bytes(), Boundary: q.boundary, Parent: q.parent}
	for _, x := range q.queue {
		s.Queue = append(s.Queue, cutQueued{x.ref, x.tx, x.fairTime})
	}
	return s
}

func (g *generation) bytes() []byte {
	out := make([]byte, 0, 32*len(g.order))
	for _, h := range g.order {
		out = append(out, h[:]...)
	}
	return out
}

func (c *Core) cutHeaders() cutHeaders {
	s := cutHeaders{Sealed: c.seals.height, Digests: c.seals.digests, Signed: c.seals.signed}
	for h := s.Sealed + 1; h <= c.certs.closed; h++ {
		b := c.unsealed[h]
		s.Closed = append(s.Closed, cutClosed{b.header.Time, b.header.VertexIndex, b.header.VertexDigest, b.txs})
	}
	for h, votes := range c.seals.votes {
		for m, v := range votes {
			if v != nil {
				s.Votes = append(s.Votes, cutVote{h, types.Member(m), v.Digest, v.Signature})
			}
		}
	}
	sort.Slice(s.Votes, func(i, j int) bool {
		a, b := &s.Votes[i], &s.Votes[j]
		return a.Height < b.Height || a.Height == b.Height && a.Member < b.Member
	})
	return s
}
