package twins

import (
	"testing"
	"time"
)

// TestAllOfFour plays every scenario of four members: two rounds always, three when there is time.
func TestAllOfFour(t *testing.T) {
	rounds, want := 3, uint64(7076)
	if testing.Short() {
		rounds, want = 2, 241
	}
	s := space(t, 4, rounds)
	var played uint64
	for scenario := range s.All() {
		played++
		play(t, scenario)
	}
	if played != want || s.Count() != want {
		t.Errorf("%d scenarios played, %d counted, want %d", played, s.Count(), want)
	}
}

// TestSample plays scenarios too many to play all.
func TestSample(t *testing.T) {
	limit := 3 * time.Second
	if testing.Short() {
		limit = time.Second
	}
	for _, size := range []struct{ members, rounds int }{{4, 8}, {7, 3}, {7, 8}} {
		start, played := time.Now(), 0
		for scenario := range space(t, size.members, size.rounds).Sample(1) {
			if time.Since(start) > limit/3 && played > 0 {
				break
			}
			play(t, scenario)
			played++
		}
		t.Logf("%d members, %d rounds: %d scenarios", size.members, size.rounds, played)
	}
}

func space(t *testing.T, members, rounds int) *Space {
	t.Helper()
	s, err := NewSpace(members, rounds)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func play(t *testing.T, s Scenario) {
	t.Helper()
	if f := Play(s); f != nil {
		t.Fatalf("%+v: %v", s, f)
	}
}

// TestCount: the enumeration up to renaming has as many scenarios as Burnside's lemma says.
func TestCount(t *testing.T) {
	for _, size := range []struct{ members, rounds int }{{4, 1}, {4, 2}, {4, 3}, {5, 2}, {7, 1}} {
		s := space(t, size.members, size.rounds)
		var sum uint64
		for _, image := range s.image {
			fixed := uint64(0)
			for p := range s.list {
				if int(image[p]) == p {
					fixed++
				}
			}
			product := uint64(1)
			for range size.rounds {
				product *= fixed
			}
			sum += product
		}
		if want := sum / uint64(len(s.image)); s.Count() != want {
			t.Errorf("%d members, %d rounds: %d scenarios, want %d", size.members, size.rounds, s.Count(), want)
		}
	}
}

// TestPartitions: there are as many as there are ways to split so many nodes into at most three parts.
func TestPartitions(t *testing.T) {
	for nodes, want := range map[int]int{5: 1 + 15 + 25, 9: 1 + 255 + 3025} {
		list := partitions(nodes)
		seen := map[Partition]bool{}
		for _, p := range list {
			if err := p.check(nodes); err != nil {
				t.Error(err)
			}
			seen[p] = true
		}
		if len(list) != want || len(seen) != want {
			t.Errorf("%d nodes: %d partitions, %d of them distinct, want %d", nodes, len(list), len(seen), want)
		}
	}
}

// TestEquivocation: twins in different parts do equivocate, and all others learn of it.
func TestEquivocation(t *testing.T) {
	w := newWorld(Scenario{Members: 4, Seed: 1})
	for _, p := range []Partition{"00000", "00001", "00110", "00000", "00000", "00000"} {
		w.turn(p, true)
	}
	if w.failure != nil {
		t.Fatal(w.failure)
	}
	for _, n := range w.nodes {
		if known := n.core.Status().Equivocators; n.honest && (len(known) != 1 || known[0] != 0) {
			t.Errorf("node %d knows %v to equivocate, want member 0", n.index, known)
		}
	}
}

// TestNoQuorum: with a cut that never heals the check of progress fails.
func TestNoQuorum(t *testing.T) {
	w := newWorld(Scenario{Members: 4, Seed: 1})
	for range HealRounds {
		w.turn("01201", true)
	}
	if len(w.truth.appended) > 0 {
		t.Errorf("%d vertices are appended without a quorum", len(w.truth.appended))
	}
}

// TestDecodeRefuses: a scenario that means nothing is not played.
func TestDecodeRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"empty": `{}`, "unknown field": `{"members":4,"depth":1}`, "too many": `{"members":8}`, "short": `{"members":4,"rounds":["0000"]}`,
		"four parts": `{"members":4,"rounds":["01230"]}`, "misnamed": `{"members":4,"rounds":["10000"]}`, "no digit": `{"members":4,"rounds":["0000x"]}`,
	} {
		if _, err := Decode([]byte(text)); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if _, err := Decode([]byte(`{"members":4,"rounds":["01201"],"seed":7}`)); err != nil {
		t.Error(err)
	}
}
