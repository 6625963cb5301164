package brute

import (
	"sort"

	"github.com/etherscale/bedrock/types"
)

// Released is a batch that left the fair order.
type Released struct {
	Batch types.BatchID
	T     types.Time
	After int // index of the appended vertex
}

// FairCounts says how often the rarer rules of the fair order were used.
type FairCounts struct{ Openings, Implicit, Voids, Exclusions, Again int }

// life is one life of a batch, from its first explicit receipt until it is void.
type life struct {
	batch     types.BatchID
	firstSlot types.Round
	entries   map[types.Member]types.Time
	explicit  map[types.Member]bool
	open      bool
	openSlot  types.Round
	complete  bool
	released  bool
	t         types.Time

	releaseSlot types.Round
}

// Fair is the fair order as a function of the committed sequence alone.
type Fair struct {
	setting  Setting
	prefix   []Appended
	lives    []*life // in order of first receipt
	excluded map[types.Member]bool

	Theta    types.Time
	Released []Released
	Counts   FairCounts
}

// ignored: another life of the batch completed, and was not released so long ago that the vertex counts anew.
func (f *Fair) ignored(b types.BatchID, v *types.Vertex) bool {
	for _, l := range f.lives {
		if l.batch == b && l.complete && (!l.released || v.Round() < l.releaseSlot+f.setting.Repeats) {
			return true
		}
	}
	return false
}

// NewFair starts with nothing sequenced.
func NewFair(s Setting) *Fair {
	return &Fair{setting: s.withDefaults(), excluded: map[types.Member]bool{}, Theta: s.Start}
}

// watermark is the maximum time over the author's vertices in the prefix.
func (f *Fair) watermark(a types.Member) types.Time {
	if f.excluded[a] {
		return Forever
	}
	w := f.setting.Start
	for _, p := range f.prefix {
		if p.Vertex.Author() == a {
			w = max(w, p.Vertex.Time())
		}
	}
	return w
}

// Append evaluates every rule for the next vertex of the sequence.
func (f *Fair) Append(next Appended) {
	f.void(next.SlotRound)
	f.exclude(next.Vertex)
	if a := next.Vertex.Author(); !f.excluded[a] {
		f.enter(next)
	}
	f.prefix = append(f.prefix, next)
	f.complete()
	f.theta()
	f.release()
}

func (f *Fair) void(slotRound types.Round) {
	var kept []*life
	for _, l := range f.lives {
		if !l.open && !l.complete && slotRound >= l.firstSlot+64 {
			f.Counts.Voids++
			continue
		}
		kept = append(kept, l)
	}
	f.lives = kept
}

func (f *Fair) exclude(v *types.Vertex) {
	a := v.Author()
	for _, p := range f.prefix {
		if p.Vertex.Author() != a || p.Vertex.Round() != v.Round() || f.excluded[a] {
			continue
		}
		f.excluded[a] = true
		f.Counts.Exclusions++
		for _, l := range f.lives {
			if !l.complete {
				delete(l.entries, a)
				delete(l.explicit, a)
			}
		}
	}
}

func (f *Fair) enter(next Appended) {
	v, a := next.Vertex, next.Vertex.Author()
	w := f.watermark(a)
	for _, r := range v.Body().Receipts {
		if f.ignored(r.Batch, v) {
			continue
		}
		l := f.find(r.Batch)
		if l == nil {
			l = &life{batch: r.Batch, firstSlot: next.SlotRound, entries: map[types.Member]types.Time{}, explicit: map[types.Member]bool{}}
			f.lives = append(f.lives, l)
			f.countAgain(r.Batch)
		}
		if _, has := l.entries[a]; has {
			continue
		}
		l.entries[a] = max(r.Time, w)
		l.explicit[a] = true
		if !l.open && f.stake(l.explicit) > f.setting.Committee.F() {
			l.open, l.openSlot = true, next.SlotRound
			f.Counts.Openings++
		}
	}
	for _, l := range f.lives {
		if _, has := l.entries[a]; has || !l.open || l.complete || v.Round() < l.openSlot+2 {
			continue
		}
		l.entries[a] = max(v.Time(), w)
		f.Counts.Implicit++
	}
}

// countAgain counts lives that follow a completed one.
func (f *Fair) countAgain(b types.BatchID) {
	for _, l := range f.lives {
		if l.batch == b && l.complete {
			f.Counts.Again++
			return
		}
	}
}

// find is the life of the batch that is not complete.
func (f *Fair) find(b types.BatchID) *life {
	for _, l := range f.lives {
		if l.batch == b && !l.complete {
			return l
		}
	}
	return nil
}

func (f *Fair) stake(authors map[types.Member]bool) (sum types.Stake) {
	for a := range authors {
		sum += f.setting.Committee.Stake(a)
	}
	return sum
}

// values is one value per author: its entry in the life, else what absent says.
func (f *Fair) values(l *life, absent func(types.Member) types.Time) []types.Time {
	out := make([]types.Time, f.setting.Committee.Len())
	for i := range out {
		a := types.Member(i)
		if t, has := l.entries[a]; has {
			out[i] = t
		} else {
			out[i] = absent(a)
		}
	}
	return out
}

func (f *Fair) complete() {
	for _, l := range f.lives {
		if !l.open || l.complete {
			continue
		}
		entered := map[types.Member]bool{}
		for a := range l.entries {
			entered[a] = true
		}
		if f.stake(entered) >= f.setting.Committee.Quorum() {
			l.complete = true
			l.t = quantile(f.setting.Committee, f.values(l, func(types.Member) types.Time { return Forever }))
		}
	}
}

func (f *Fair) theta() {
	marks := f.values(&life{}, f.watermark)
	f.Theta = quantile(f.setting.Committee, marks)
	for _, l := range f.lives {
		if !l.complete {
			f.Theta = min(f.Theta, quantile(f.setting.Committee, f.values(l, func(a types.Member) types.Time { return marks[a] })))
		}
	}
}

func (f *Fair) release() {
	var ready []*life
	for _, l := range f.lives {
		if l.complete && !l.released && l.t < f.Theta {
			ready = append(ready, l)
		}
	}
	sort.Slice(ready, func(i, j int) bool {
		if ready[i].t != ready[j].t {
			return ready[i].t < ready[j].t
		}
		a, b := tieBreak(f.setting.Seed, ready[i].batch), tieBreak(f.setting.Seed, ready[j].batch)
		return string(a[:]) < string(b[:])
	})
	for _, l := range ready {
		l.released, l.releaseSlot = true, f.prefix[len(f.prefix)-1].SlotRound
		f.Released = append(f.Released, Released{l.batch, l.t, len(f.prefix) - 1})
	}
}
