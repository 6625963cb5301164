package consensus

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/etherscale/bedrock/types"
)

// convict has so many members uphold a challenge against a member.
func (c *cluster) convict(accused, by int) {
	v := verdictOn(0, accused)
	v.Accused = c.committee.Member(types.Member(accused)).Key
	for _, n := range c.nodes[:by] {
		n.step(Upheld{v})
	}
}

// TestConvictedLateIsLeftOut: of whom the state still names, those stay away whose bond a verdict took after the state was read,
// if 4 are left. Whom an earlier verdict concerns is the state's to leave out.
func TestConvictedLateIsLeftOut(t *testing.T) {
	for _, x := range []struct {
		name        string
		members, by int
		at          types.Height // closed when the challenge is upheld
		convicted   []int
		want        []int
	}{
		{"late", 6, 5, 6, []int{5}, []int{0, 1, 2, 3, 4}},
		{"two", 6, 5, 6, []int{5, 0}, []int{1, 2, 3, 4}},
		{"three of six, none can go", 6, 5, 6, []int{5, 0, 1}, []int{0, 1, 2, 3, 4, 5}},
		{"early", 6, 5, 1, []int{5}, []int{0, 1, 2, 3, 4, 5}},
		{"by f+1 only", 7, 3, 6, []int{5}, []int{0, 1, 2, 3, 4, 5, 6}},
	} {
		t.Run(x.name, func(t *testing.T) {
			committee := testCommittee(t, equalStakes(x.members)...)
			c := epochCluster(t, 74, committee, committee.Members())
			c.startAll()
			c.load(0, 300, 10*time.Millisecond)
			c.run(100 * time.Millisecond)
			for c.nodes[0].core.Status().Height < x.at {
				c.run(5 * time.Millisecond)
			}
			for _, accused := range x.convicted {
				c.convict(accused, x.by)
			}
			c.run(4 * time.Second)
			c.check()
			var want []types.CommitteeMember
			for _, i := range x.want {
				want = append(want, committee.Member(types.Member(i)))
			}
			if got := c.nodes[0].lastHeader().Next.Committee; !slices.Equal(got, want) {
				t.Errorf("next committee %v, want %v", got, want)
			}
			listed := 0
			for _, b := range c.nodes[0].closed {
				listed += len(b.Header.Verdicts)
				if early := b.Header.Height <= testEpoch-CommitteeLookback; len(b.Header.Verdicts) > 0 && early != (x.at == 1) {
					t.Errorf("listed at height %d", b.Header.Height)
				}
			}
			if want := len(x.convicted); x.by > 3 && listed != want || x.by == 3 && listed != 0 {
				t.Errorf("%d verdicts are listed", listed)
			}
		})
	}
}

// TestWhoSignsNoHeaderEarnsNothing: its vertices count from when it signs.
func TestWhoSignsNoHeaderEarnsNothing(t *testing.T) {
	committee := testCommittee(t, equalStakes(4)...)
	rewards := func(unwilling bool, again time.Duration) []uint64 {
		c := epochCluster(t, 75, committee, committee.Members())
		c.rules.EpochLength = 40
		c.nodes[2].unwilling = unwilling
		c.startAll()
		c.load(0, 450, 10*time.Millisecond)
		c.after(again, func() { c.nodes[2].unwilling = false })
		c.run(6 * time.Second)
		c.check()
		certified := c.nodes[0].certified
		if len(certified) != 40 {
			t.Fatalf("%d headers", len(certified))
		}
		c.checkRewards(certified[39].Header)
		return certified[39].Header.Next.Rewards
	}
	honest, half, never := rewards(false, 0)[2], rewards(true, 2*time.Second)[2], rewards(true, time.Hour)[2]
	if !(never == 0 && half < honest && half*100 > 30*honest) {
		t.Errorf("it earns %d, signing from the middle on %d, never %d", honest, half, never)
	}
	t.Log(honest, half, never)
}

// TestVerdictsOverRestarts: a verdict that was stated and not due before everybody restarts is counted from the log, and said
// again it is listed once; an idle committee lists it at the next boundary.
func TestVerdictsOverRestarts(t *testing.T) {
	for seed := range uint64(4) {
		c := newCluster(t, 80+seed, testCommittee(t, equalStakes(4)...))
		c.configure = func(_ *testNode, cfg *Config) { cfg.Windows.Cuts = 8 }
		c.startAll()
		c.load(0, 60, 10*time.Millisecond)
		c.run(time.Second)
		c.convict(3, 2)
		c.load(100, 60, 10*time.Millisecond)
		c.run(time.Duration(100+400*seed) * time.Millisecond)
		for _, n := range c.nodes {
			n.crash()
		}
		c.startAll()
		c.run(12 * time.Second) // heartbeats
		for _, n := range c.nodes {
			for _, b := range n.closed {
				if len(b.Header.Verdicts) > 0 {
					t.Fatalf("seed %d: two of four suffice", seed)
				}
			}
		}
		said := c.now
		c.convict(3, 3)
		c.run(5 * time.Second)
		c.check()
		for _, n := range c.nodes {
			var at []types.Time
			for _, ch := range n.certified {
				for range ch.Header.Verdicts {
					at = append(at, ch.Header.Time)
				}
			}
			if len(at) != 1 || at[0] > said.Add(1500*time.Millisecond) {
				t.Errorf("seed %d, node %d: listed %v after %d", seed, n.index, at, said)
			}
		}
	}
}

// TestNextCommitteeGivesItselfAgain: an auditor, who has no state, gives what the last header says for what the state said, or
// nothing if the old committee stays, and finds the same.
func TestNextCommitteeGivesItselfAgain(t *testing.T) {
	rng, members := rand.New(rand.NewPCG(1, 1)), testCommittee(t, equalStakes(9)...).Members()
	changed := 0
	for range 4000 {
		all := members[:5+rng.IntN(5)]
		old, err := types.NewCommittee(all[:4+rng.IntN(len(all)-3)])
		if err != nil {
			t.Fatal(err)
		}
		core, err := New(Config{Committee: old, Self: -1, Rules: Rules{Interval: 1, Heartbeat: 1, BlockBytes: 1, BlockGas: 1, EpochLength: 20}})
		if err != nil {
			t.Fatal(err)
		}
		for i := range core.epoch.active {
			core.epoch.active[i] = rng.IntN(4) > 0
		}
		var named []types.CommitteeMember
		for i, m := range all {
			if rng.IntN(8) > 0 {
				named = append(named, m)
			}
			if rng.IntN(4) == 0 {
				core.verdicts.becomeDue(dueVerdict{verdict: types.Verdict{Kind: uint64(i), Accused: m.Key}})
				core.verdicts.list(types.Height(11 + i))
			}
		}
		core.epoch.input = &NextEpoch{Committee: named}
		next := core.nextCommittee()
		if !slices.Equal(next, named) {
			changed++
		}
		core.epoch.input = &NextEpoch{Committee: next}
		if slices.Equal(next, old.Members()) {
			core.epoch.input.Committee = nil
		}
		if again := core.nextCommittee(); !slices.Equal(again, next) {
			t.Fatalf("%d named, %d of the old committee at work: %d next, and of these %d", len(named), len(old.Members()), len(next), len(again))
		}
	}
	if changed < 500 {
		t.Errorf("only %d times somebody was left out", changed)
	}
}
