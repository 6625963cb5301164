package consensus

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/etherscale/bedrock/consensus/internal/brute"
	"github.com/etherscale/bedrock/types"
)

const testEpoch = 12 // blocks

// epochCluster runs one epoch of 12 blocks of 100 ms; the state names the given members as the next committee.
func epochCluster(t testing.TB, seed uint64, committee *types.Committee, next []types.CommitteeMember, twins ...int) *cluster {
	c := newCluster(t, seed, committee, twins...)
	c.rules.Interval, c.rules.Heartbeat, c.rules.EpochLength = 100_000, 1_000_000, testEpoch
	c.next = func() NextEpoch {
		return NextEpoch{Committee: next, SettledHeight: 3, SettledClaim: types.Hash{8}}
	}
	return c
}

// lastHeader is the end of the epoch as a node certified it.
func (n *testNode) lastHeader() types.Header {
	n.c.t.Helper()
	if len(n.certified) != testEpoch {
		n.c.t.Fatalf("node %d certified %d headers, want %d; %+v", n.index, len(n.certified), testEpoch, n.core.Status())
	}
	return n.certified[testEpoch-1].Header
}

// TestEpochEnds: all members close and certify the same last header, order nothing after it, and begin the next epoch
// with what was left.
func TestEpochEnds(t *testing.T) {
	forSizes(t, func(t *testing.T, n int) {
		committee := testCommittee(t, equalStakes(n)...)
		c := epochCluster(t, 71, committee, committee.Members())
		c.startAll()
		c.load(0, 400, 10*time.Millisecond)
		c.run(5 * time.Second)
		c.check()
		last := c.nodes[0].lastHeader()
		if last.Height != testEpoch || last.Next == nil {
			t.Fatalf("last header %+v", last)
		}
		for _, x := range c.nodes {
			if s := x.core.Status(); !s.Ended || s.Last != testEpoch || s.Busy || len(x.closed) != testEpoch {
				t.Errorf("node %d: %d blocks closed, %+v", x.index, len(x.closed), s)
			}
			if other := x.lastHeader(); other.Digest() != last.Digest() {
				t.Errorf("node %d certified another last header", x.index)
			}
			for _, ch := range x.certified[:testEpoch-1] {
				if ch.Header.Next != nil {
					t.Errorf("header %d ends an epoch", ch.Header.Height)
				}
			}
		}
		c.checkRewards(last)
		c.checkPaceAfterEnd()
		c.nextEpoch(t, last).checkEverythingOrdered(c)
	})
}

// checkRewards counts the sequence up to the closing vertex anew.
func (c *cluster) checkRewards(last types.Header) {
	c.t.Helper()
	n := c.nodes[0]
	var sequence []brute.Appended
	for _, a := range n.appended[:last.VertexIndex+1] {
		sequence = append(sequence, brute.Appended{Vertex: n.byDigest[a.Vertex.Digest]})
	}
	var blocks []brute.Closed
	for i := range n.closed {
		blocks = append(blocks, brute.Closed{After: int(n.closed[i].Header.VertexIndex), Header: n.closed[i].Header.Digest()})
	}
	want := make([]uint64, c.committee.Len())
	for i, signs := range brute.Signing(c.committee, c.parent.Height, sequence, blocks) {
		if signs {
			want[sequence[i].Vertex.Author()]++
		}
	}
	if !slices.Equal(want, last.Next.Rewards) {
		c.t.Errorf("rewards %v, want %v", last.Next.Rewards, want)
	}
}

// checkPaceAfterEnd: nothing is left to do but heartbeats.
func (c *cluster) checkPaceAfterEnd() {
	c.t.Helper()
	before, released := c.nodes[0].roundsMade, len(c.nodes[0].released)
	c.run(5 * time.Second)
	if made := c.nodes[0].roundsMade - before; made < 3 || made > 8 {
		c.t.Errorf("%d rounds in 5 s after the end, want heartbeats", made)
	}
	if len(c.nodes[0].released) != released {
		c.t.Errorf("batches left fair order after the end")
	}
}

// nextEpoch starts the cores of the next epoch with the batches that the old ones have left.
func (c *cluster) nextEpoch(t *testing.T, last types.Header) *cluster {
	committee, err := types.NewCommittee(last.Next.Committee)
	if err != nil {
		t.Fatal(err)
	}
	next := epochCluster(t, 99, committee, last.Next.Committee)
	next.now, next.epoch, next.parent, next.seed = c.now, 1, last, types.EpochSeed(last.Encode())
	next.bodies, next.configure = c.bodies, c.configure
	for i, n := range next.nodes {
		n.start()
		for _, id := range c.nodes[i].core.Unordered() {
			n.hold(id, -1, true)
		}
	}
	return next
}

func (c *cluster) checkEverythingOrdered(old *cluster) {
	c.t.Helper()
	c.run(1500 * time.Millisecond)
	in := map[types.BatchID]int{}
	for _, blocks := range [][]Closed{old.nodes[0].closed, c.nodes[0].closed} {
		for _, b := range blocks {
			for _, tx := range b.Transactions {
				in[tx.Batch]++
			}
		}
	}
	for id := range c.bodies {
		if in[id] != 1 {
			c.t.Fatalf("%s is in %d blocks", id, in[id])
		}
	}
	for i, b := range c.nodes[0].closed {
		if b.Header.Epoch != 1 || b.Header.Height != testEpoch+1+types.Height(i) || b.Header.Time <= old.nodes[0].closed[testEpoch-1].Header.Time {
			c.t.Fatalf("block %d of the new epoch: %+v", i, b.Header)
		}
	}
	c.check()
}

// TestEpochEndsWithFSilent: the last header gathers its certificate, and a member silent in the second half is left out.
func TestEpochEndsWithFSilent(t *testing.T) {
	committee := testCommittee(t, equalStakes(7)...)
	c := epochCluster(t, 72, committee, committee.Members())
	c.startAll()
	c.load(0, 400, 10*time.Millisecond)
	c.run(300 * time.Millisecond)
	c.nodes[2].crash()
	c.nodes[5].crash()
	c.run(5 * time.Second)
	c.check()
	var want []types.CommitteeMember
	for i, m := range committee.Members() {
		if i != 2 && i != 5 {
			want = append(want, m)
		}
	}
	if got := c.nodes[0].lastHeader().Next.Committee; !slices.Equal(got, want) {
		t.Errorf("next committee %v, want %v", got, want)
	}
}

// TestNextCommittee: the old committee stays where fewer than 4 are left, or the state names none.
func TestNextCommittee(t *testing.T) {
	committee := testCommittee(t, equalStakes(4)...)
	all := committee.Members()
	raised := committee.Members()
	raised[1].Stake = 9
	for _, test := range []struct {
		name    string
		named   []types.CommitteeMember
		crashed bool
		want    []types.CommitteeMember
		refused uint64
	}{
		{"the same", all, false, all, 0},
		{"another stake", raised, false, raised, 0},
		{"three", all[:3], false, all, 0},
		{"one of four silent", raised, true, all, 0},
		{"nobody", nil, false, all, 1},
		{"unsorted", []types.CommitteeMember{all[1], all[0], all[2], all[3]}, false, all, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := epochCluster(t, 73, committee, test.named)
			c.startAll()
			if test.crashed {
				c.after(200*time.Millisecond, c.nodes[3].crash)
			}
			c.load(0, 300, 10*time.Millisecond)
			c.run(4 * time.Second)
			if got := c.nodes[0].lastHeader().Next.Committee; !slices.Equal(got, test.want) {
				t.Errorf("next committee %v, want %v", got, test.want)
			}
			if got := c.nodes[0].core.Counters().CommitteesRefused; got != test.refused {
				t.Errorf("%d committees refused, want %d", got, test.refused)
			}
		})
	}
}

// TestLastHeaderWaitsForTheState: blocks below it are certified meanwhile, and the question comes again after a restart.
func TestLastHeaderWaitsForTheState(t *testing.T) {
	committee := testCommittee(t, equalStakes(4)...)
	c := epochCluster(t, 74, committee, committee.Members())
	for _, n := range c.nodes {
		n.mute = true
	}
	c.startAll()
	c.load(0, 400, 10*time.Millisecond)
	c.run(5 * time.Second)
	for _, n := range c.nodes {
		if s := n.core.Status(); len(n.certified) != testEpoch-1 || !s.Ended || !s.Busy || !slices.Equal(n.asked, []types.Height{4}) {
			t.Fatalf("node %d certified %d headers, asked %v; %+v", n.index, len(n.certified), n.asked, s)
		}
		n.crash()
	}
	for _, n := range c.nodes {
		n.mute = false
	}
	c.startAll()
	c.run(2 * time.Second)
	c.check()
	for _, n := range c.nodes {
		n.lastHeader()
	}
}

// TestRuleVersionIsRaised by a quorum of announcements, and a core that does not know it refuses to start.
func TestRuleVersionIsRaised(t *testing.T) {
	committee := testCommittee(t, equalStakes(4)...)
	for _, test := range []struct {
		known []uint64
		want  uint64
	}{{[]uint64{1, 1, 1, 1}, 1}, {[]uint64{3, 2, 5, 2}, 2}, {[]uint64{3, 3, 5, 1}, 3}, {[]uint64{9, 9, 1, 1}, 1}} {
		t.Run(fmt.Sprint(test.known), func(t *testing.T) {
			c := epochCluster(t, 75, committee, committee.Members())
			c.configure = func(n *testNode, cfg *Config) { cfg.RuleVersion = test.known[n.member] }
			c.startAll()
			c.load(0, 400, 10*time.Millisecond)
			c.run(4 * time.Second)
			last := c.nodes[0].lastHeader()
			if last.Next.RuleVersion != test.want {
				t.Fatalf("rule version %d, want %d", last.Next.RuleVersion, test.want)
			}
			for _, known := range test.known {
				cfg := Config{Network: last.Network, Epoch: 1, Committee: committee, Seed: types.EpochSeed(last.Encode()), Self: -1,
					Parent: last, Rules: c.rules, RuleVersion: known}
				if _, err := New(cfg); errors.Is(err, ErrRuleVersion) != (known < test.want) {
					t.Errorf("a program that knows version %d: %v", known, err)
				}
			}
		})
	}
}

// TestConfigOfALaterEpoch: what follows from the header before is checked.
func TestConfigOfALaterEpoch(t *testing.T) {
	committee := testCommittee(t, equalStakes(4)...)
	parent := testParent()
	parent.Height, parent.Next = 12, &types.EpochEnd{Committee: committee.Members(), Rewards: make([]uint64, 4), RuleVersion: 1}
	good := Config{Network: parent.Network, Epoch: 1, Committee: committee, Seed: types.EpochSeed(parent.Encode()), Self: 0, Parent: parent,
		Rules: Rules{Interval: 1, Heartbeat: 1, BlockBytes: 1, BlockGas: 1, EpochLength: 12, RuleVersion: 1}}
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Config){
		"another epoch":     func(c *Config) { c.Epoch = 2 },
		"no last header":    func(c *Config) { c.Parent.Next = nil },
		"another seed":      func(c *Config) { c.Seed[0]++ },
		"another committee": func(c *Config) { c.Committee = testCommittee(t, equalStakes(5)...) },
		"too short":         func(c *Config) { c.Rules.EpochLength = CommitteeLookback },
	} {
		cfg := good
		spoil(&cfg)
		if _, err := New(cfg); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
