package consensus

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/etherscale/bedrock/types"
)

// The pictures: one line a round, one word a vertex: its author, a colon, the authors of its parents in the round
// before. "A'" is a twin of A; as a parent it means the twin. The committee is A..D.
var commitCases = []struct {
	name    string
	picture []string
	want    map[string]string // slot -> verdict, for the slots listed
}{
	{"direct commit after three rounds", []string{
		"A B C D", "A:ABCD B:ABCD C:ABCD D:ABCD", "A:ABCD B:ABCD C:ABCD"},
		map[string]string{"A1": "commit direct", "B1": "commit direct", "C1": "commit direct", "D1": "commit direct", "A2": "undecided"}},
	{"no commit by two certificates", []string{
		"A B C D", "A:ABCD B:ABCD C:ABCD D:ABCD", "A:ABCD B:ABCD"},
		map[string]string{"A1": "undecided"}},
	{"direct skip by a quorum of blames", []string{
		"A B C", "A:ABC B:ABC C:ABC"},
		map[string]string{"D1": "skip direct", "A1": "undecided"}},
	{"two blames skip nothing", []string{
		"A B C D", "A:ABC B:ABC C:BCD"},
		map[string]string{"D1": "undecided"}},
	{"half-published, certified below the anchor: indirect commit", []string{
		"A B C D",
		"A:ABCD B:ABCD C:BCD D:ABCD", // A, B and D vote for A1
		"A:ABD B:BCD C:ABCD D:BCD",   // only A certifies A1, and C with A, B, D
		"A:ABCD B:ABCD C:ABCD D:ABCD",
		"A:ABCD B:ABCD C:ABCD D:ABCD",
		"A:ABCD B:ABCD C:ABCD D:ABCD"},
		map[string]string{"A1": "commit indirect", "B1": "commit direct"}},
	{"half-published, never certified: indirect skip", []string{
		"A B C D",
		"A:ABCD B:ABCD C:BCD D:BCD", // two vote for A1, two blame it
		"A:ABCD B:ABCD C:ABCD D:ABCD",
		"A:ABCD B:ABCD C:ABCD D:ABCD",
		"A:ABCD B:ABCD C:ABCD D:ABCD",
		"A:ABCD B:ABCD C:ABCD D:ABCD"},
		map[string]string{"A1": "skip indirect", "B1": "commit direct"}},
	{"half-published, no anchor yet: undecided", []string{
		"A B C D",
		"A:ABCD B:ABCD C:BCD D:BCD",
		"A:ABCD B:ABCD C:ABCD D:ABCD",
		"A:ABCD B:ABCD C:ABCD D:ABCD",
		"A:ABCD B:ABCD C:ABCD D:ABCD"},
		map[string]string{"A1": "undecided", "B1": "commit direct"}},
	{"twins: the certified one is committed", []string{
		"A A' B C D",
		"A:ABCD B:ABCD C:A'BCD D:ABCD",
		"A:ABD B:ABCD C:ABCD D:ABD"},
		map[string]string{"A1": "commit direct"}},
	{"twins: split votes skip both", []string{
		"A A' B C D",
		"A:ABCD B:ABCD C:A'BCD D:A'BCD",
		"A:ABCD B:ABCD C:ABCD D:ABCD",
		"A:ABCD B:ABCD C:ABCD D:ABCD",
		"A:ABCD B:ABCD C:ABCD D:ABCD",
		"A:ABCD B:ABCD C:ABCD D:ABCD"},
		map[string]string{"A1": "skip indirect"}},
	{"a twin voter counts once", []string{
		"A B C D",
		"A:ABCD A':ABCD B:ABC C:ABCD",
		"B:ABC C:A'BC D:ABC"},
		map[string]string{"D1": "undecided"}},
}

// picture gives the drawn vertices to the core.
func (d *drawer) picture(lines []string) {
	byName := map[string]*types.Vertex{}
	for i, line := range lines {
		round := types.Round(i + 1)
		for _, word := range strings.Fields(line) {
			name, parents, _ := strings.Cut(word, ":")
			var list []*types.Vertex
			for _, p := range splitNames(parents) {
				list = append(list, byName[fmt.Sprint(p, round-1)])
			}
			v := d.draw(types.Member(name[0]-'A'), round, list, marked(uint64(len(name))))
			byName[fmt.Sprint(name, round)] = v
			if fx := d.step(VertexReceived{Vertex: v, From: v.Author(), Asked: true}); len(fx.Rejected) > 0 {
				d.t.Fatalf("%s of round %d: %v", word, round, fx.Rejected[0].Reason)
			}
		}
	}
}

func splitNames(s string) []string {
	var out []string
	for _, r := range s {
		if r == '\'' {
			out[len(out)-1] += "'"
		} else {
			out = append(out, string(r))
		}
	}
	return out
}

func (d *drawer) verdict(slotName string) string {
	r := d.core.dag.round(types.Round(slotName[1] - '0'))
	s := &r.slots[slotName[0]-'A']
	how := map[bool]string{true: " direct", false: " indirect"}[s.direct]
	switch s.verdict {
	case committed:
		return "commit" + how
	case skipped:
		return "skip" + how
	}
	return "undecided"
}

func TestCommitRule(t *testing.T) {
	for _, x := range commitCases {
		t.Run(x.name, func(t *testing.T) {
			d := newDrawer(t, 4, -1)
			d.picture(x.picture)
			if err := d.core.Err(); err != nil {
				t.Fatal(err)
			}
			for slotName, want := range x.want {
				if got := d.verdict(slotName); got != want {
					t.Errorf("%s: %s, want %s", slotName, got, want)
				}
			}
		})
	}
}

// TestMoreThanFFaultsStopTheCore: verdicts that contradict each other end in an error with evidence, not in a choice.
func TestMoreThanFFaultsStopTheCore(t *testing.T) {
	cases := map[string][]string{
		"both twins certified": {
			"A A' B C D",
			"A:ABC B:ABC C:ABC A':A'BC B':A'BC C':A'BC D:ABC",
			"A:ABC B:ABC C:ABC A':A'B'C' B':A'B'C' C':A'B'C'"},
		"skipped and certified": {
			"A B C D",
			"A:ABC B:ABC C:ABC A':ABCD B':ABCD C':ABCD",
			"A:A'B'C' B:A'B'C' C:A'B'C'"},
	}
	for name, picture := range cases {
		t.Run(name, func(t *testing.T) {
			d := newDrawer(t, 4, -1)
			d.picture(picture)
			var conflict *ConflictError
			if err := d.core.Err(); !errors.As(err, &conflict) || len(conflict.Vertices) == 0 {
				t.Fatalf("error %v, want a conflict with evidence", err)
			}
			if fx := d.give(d.draw(3, 1, nil, marked(77))); len(fx.Persist)+len(fx.Appended) != 0 {
				t.Error("the stopped core goes on")
			}
		})
	}
}

// TestRestartAboveALostRound: a node that lost its log makes nothing up to the bound, and goes on above it.
func TestRestartAboveALostRound(t *testing.T) {
	d := newDrawer(t, 4, 0)
	d.core.draft, d.core.started = nil, false
	parents := d.round(1, nil)[1:]
	d.step(Start{Above: 5})
	for r := types.Round(2); ; r++ {
		if d.core.draft != nil && d.core.draft.Round() <= 5 {
			t.Fatalf("made round %d", d.core.draft.Round())
		}
		d.give(parents...)
		d.now = d.now.Add(2 * time.Second)
		d.step(Tick{})
		if r == 9 {
			break
		}
		var next []*types.Vertex
		for a := types.Member(1); a < 4; a++ {
			next = append(next, d.draw(a, r, parents))
		}
		parents = next
	}
	v := d.core.draft
	if v == nil || v.Round() < 6 {
		t.Fatalf("made %v", v)
	}
	if v.Body().Parents.Has(0) || len(v.Body().Weak) != 0 {
		t.Error("it names a vertex of its own that nobody has")
	}
}

// TestGapRule: rounds may be left out only where all slots two below are decided.
func TestGapRule(t *testing.T) {
	d := newDrawer(t, 4, 0)
	own := d.core.draft.WithSignature(types.Signature{})
	d.step(Signed{Digest: own.Digest()})
	others := d.round(1, nil)[1:]
	for r := types.Round(2); r <= 12; r++ {
		for _, v := range others {
			d.step(VertexReceived{Vertex: v, From: v.Author(), Asked: true})
		}
		if draft := d.core.draft; draft != nil && r > 2 {
			decided := d.core.dag.current - 1
			for left := own.Round() + 1; left < draft.Round(); left++ {
				if left > decided+2 {
					t.Fatalf("round %d is left out, decided is %d", left, decided)
				}
			}
			if draft.Round() > own.Round()+1 && (len(draft.Body().Weak) != 1 || draft.Body().Weak[0] != own.Ref()) {
				t.Fatalf("after a gap the own newest vertex is no weak parent: %+v", draft.Body())
			}
		}
		// The draft is never signed while the others go on; at last it is.
		if r == 11 && d.core.draft != nil {
			own = d.core.draft.WithSignature(types.Signature{})
			d.step(Signed{Digest: own.Digest()})
		}
		var next []*types.Vertex
		for a := types.Member(1); a < 4; a++ {
			next = append(next, d.draw(a, r, others))
		}
		others = next
	}
	d.give(others...)
	d.now = d.now.Add(2 * time.Second)
	d.step(Tick{})
	if d.core.draft == nil || d.core.draft.Round() < 11 || len(d.core.draft.Body().Weak) == 0 {
		t.Fatalf("no vertex over the gap: %+v, decided %d", d.core.draft, d.core.dag.current-1)
	}
}

// TestManyMembers has more members than a word has bits, a third of them silent.
func TestManyMembers(t *testing.T) {
	d := newDrawer(t, 70, -1)
	appended := 0
	var parents []*types.Vertex
	for r := types.Round(1); r <= 5; r++ {
		var next []*types.Vertex
		for a := types.Member(23); a < 70; a++ {
			next = append(next, d.draw(a, r, parents))
		}
		fx := d.give(next...)
		if len(fx.Rejected) > 0 {
			t.Fatal(fx.Rejected[0].Reason)
		}
		appended += len(fx.Appended)
		parents = next
	}
	if k := d.core.Counters(); k.DirectCommit != 3*47 || k.DirectSkip < 3*23 || appended != 3*47 {
		t.Errorf("%d appended, %+v", appended, k)
	}
}
