package consensus

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/etherscale/bedrock/types"
)

// verdictOn is verdict k on a key.
func verdictOn(key byte, k int) types.Verdict {
	return types.Verdict{Challenge: types.BatchIDOf(binary.BigEndian.AppendUint64([]byte{key}, uint64(k))), Kind: 1, Accused: types.PublicKey{key}}
}

// verdictsOn are so many verdicts, each on a key of its own.
func verdictsOn(from, count int) (out []types.Verdict) {
	for k := from; k < from+count; k++ {
		v := verdictOn(0, k)
		binary.BigEndian.PutUint64(v.Accused[:], uint64(k))
		out = append(out, v)
	}
	return out
}

// TestLimitOfStatements: of one member 256 statements are counted at a time, the newest ones; nobody else's are touched.
func TestLimitOfStatements(t *testing.T) {
	for more, forgotten := range []bool{false, true} {
		d := newVerdicts(testCommittee(t, equalStakes(4)...))
		honest := verdictsOn(0, 1)
		d.count(1, honest)
		d.count(0, honest)
		d.count(0, verdictsOn(1, 255+more))
		if d.says(0, &honest[0]) == forgotten || !d.says(1, &honest[0]) || len(d.said[0]) != 256 {
			t.Errorf("%d more statements: counted %v, of the other member %v, %d in all", 255+more, d.says(0, &honest[0]), d.says(1, &honest[0]), len(d.said[0]))
		}
		d.count(2, honest)
		d.count(3, honest)
		if !d.waiting() {
			t.Error("three statements of four members do not count")
		}
		d.exclude(0)
		if len(d.said[0]) != 0 || len(d.tallies) != 0 {
			t.Errorf("%d statements are left of a member that is excluded, in %d tallies", len(d.said[0]), len(d.tallies))
		}
	}
}

// TestLimitOfVerdictsOnOneKey: an epoch lists 16 verdicts on a key, and each once.
func TestLimitOfVerdictsOnOneKey(t *testing.T) {
	d := newVerdicts(testCommittee(t, equalStakes(4)...))
	for k := range 20 {
		for range 2 {
			for m := range types.Member(4) {
				d.count(m, []types.Verdict{verdictOn(1, k)})
			}
		}
	}
	if len(d.due) != 16 {
		t.Errorf("%d verdicts on one key", len(d.due))
	}
	if over := verdictOn(1, 99); !d.over(&over) {
		t.Error("a further one would count")
	}
}

// TestLimitsOfListing: a header lists 64 in the order in which they became due; while 1024 wait nothing more is counted.
func TestLimitsOfListing(t *testing.T) {
	d := newVerdicts(testCommittee(t, equalStakes(4)...))
	all := verdictsOn(0, 1025)
	for _, v := range all {
		for m := range types.Member(3) {
			d.count(m, []types.Verdict{v})
		}
	}
	if len(d.due) != 1024 || len(d.tallies) != 0 {
		t.Fatalf("%d are due, %d stated", len(d.due), len(d.tallies))
	}
	for h := types.Height(1); h <= 2; h++ {
		list := d.list(h)
		if len(list) != 64 || list[0] != all[64*(h-1)] || list[63] != all[64*h-1] {
			t.Errorf("block %d lists %d", h, len(list))
		}
		if again := d.listedAt(h); len(again) != 64 || again[0] != list[0] {
			t.Errorf("block %d listed %d", h, len(again))
		}
	}
	if d.accusedAbove(1, all[63].Accused) || !d.accusedAbove(1, all[64].Accused) || d.accusedAbove(0, all[200].Accused) {
		t.Error("accusedAbove does not follow the blocks")
	}
	for m := range types.Member(3) {
		d.count(m, all[1024:])
	}
	if len(d.due) != 1025 {
		t.Error("with room again nothing is counted")
	}
}

// TestVerdictsByStake: what is due goes by stake, word for word.
func TestVerdictsByStake(t *testing.T) {
	d := newVerdicts(testCommittee(t, 1, 1, 1, 4))
	v, other := verdictOn(1, 1), verdictOn(1, 1)
	other.Payee[0] = 1
	for m := range types.Member(3) {
		d.count(m, []types.Verdict{v})
	}
	d.count(3, []types.Verdict{other})
	if d.waiting() {
		t.Fatal("three members with 3 of 7 stake suffice, or other words count")
	}
	d.count(3, []types.Verdict{v})
	if list := d.list(1); len(list) != 1 || list[0] != v {
		t.Fatalf("listed %v", list)
	}
}

// TestLimitOfOwnVerdicts: 256 own statements wait, 64 go into a vertex, in order; one that its vertex lost goes into another.
func TestLimitOfOwnVerdicts(t *testing.T) {
	d := newDrawer(t, 4, 0)
	all := verdictsOn(0, 257)
	for _, v := range all {
		d.core.uphold(v)
		d.core.uphold(v)
	}
	d.core.uphold(types.Verdict{Accused: types.PublicKey{1}}) // names no challenge
	if len(d.core.upheld) != 256 {
		t.Fatalf("%d wait", len(d.core.upheld))
	}
	said := map[types.Verdict]bool{}
	for r := types.Round(1); r <= 4; r++ {
		list := d.core.ownVerdicts()
		v := types.NewVertex(types.VertexID{Version: types.Version, Round: r}, types.VertexBody{Verdicts: list})
		for i := range list {
			if i > 0 && list[i-1].Compare(&list[i]) >= 0 || said[list[i]] {
				t.Fatal("not ascending, or said twice")
			}
			said[list[i]] = true
		}
		d.core.verdictsCarried(&node{v: v, ref: v.Ref()})
		if len(list) != 64 {
			t.Fatalf("vertex %d has %d", r, len(list))
		}
		if r == 1 {
			defer func() {
				if d.core.verdictsLost(v.Digest()); len(d.core.ownVerdicts()) != 64 {
					t.Error("what a lost vertex said is not said again")
				}
			}()
		}
	}
	if left := d.core.ownVerdicts(); len(left) != 0 {
		t.Errorf("%d are said again at once", len(left))
	}
	d.core.now += 9_999_999
	if !d.core.hastens() {
		t.Error("within 10 s nothing hurries")
	}
	if d.core.now = d.core.now.Add(time.Microsecond); d.core.hastens() {
		t.Error("after 10 s a statement of few still keeps the pace")
	}
}
