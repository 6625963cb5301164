package consensus

import (
	"bytes"
	"container/heap"
	"crypto/sha256"

	"github.com/etherscale/bedrock/types"
)

// fairOrder is a function of the committed sequence alone: it takes the appended vertices one by one and says which
// batches leave, at which fair time.
type fairOrder struct {
	committee *types.Committee
	seed      types.Hash
	f, quorum types.Stake

	watermark     []types.Time // by member: the maximum time over its appended vertices
	excluded      []bool
	excludedStake types.Stake

	live     map[types.BatchID]*tally
	done     repeats  // completed batches
	unopened []*tally // in order of their first receipt
	open     []*tally // in order of opening
	cursor   []int    // by member: it has an entry for every batch before open[cursor]
	bounds   boundHeap
	ready    readyHeap
	theta    types.Time
	scratch  []weighted

	counters *Counters
}

// tally is what the sequence says about one batch that has not left.
type tally struct {
	id       types.BatchID
	first    types.Round // round of the slot that appended the first receipt
	opened   types.Round // c: round of the slot that appended the opening receipt; 0: not open
	entries  []Entry     // by member
	present  memberSet
	explicit types.Stake // of the authors with an explicit receipt
	entered  types.Stake
	bound    types.Time // no fair time below this any more
	complete bool
	void     bool
	fairTime types.Time
	tie      types.Hash
}

// fairOutput is what one appended vertex brings about.
type fairOutput struct {
	void     []types.BatchID
	released []Released
}

func newFairOrder(c *types.Committee, seed types.Hash, start types.Time, window types.Round, counters *Counters) *fairOrder {
	o := &fairOrder{
		committee: c, seed: seed, f: c.F(), quorum: c.Quorum(),
		watermark: make([]types.Time, c.Len()), excluded: make([]bool, c.Len()),
		live: make(map[types.BatchID]*tally), done: newRepeats(window),
		cursor: make([]int, c.Len()), theta: start, scratch: make([]weighted, c.Len()), counters: counters,
	}
	for i := range o.watermark {
		o.watermark[i] = start
	}
	return o
}

// append takes the next vertex of the sequence, appended by the commit of a slot of round by. twin says that another
// vertex of its author and round was appended before. The steps and their order are the protocol's (design, section 11).
func (o *fairOrder) append(n *node, by types.Round, index uint64, twin bool) (fairOutput, error) {
	var out fairOutput
	o.done.forget(by)
	out.void = o.expire(by)
	author := n.ref.Author
	if twin && !o.excluded[author] {
		if err := o.exclude(author); err != nil {
			return out, err
		}
	}
	if !o.excluded[author] {
		touched := o.explicitReceipts(n, by)
		touched = o.implicitReceipts(n, touched)
		o.watermark[author] = max(o.watermark[author], n.v.Time())
		o.completions(touched)
	}
	if err := o.raiseTheta(); err != nil {
		return out, err
	}
	out.released = o.releases(by, index)
	o.compact()
	return out, nil
}

// incomplete reports whether the tally still moves theta.
func (t *tally) incomplete() bool { return !t.complete && !t.void }

// expire forgets the batches that did not open within the horizon. First receipts come in order of slots, so the oldest
// are in front.
func (o *fairOrder) expire(by types.Round) []types.BatchID {
	var void []types.BatchID
	for len(o.unopened) > 0 {
		t := o.unopened[0]
		if t.opened == 0 && by < t.first+Horizon {
			break
		}
		o.unopened = o.unopened[1:]
		if t.opened != 0 {
			continue
		}
		t.void = true
		delete(o.live, t.id)
		void = append(void, t.id)
		o.counters.Voids++
	}
	return void
}

// exclude takes an author with two appended vertices of one round out of everything that is not complete.
func (o *fairOrder) exclude(author types.Member) error {
	o.excluded[author] = true
	o.watermark[author] = maxTime
	o.excludedStake += o.committee.Stake(author)
	o.counters.Exclusions++
	if o.excludedStake > o.f {
		return &ConflictError{What: "authors with more than f stake have two vertices of one round in the sequence"}
	}
	for _, list := range [][]*tally{o.unopened, o.open} {
		for _, t := range list {
			if t.incomplete() && t.present.has(author) {
				o.drop(t, author)
			}
		}
	}
	return nil
}

// drop removes an excluded author's entry. A batch that is open stays open, and its unopened form may still be listed in
// unopened: then it is skipped there, for its entry is gone.
func (o *fairOrder) drop(t *tally, author types.Member) {
	stake := o.committee.Stake(author)
	t.present.remove(author)
	t.entered -= stake
	if t.entries[author].Explicit {
		t.explicit -= stake
	}
}

// explicitReceipts counts the vertex's own receipts and opens batches.
func (o *fairOrder) explicitReceipts(n *node, by types.Round) []*tally {
	var touched []*tally
	for _, r := range n.v.Body().Receipts {
		if o.done.ignores(r.Batch, n.ref.Round) {
			continue
		}
		t := o.live[r.Batch]
		if t == nil {
			t = o.begin(r.Batch, by)
		}
		if t.present.has(n.ref.Author) {
			continue
		}
		o.enter(t, n, r.Time, true)
		if t.opened == 0 && t.explicit > o.f {
			t.opened = by
			o.open = append(o.open, t)
			o.counters.Openings++
		}
		touched = append(touched, t)
	}
	return touched
}

func (o *fairOrder) begin(id types.BatchID, by types.Round) *tally {
	t := &tally{id: id, first: by, entries: make([]Entry, len(o.watermark)), present: newMemberSet(len(o.watermark))}
	o.live[id] = t
	o.unopened = append(o.unopened, t)
	t.bound = o.lowerBound(nil)
	heap.Push(&o.bounds, t)
	return t
}

// enter gives the author its one entry. Its time never lies below the author's watermark, so bounds never fall.
func (o *fairOrder) enter(t *tally, n *node, at types.Time, explicit bool) {
	a := n.ref.Author
	t.entries[a] = Entry{Author: a, Time: max(at, o.watermark[a]), Explicit: explicit, Vertex: n.ref}
	t.present.add(a)
	stake := o.committee.Stake(a)
	t.entered += stake
	if explicit {
		t.explicit += stake
	}
}

// implicitReceipts gives the author entries for all batches that opened at least two rounds below the vertex: it has
// the slot's vertex among its ancestors, so the author held the body. Batches open in order of slots, so a cursor per
// author suffices.
func (o *fairOrder) implicitReceipts(n *node, touched []*tally) []*tally {
	a := n.ref.Author
	for o.cursor[a] < len(o.open) {
		t := o.open[o.cursor[a]]
		if n.ref.Round < t.opened+2 {
			break
		}
		o.cursor[a]++
		if t.complete || t.present.has(a) {
			continue
		}
		o.enter(t, n, n.v.Time(), false)
		o.counters.ImplicitEntries++
		touched = append(touched, t)
	}
	return touched
}

// completions freezes the fair time of the batches that now have a quorum of entries.
func (o *fairOrder) completions(touched []*tally) {
	for _, t := range touched {
		if t.opened == 0 || t.complete || t.entered < o.quorum {
			continue
		}
		t.complete = true
		values := o.scratch[:0]
		for a := range t.entries {
			if m := types.Member(a); t.present.has(m) {
				values = append(values, weighted{uint64(t.entries[a].Time), o.committee.Stake(m)})
			}
		}
		t.fairTime = types.Time(quantile(values, o.f))
		t.tie = tieOf(o.seed, t.id)
		delete(o.live, t.id)
		o.done.completed(t.id)
		heap.Push(&o.ready, t)
	}
}

func tieOf(seed types.Hash, id types.BatchID) types.Hash {
	return sha256.Sum256(append(append(make([]byte, 0, 68), seed[:]...), id[:]...))
}

// releases takes the complete batches below theta in order of (fair time, tie).
func (o *fairOrder) releases(by types.Round, index uint64) []Released {
	var out []Released
	for len(o.ready) > 0 && o.ready[0].fairTime < o.theta {
		t := heap.Pop(&o.ready).(*tally)
		r := Released{Batch: t.id, FairTime: t.fairTime, Index: index}
		for a := range t.entries {
			if t.present.has(types.Member(a)) {
				r.Entries = append(r.Entries, t.entries[a])
			}
		}
		o.done.released(t.id, by)
		out = append(out, r)
	}
	return out
}

// compact drops complete batches from the list of open ones once they are the larger part of it.
func (o *fairOrder) compact() {
	if len(o.open) < 64 || len(o.open) < 2*len(o.live) {
		return
	}
	kept := make([]*tally, 0, len(o.live))
	moved := make([]int, len(o.open)+1) // new index of the first kept batch from the old index on
	for i, t := range o.open {
		moved[i] = len(kept)
		if !t.complete {
			kept = append(kept, t)
		}
	}
	moved[len(o.open)] = len(kept)
	for a, at := range o.cursor {
		o.cursor[a] = moved[at]
	}
	o.open = kept
}

// readyHeap orders complete batches by (fair time, tie).
type readyHeap []*tally

func (h readyHeap) Len() int { return len(h) }
func (h readyHeap) Less(i, j int) bool {
	if h[i].fairTime != h[j].fairTime {
		return h[i].fairTime < h[j].fairTime
	}
	return bytes.Compare(h[i].tie[:], h[j].tie[:]) < 0
}
func (h readyHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *readyHeap) Push(x any)   { *h = append(*h, x.(*tally)) }
func (h *readyHeap) Pop() any     { return popLast((*[]*tally)(h)) }

func popLast(list *[]*tally) *tally {
	last := len(*list) - 1
	t := (*list)[last]
	(*list)[last] = nil
	*list = (*list)[:last]
	return t
}
