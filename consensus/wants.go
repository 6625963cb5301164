package consensus

import (
	"slices"

	"github.com/etherscale/bedrock/types"
)

// want is an item that suspended vertices wait for.
type want struct {
	isBody  bool
	ref     types.VertexRef // of a vertex
	body    types.BatchID
	waiters []*suspended
	ask     []types.Member // whom to ask, best first; the rest of the committee follows
	tries   int
	due     types.Time
	done    bool
}

// wants are the missing items and the vertices that wait.
type wants struct {
	vertices map[types.Hash]*want
	bodies   map[types.BatchID]*want
	list     []*want // in order of first need
	due      types.Time
	rest     types.Time // no scan before
	paidAt   types.Time // when creditRate was paid last
	waiting  map[types.Member][]*suspended
}

func newWants() wants {
	return wants{vertices: make(map[types.Hash]*want), bodies: make(map[types.BatchID]*want),
		waiting: make(map[types.Member][]*suspended)}
}

func (w *wants) wantsVertex(digest types.Hash) bool {
	x := w.vertices[digest]
	return x != nil && x.alive()
}

// alive reports whether somebody still waits.
func (x *want) alive() bool {
	for _, s := range x.waiters {
		if !s.dead {
			return true
		}
	}
	return false
}

func (x *want) suggest(m types.Member) {
	for _, have := range x.ask {
		if have == m {
			return
		}
	}
	x.ask = append(x.ask, m)
}

// vertex notes that s waits for a parent: its author is asked first, then those who reference it.
func (w *wants) vertex(ref types.VertexRef, s *suspended, due types.Time) {
	x := w.vertices[ref.Digest]
	if x == nil {
		x = &want{ref: ref, due: due}
		x.suggest(ref.Author)
		w.vertices[ref.Digest] = x
		w.insert(x)
	}
	x.join(s)
}

// body notes that s waits for a body.
func (w *wants) body(id types.BatchID, s *suspended, due types.Time) {
	x := w.bodies[id]
	if x == nil {
		x = &want{isBody: true, body: id, due: due}
		w.bodies[id] = x
		w.insert(x)
	}
	x.join(s)
}

func (x *want) join(s *suspended) {
	x.suggest(s.v.Author())
	x.suggest(s.from)
	x.waiters = append(x.waiters, s)
}

func (w *wants) insert(x *want) {
	w.list = append(w.list, x)
	if w.due == 0 || x.due < w.due {
		w.due = x.due
	}
}

// vertexArrived ends the wait for a vertex and returns who waited.
func (w *wants) vertexArrived(digest types.Hash) []*suspended {
	x := w.vertices[digest]
	if x == nil {
		return nil
	}
	delete(w.vertices, digest)
	x.done = true
	return x.waiters
}

// bodyArrived ends the wait for a body and returns who waited.
func (w *wants) bodyArrived(id types.BatchID) []*suspended {
	x := w.bodies[id]
	if x == nil {
		return nil
	}
	delete(w.bodies, id)
	x.done = true
	return x.waiters
}

// belowHorizon ends the wait for vertices that are not needed any more.
func (w *wants) belowHorizon(needed func(types.Round) bool) []*suspended {
	var freed []*suspended
	for _, x := range w.list {
		if !x.done && !x.isBody && !needed(x.ref.Round) {
			freed = append(freed, w.vertexArrived(x.ref.Digest)...)
		}
	}
	return freed
}

// clean drops what has arrived, what nobody waits for any more, and of the rest those that do not wait any more: a liar may
// list in every vertex one item that never comes.
func (w *wants) clean() {
	kept := w.list[:0]
	for _, x := range w.list {
		if !x.done {
			x.waiters = slices.DeleteFunc(x.waiters, func(s *suspended) bool { return s.dead })
		}
		switch {
		case x.done:
		case len(x.waiters) > 0:
			kept = append(kept, x)
		case x.isBody:
			delete(w.bodies, x.body)
		default:
			delete(w.vertices, x.ref.Digest)
		}
	}
	clear(w.list[len(kept):])
	w.list = kept
}

func (w *wants) delayAll(now types.Time) {
	for _, x := range w.list {
		x.due, x.tries = now, 0
	}
	w.due = now
}

// rewind follows a clock that was set back.
func (w *wants) rewind(now types.Time) {
	for _, x := range w.list {
		x.due = min(x.due, now)
	}
	w.due, w.rest, w.paidAt = min(w.due, now), min(w.rest, now), min(w.paidAt, now)
}

func (w *wants) noteSuspended(s *suspended) {
	a := s.v.Author()
	w.waiting[a] = append(w.waiting[a], s)
}

func (w *wants) dropSuspended(s *suspended) {
	list := w.waiting[s.v.Author()]
	for i, x := range list {
		if x == s {
			w.waiting[s.v.Author()] = append(list[:i], list[i+1:]...)
			return
		}
	}
}

func (w *wants) suspendedTwin(v *types.Vertex) *types.Vertex {
	for _, s := range w.waiting[v.Author()] {
		if s.v.Round() == v.Round() && s.v.Digest() != v.Digest() {
			return s.v
		}
	}
	return nil
}

// highestPushed is the last, by round, of what waits of an author's pushes.
func (w *wants) highestPushed(a types.Member) *suspended {
	var highest *suspended
	for _, s := range w.waiting[a] {
		if !s.guest && (highest == nil || s.v.Round() > highest.v.Round()) {
			highest = s
		}
	}
	return highest
}

// sponsors lists who pays for the wait for a vertex, in order of first need.
func (w *wants) sponsors(digest types.Hash) []types.Member {
	x := w.vertices[digest]
	if x == nil {
		return nil
	}
	var sponsors []types.Member
	for _, s := range x.waiters {
		if !s.dead && !slices.Contains(sponsors, s.sponsor) {
			sponsors = append(sponsors, s.sponsor)
		}
	}
	return sponsors
}
