package consensus

import "github.com/etherscale/bedrock/types"

const (
	// repeatRounds is how long a released batch is remembered: receipts in vertices of fewer rounds above the slot that
	// released it say nothing. 4096 rounds are minutes at full pace; whoever lists a batch later must have its body anew.
	repeatRounds = 4096
	// seenTransactions is how many transactions, counted as they are released, make up a generation: repeats are known while
	// the first was in the current generation or the one before. It is what 8,000 a second order in 32 s, when the state
	// of every pool that is not held back (64 blocks) refuses a repeat by its nonce.
	seenTransactions = 1 << 18
)

// Windows are how far back the order remembers what was released, and how often it is cut. Members must agree on them, so every network uses
// the defaults (a zero field); simulations of extreme depths make them small.
type Windows struct {
	Repeats      types.Round // rounds above the releasing slot
	Transactions int         // of a generation
	Cuts         types.Round // rounds between two cuts
}

func (w Windows) withDefaults() Windows {
	if w.Repeats == 0 {
		w.Repeats = repeatRounds
	}
	if w.Transactions == 0 {
		w.Transactions = seenTransactions
	}
	if w.Cuts == 0 {
		w.Cuts = cutRounds
	}
	return w
}

// repeats remembers the batches that completed. Whether a receipt of one of them counts depends on its vertex's round and
// on the sequence alone, so all members ask for the same bodies whenever they look; and what is forgotten lies below
// what can still be appended, so forgetting changes nothing.
type repeats struct {
	window  types.Round
	by      map[types.BatchID]types.Round // round of the slot that released it; waiting until then
	release []repeat                      // in order of release
}

type repeat struct {
	id types.BatchID
	by types.Round
}

// waiting stands for the slot of a batch that is complete and not released.
const waiting = ^types.Round(0)

func newRepeats(window types.Round) repeats {
	return repeats{window: window, by: make(map[types.BatchID]types.Round)}
}

// ignores reports whether a receipt of the batch in a vertex of the round says nothing.
func (r *repeats) ignores(id types.BatchID, round types.Round) bool {
	by, known := r.by[id]
	return known && (by == waiting || round < by+r.window)
}

func (r *repeats) completed(id types.BatchID) { r.by[id] = waiting }

func (r *repeats) released(id types.BatchID, by types.Round) {
	r.by[id] = by
	r.release = append(r.release, repeat{id, by})
}

// forget drops what no vertex that a slot of the round, or a later one, appends can be a repeat of: those lie above
// round - Horizon.
func (r *repeats) forget(round types.Round) {
	for len(r.release) > 0 && r.release[0].by+r.window+Horizon <= round {
		if x := r.release[0]; r.by[x.id] == x.by {
			delete(r.by, x.id)
		}
		r.release = r.release[1:]
	}
}

// seen remembers the transactions released last, in two generations.
type seen struct {
	size              int
	current, previous generation
}

type generation struct {
	order []types.Hash
	in    map[types.Hash]struct{}
}

func newSeen(size int) seen { return seen{size: size, current: newGeneration()} }

func newGeneration() generation { return generation{in: make(map[types.Hash]struct{})} }

func (g *generation) add(h types.Hash) {
	g.order = append(g.order, h)
	g.in[h] = struct{}{}
}

func (s *seen) has(h types.Hash) bool {
	if _, ok := s.current.in[h]; ok {
		return true
	}
	_, ok := s.previous.in[h]
	return ok
}

// add remembers a transaction that is not remembered.
func (s *seen) add(h types.Hash) {
	if len(s.current.order) == s.size {
		s.previous, s.current = s.current, newGeneration()
	}
	s.current.add(h)
}
