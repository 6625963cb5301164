package sim

import (
	"slices"

	"github.com/etherscale/bedrock/consensus/internal/brute"
	"github.com/etherscale/bedrock/types"
)

// definitionVertices is up to how many vertices of the log the brute-force twin is asked about.
const definitionVertices = 900

// cutVertices is how far into the log random cuts are made, and maxCuts how many cuts there are.
const (
	cutVertices = 300
	maxCuts     = 40
)

// checkDefinition compares the core with the brute-force twin over the first part of the log.
func (e *era) checkDefinition(n *node) {
	w := e.w
	log := n.disk.order
	if len(log) > definitionVertices {
		log = log[:definitionVertices]
	}
	if !closedDownwards(log) {
		return
	}
	f, err := e.follow(log, 1)
	if err != nil {
		w.fail(n, "S8", "the log cannot be replayed: %v", err)
		return
	}
	setting := e.setting()
	appended, _ := brute.Sequence(setting, log)
	contents := map[types.BatchID][]brute.Tx{}
	for _, b := range w.batches {
		for _, tx := range b.txs {
			contents[b.id] = append(contents[b.id], brute.Tx{Hash: tx.Hash, Gas: tx.Gas, Size: tx.Size})
		}
	}
	limits := brute.Limits{Interval: w.rules.Interval, Heartbeat: w.rules.Heartbeat, Bytes: w.rules.BlockBytes, Gas: w.rules.BlockGas}
	blocks, fair := brute.Blocks(setting, limits, appended, contents)
	blocks, released := e.untilLast(blocks, fair)
	w.compare(n, "sequence", len(appended), len(f.appended), func(i int) bool {
		return appended[i].Vertex.Digest() == f.appended[i].Vertex.Digest && appended[i].SlotRound == f.appended[i].Slot.Round
	})
	w.compare(n, "order", len(released), len(f.released), func(i int) bool {
		a, b := &released[i], &f.released[i]
		return a.Batch == b.Batch && a.T == b.FairTime && uint64(a.After) == b.Index
	})
	w.compare(n, "blocks", len(blocks), len(f.closed), func(i int) bool {
		a, b := &blocks[i], &f.closed[i]
		return a.Time == b.Header.Time && uint64(a.After) == b.Header.VertexIndex && len(a.Txs) == len(b.Transactions) &&
			slices.Equal(a.Verdicts, b.Header.Verdicts)
	})
}

// checkCuts compares how far the sequence had come at some cuts of the log: a verdict that comes too early shows there and
// nowhere else.
func (e *era) checkCuts(n *node) {
	w := e.w
	log := n.disk.order
	cuts := e.cuts(log)
	if len(cuts) == 0 || !closedDownwards(log[:slices.Max(cuts)]) {
		return
	}
	f, err := e.follow(log[:slices.Max(cuts)], 1)
	if err != nil {
		w.fail(n, "S8", "the log cannot be replayed: %v", err)
		return
	}
	for _, cut := range cuts {
		appended, _ := brute.Sequence(e.setting(), log[:cut])
		if len(appended) != f.after[cut-1] {
			w.fail(n, "S7", "after %d vertices the sequence has %d, by definition %d", cut, f.after[cut-1], len(appended))
			return
		}
	}
}

// untilLast leaves out what the definition would go on with if the epoch did not end.
func (e *era) untilLast(blocks []brute.Block, fair *brute.Fair) ([]brute.Block, []brute.Released) {
	length := int(e.w.rules.EpochLength)
	if length == 0 || len(blocks) < length {
		return blocks, fair.Released
	}
	blocks = blocks[:length]
	released := fair.Released
	for len(released) > 0 && released[len(released)-1].After > blocks[length-1].After {
		released = released[:len(released)-1]
	}
	return blocks, released
}

func (e *era) setting() brute.Setting {
	return brute.Setting{Committee: e.committee, Seed: e.seed, Start: e.parent.Time,
		Repeats: e.w.windows().Repeats, Transactions: e.w.windows().Transactions}
}

// cuts picks a cut at random, and those right behind the second vertices of slots.
func (e *era) cuts(log []*types.Vertex) (out []int) {
	type slot struct {
		author types.Member
		round  types.Round
	}
	rng := stream(e.w.m.Seed, "cuts")
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
