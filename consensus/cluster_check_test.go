package consensus

import (
	"bytes"
	"fmt"
	"sort"
	"testing"
	"time"

	"github.com/etherscale/bedrock/types"
)

// check compares the honest nodes: sequences, releases and blocks are prefixes of one another, keys ascend, nobody ever
// signed two vertices of a round.
func (c *cluster) check() {
	c.t.Helper()
	var longest *testNode
	for _, n := range c.nodes {
		if !n.hidden && n.core != nil && (longest == nil || len(n.appended) > len(longest.appended)) {
			longest = n
		}
	}
	for _, n := range c.nodes {
		if n.hidden || n.core == nil {
			continue
		}
		samePrefix(c.t, "appended", n.appended, longest.appended, func(a Appended) string { return fmt.Sprint(a) })
		samePrefix(c.t, "released", n.released, longest.released, func(r Released) string { return fmt.Sprint(r) })
		samePrefix(c.t, "closed", n.closed, longest.closed, func(b Closed) string { return fmt.Sprint(b.Header.Digest(), b.Transactions) })
		c.checkNode(n)
	}
}

func (c *cluster) checkNode(n *testNode) {
	c.t.Helper()
	for i := 1; i < len(n.released); i++ {
		a, b := n.released[i-1], n.released[i]
		ta, tb := tieOf(c.seed, a.Batch), tieOf(c.seed, b.Batch)
		if a.FairTime > b.FairTime || a.FairTime == b.FairTime && bytes.Compare(ta[:], tb[:]) >= 0 {
			c.t.Fatalf("node %d releases %d after %d", n.index, b.FairTime, a.FairTime)
		}
	}
	for i, ch := range n.certified {
		if ch.Header.Height != c.parent.Height+types.Height(i+1) {
			c.t.Fatalf("node %d certifies height %d at place %d", n.index, ch.Header.Height, i+1)
		}
		if c.committee.StakeOf(ch.Certificate.Signers) < c.committee.Quorum() {
			c.t.Fatalf("certificate of %d without a quorum", ch.Header.Height)
		}
		if ch.Header.Digest() != n.closed[i].Header.Digest() {
			c.t.Fatalf("node %d certifies another header %d than it built", n.index, ch.Header.Height)
		}
	}
	rounds := map[types.Round]types.Hash{}
	for _, v := range n.log {
		if int(v.Author()) != n.member {
			continue
		}
		if other, ok := rounds[v.Round()]; ok && other != v.Digest() {
			c.t.Fatalf("node %d has two own vertices of round %d", n.index, v.Round())
		}
		rounds[v.Round()] = v.Digest()
	}
}

func samePrefix[T any](t testing.TB, what string, a, b []T, show func(T) string) {
	t.Helper()
	for i := range min(len(a), len(b)) {
		if show(a[i]) != show(b[i]) {
			t.Fatalf("%s %d differs: %s and %s", what, i, show(a[i]), show(b[i]))
		}
	}
}

// honestRange is when the first and the last honest member received a batch, by their clocks.
func (c *cluster) honestRange(id types.BatchID) (types.Time, types.Time) {
	low, high := maxTime, types.Time(0)
	for _, x := range c.nodes {
		if at, ok := x.received[id]; ok && !x.hidden {
			low, high = min(low, at), max(high, at)
		}
	}
	return low, high
}

// inRange checks that fair times lie inside the honest receive times (raised by 1 us for each receipt before).
func (c *cluster) inRange(n *testNode) {
	c.t.Helper()
	for _, r := range n.released {
		if low, high := c.honestRange(r.Batch); r.FairTime < low || r.FairTime > high+1000 {
			c.t.Errorf("fair time %d of %s is outside %d..%d", r.FairTime, r.Batch, low, high)
		}
	}
}

// linear checks that x is released before y if every honest member received x before any received y.
func (c *cluster) linear(n *testNode) {
	c.t.Helper()
	for i, y := range n.released {
		_, high := c.honestRange(y.Batch)
		for _, x := range n.released[:i] {
			if low, _ := c.honestRange(x.Batch); high+1000 < low {
				c.t.Errorf("%s came before %s, which every honest member received earlier", x.Batch, y.Batch)
			}
		}
	}
}

// missing lists the batches a node has not released.
func (n *testNode) missing() []types.BatchID {
	var out []types.BatchID
	for id := range n.c.bodies {
		if _, ok := n.at[id]; !ok {
			out = append(out, id)
		}
	}
	return out
}

// latency is the quantile q of the time from the first receipt to the release at the node.
func (c *cluster) latency(n *testNode, q float64) time.Duration {
	var all []types.Time
	for id, at := range n.at {
		first := maxTime
		for _, x := range c.nodes {
			if t, ok := x.heard[id]; ok {
				first = min(first, t)
			}
		}
		all = append(all, at-first)
	}
	if len(all) == 0 {
		return 0
	}
	sort.Slice(all, func(i, j int) bool { return all[i] < all[j] })
	return time.Duration(all[int(q*float64(len(all)-1))]) * time.Microsecond
}
