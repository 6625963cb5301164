package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/consensus/internal/brute"
	"github.com/etherscale/bedrock/types"
)

var tick = consensus.Tick{}

// blurIfFar: order by time is not judged while a clock is off by more than the tolerated skew.
func (w *world) blurIfFar(by int) {
	if by > FarClock || by < -FarClock {
		w.blur()
	}
}

// checkEnd checks what is checked once, over the whole run.
func (w *world) checkEnd() {
	var longest *node
	for _, n := range w.nodes {
		if !n.honest || n.disk == nil {
			continue
		}
		if n.alive {
			n.checkAccusations()
			n.checkBounds()
		}
		if longest == nil || len(n.disk.order) > len(longest.disk.order) {
			longest = n
		}
	}
	w.checkSpread()
	w.checkFairTimes()
	w.checkLinear()
	if longest == nil {
		return
	}
	w.checkReplay(longest)
	if w.m.n() <= 13 {
		w.checkDefinition(longest)
		for _, n := range w.nodes {
			if n.honest && n.disk != nil && w.failure == nil {
				w.checkCuts(n)
			}
		}
	}
}

// checkAccusations: who has two vertices of one slot in its log has accused their author.
func (n *node) checkAccusations() {
	type slot struct {
		author types.Member
		round  types.Round
	}
	accused := map[types.Member]bool{}
	for _, m := range n.core.Status().Equivocators {
		accused[m] = true
	}
	first := map[slot]types.Hash{}
	for _, v := range n.disk.order {
		s := slot{v.Author(), v.Round()}
		other, known := first[s]
		if known && other != v.Digest() && !accused[s.author] {
			n.w.fail(n, "S4", "member %d has two vertices of round %d in the log and is not accused", s.author, s.round)
		}
		first[s] = v.Digest()
	}
}

// checkSpread: what one honest node could prove when the network was healed, all can prove by now.
func (w *world) checkSpread() {
	for _, n := range w.core() {
		if !n.alive {
			continue
		}
		known := n.core.Status().Equivocators
		for m := range w.m.n() {
			if w.proven[types.Member(m)] && !slices.Contains(known, types.Member(m)) {
				w.fail(n, "S4", "member %d was proven to equivocate before healing, and this node does not know it", m)
			}
		}
	}
}

const (
	// waitingBound is what may wait of one author: pushed vertices, and answers to requests on the way.
	waitingBound = 256 + 2*chaseItems
	// amplification is how often an item that was missing may come; fetchSlack leaves room for short runs.
	amplification = 3
	fetchSlack    = 64
)

func (n *node) checkBounds() {
	if s := n.core.Status(); s.Suspended > waitingBound*n.w.m.n() {
		n.w.fail(n, "S10", "%d vertices wait to be accepted", s.Suspended)
	}
	if n.fetched.brought > amplification*len(n.fetched.wanted)+fetchSlack {
		n.w.fail(n, "S10", "answers brought %d items, %d were missing", n.fetched.brought, len(n.fetched.wanted))
	}
}

// slack is what receipts in one vertex are raised by, besides skew.
const slack = types.Time(20_000)

// never is later than every time of a run.
const never = begin * 2

// skew is how far honest clocks may be apart.
func (w *world) skew() types.Time {
	var low, high int
	for _, c := range w.m.Clocks {
		low, high = min(low, c.By), max(high, c.By)
	}
	return types.Time(high-low) * 1000
}

func (w *world) judged(b *batch) bool { return b.plain && !b.blurred }

// span is when the first and the last honest member could list the batch, in true time; ok says that all could.
func (w *world) span(b *batch) (low, high types.Time, ok bool) {
	ok = true
	low = never
	for _, n := range w.nodes {
		if !n.honest || n.dead() && b.after {
			continue
		}
		at := b.listable[n.member]
		if at == 0 {
			ok = false
			continue
		}
		low, high = min(low, at), max(high, at)
	}
	return low, high, ok
}

// checkFairTimes: a fair time lies inside the honest receive times, up to skew.
func (w *world) checkFairTimes() {
	skew := w.skew()
	for i := range w.truth.released {
		r := &w.truth.released[i]
		b := w.byID[r.Batch]
		if !w.judged(b) {
			continue
		}
		low, high, all := w.span(b)
		if r.FairTime+skew < low || all && r.FairTime > high+skew+slack {
			w.fail(nil, "S6", "the fair time %d of release %d lies outside %d..%d", r.FairTime-begin, i, low-begin, high-begin)
		}
	}
}

// checkLinear: what all honest members had before any had the next comes first, up to skew.
func (w *world) checkLinear() {
	skew := w.skew()
	soonest := never
	for i := len(w.truth.released) - 1; i >= 0; i-- {
		b := w.byID[w.truth.released[i].Batch]
		if !w.judged(b) {
			continue
		}
		low, high, all := w.span(b)
		if low != never && soonest+2*skew+slack < low {
			w.fail(nil, "S6", "release %d, first received at %d, comes before one that all had at %d", i, low-begin, soonest-begin)
		}
		if all {
			soonest = min(soonest, high)
		}
	}
}

// checkReplay: the log gives the same sequence, order and blocks again, whatever its pieces.
func (w *world) checkReplay(n *node) {
	f, err := w.follow(n.disk.order, 7)
	if err != nil {
		w.fail(n, "S8", "the log cannot be replayed: %v", err)
		return
	}
	if len(f.appended) < n.view.appended || len(f.closed) < n.view.closed {
		w.fail(n, "S8", "the replay gives %d vertices and %d blocks, not %d and %d", len(f.appended), len(f.closed), n.view.appended, n.view.closed)
	}
	for i := range min(len(f.appended), len(w.truth.appended)) {
		if f.appended[i] != w.truth.appended[i] {
			w.fail(n, "S8", "the replay has another vertex at %d", i)
			return
		}
	}
	for i := range min(len(f.released), len(w.truth.released)) {
		if !equalReleased(&f.released[i], &w.truth.released[i]) {
			w.fail(n, "S8", "the replay has another release at %d", i)
			return
		}
	}
	for i := range min(len(f.closed), len(w.truth.closed)) {
		if f.closed[i].Header.Digest() != w.truth.closed[i].Header.Digest() {
			w.fail(n, "S8", "the replay has another header %d", i+1)
			return
		}
	}
}

// followed is what a core that only follows says about a log.
type followed struct {
	appended []consensus.Appended
	released []consensus.Released
	closed   []consensus.Closed
	after    []int // length of the sequence after each piece
}

func (w *world) follow(log []*types.Vertex, piece int) (*followed, error) {
	core, err := consensus.New(w.config(-1))
	if err != nil {
		return nil, err
	}
	out := &followed{}
	var step func(consensus.Event)
	step = func(ev consensus.Event) {
		fx := core.Step(w.now.Add(time.Hour), ev)
		out.appended = append(out.appended, fx.Appended...)
		out.released = append(out.released, fx.Released...)
		out.closed = append(out.closed, fx.Closed...)
		for _, id := range fx.Recall {
			b := w.byID[id]
			step(consensus.BatchHeld{ID: b.id, Txs: b.txs, Size: b.size, From: -1})
		}
		for _, e := range fx.Encode {
			step(encodingOf(e))
		}
	}
	for i := 0; i < len(log); i += piece {
		part := log[i:min(i+piece, len(log))]
		for _, v := range part {
			for _, r := range v.Body().Receipts {
				b := w.byID[r.Batch]
				step(consensus.BatchHeld{ID: b.id, Txs: b.txs, Size: b.size, From: -1})
			}
		}
		step(consensus.Restored{Vertices: part})
		out.after = append(out.after, len(out.appended))
	}
	return out, core.Err()
}

// definitionVertices is up to how many vertices of the log the brute-force twin is asked about.
const definitionVertices = 900

// cutVertices is how far into the log random cuts are made, and maxCuts how many cuts there are.
const (
	cutVertices = 300
	maxCuts     = 40
)

// checkDefinition compares the core with the brute-force twin over the first part of the log.
func (w *world) checkDefinition(n *node) {
	log := n.disk.order
	if len(log) > definitionVertices {
		log = log[:definitionVertices]
	}
	if !closedDownwards(log) {
		return
	}
	f, err := w.follow(log, 1)
	if err != nil {
		w.fail(n, "S8", "the log cannot be replayed: %v", err)
		return
	}
	setting := w.setting()
	appended, _ := brute.Sequence(setting, log)
	contents := map[types.BatchID][]brute.Tx{}
	for _, b := range w.batches {
		for _, tx := range b.txs {
			contents[b.id] = append(contents[b.id], brute.Tx{Hash: tx.Hash, Gas: tx.Gas, Size: tx.Size})
		}
	}
	limits := brute.Limits{Interval: w.rules.Interval, Heartbeat: w.rules.Heartbeat, Bytes: w.rules.BlockBytes, Gas: w.rules.BlockGas}
	blocks, fair := brute.Blocks(setting, limits, appended, contents)
	w.compare(n, "sequence", len(appended), len(f.appended), func(i int) bool {
		return appended[i].Vertex.Digest() == f.appended[i].Vertex.Digest && appended[i].SlotRound == f.appended[i].Slot.Round
	})
	w.compare(n, "order", len(fair.Released), len(f.released), func(i int) bool {
		a, b := &fair.Released[i], &f.released[i]
		return a.Batch == b.Batch && a.T == b.FairTime && uint64(a.After) == b.Index
	})
	w.compare(n, "blocks", len(blocks), len(f.closed), func(i int) bool {
		a, b := &blocks[i], &f.closed[i]
		return a.Time == b.Header.Time && uint64(a.After) == b.Header.VertexIndex && len(a.Txs) == len(b.Transactions)
	})
}

// checkCuts compares how far the sequence had come at some cuts of the log: a verdict that comes too early shows there and
// nowhere else.
func (w *world) checkCuts(n *node) {
	log := n.disk.order
	cuts := w.cuts(log)
	if len(cuts) == 0 || !closedDownwards(log[:slices.Max(cuts)]) {
		return
	}
	f, err := w.follow(log[:slices.Max(cuts)], 1)
	if err != nil {
		w.fail(n, "S8", "the log cannot be replayed: %v", err)
		return
	}
	for _, cut := range cuts {
		appended, _ := brute.Sequence(w.setting(), log[:cut])
		if len(appended) != f.after[cut-1] {
			w.fail(n, "S7", "after %d vertices the sequence has %d, by definition %d", cut, f.after[cut-1], len(appended))
			return
		}
	}
}

func (w *world) setting() brute.Setting {
	return brute.Setting{Committee: w.committee, Seed: w.seed, Start: w.parent.Time}
}

// cuts picks a cut at random, and those right behind the second vertices of slots.
func (w *world) cuts(log []*types.Vertex) (out []int) {
	type slot struct {
		author types.Member
		round  types.Round
	}
	rng := stream(w.m.Seed, "cuts")
	if len(log) > 0 {
		out = append(out, 1+rng.IntN(min(len(log), cutVertices)))
	}
	seen := map[slot]bool{}
	for i, v := range log {
		s := slot{v.Author(), v.Round()}
		if seen[s] && len(out) < maxCuts {
			out = append(out, i+1)
		}
		seen[s] = true
	}
	return out
}

func (w *world) compare(n *node, what string, want, got int, equal func(int) bool) {
	for i := range min(want, got) {
		if !equal(i) {
			w.fail(n, "S7", "the %s differs from the definition at %d", what, i)
			return
		}
	}
	if want != got {
		w.fail(n, "S7", "the %s has %d entries, by definition %d", what, got, want)
	}
}

// closedDownwards reports whether all parents are in the log, as the twin needs.
func closedDownwards(log []*types.Vertex) bool {
	in := map[types.Hash]bool{}
	for _, v := range log {
		for _, p := range append(v.StrongParents(), v.Body().Weak...) {
			if !in[p.Digest] {
				return false
			}
		}
		in[v.Digest()] = true
	}
	return true
}

func (f *followed) String() string {
	return fmt.Sprintf("%d vertices, %d releases, %d blocks", len(f.appended), len(f.released), len(f.closed))
}
