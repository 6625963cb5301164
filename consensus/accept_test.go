package consensus

import (
	"errors"
	"testing"
	"time"

	"github.com/etherscale/bedrock/types"
)

// drawer builds vertices by hand for one core that follows (member -1) or takes part.
type drawer struct {
	t         testing.TB
	committee *types.Committee
	core      *Core
	now       types.Time
	vertices  map[types.VertexRef]*types.Vertex
}

func newDrawer(t testing.TB, n, self int) *drawer {
	d := &drawer{t: t, committee: testCommittee(t, equalStakes(n)...), now: testStart + 1_000_000}
	core, err := New(Config{Network: types.NetworkID{5}, Committee: d.committee, Seed: types.Hash{3}, Self: self, Parent: testParent(),
		Rules: Rules{Interval: 500_000, Heartbeat: 10_000_000, BlockBytes: 2 << 20, BlockGas: 60_000_000}})
	if err != nil {
		t.Fatal(err)
	}
	d.core = core
	d.step(Start{})
	return d
}

func (d *drawer) step(ev Event) Effects { return d.core.Step(d.now, ev) }

// change alters a vertex before it is made.
type change func(*types.VertexID, *types.VertexBody)

// draw makes a vertex over the given parents; its time follows its round.
func (d *drawer) draw(author types.Member, round types.Round, parents []*types.Vertex, changes ...change) *types.Vertex {
	id := types.VertexID{Version: types.Version, Network: types.NetworkID{5}, Round: round, Author: author,
		Time: testStart + types.Time(round)*1000}
	body := types.VertexBody{Parents: types.NewBitmap(d.committee.Len())}
	for m := range d.committee.Len() {
		for _, p := range parents {
			if int(p.Author()) == m && p.Round()+1 == round {
				body.Parents.Set(types.Member(m))
				body.ParentDigests = append(body.ParentDigests, p.Digest())
			} else if int(p.Author()) == m {
				body.Weak = append(body.Weak, p.Ref())
			}
		}
	}
	for _, c := range changes {
		c(&id, &body)
	}
	return types.NewVertex(id, body)
}

// round draws a whole round over the given parents.
func (d *drawer) round(r types.Round, parents []*types.Vertex) []*types.Vertex {
	var out []*types.Vertex
	for a := range d.committee.Len() {
		out = append(out, d.draw(types.Member(a), r, parents))
	}
	return out
}

func (d *drawer) give(vertices ...*types.Vertex) Effects {
	var all Effects
	for _, v := range vertices {
		fx := d.step(VertexReceived{Vertex: v, From: v.Author()})
		all.Persist = append(all.Persist, fx.Persist...)
		all.Rejected = append(all.Rejected, fx.Rejected...)
		all.Appended = append(all.Appended, fx.Appended...)
		all.Fetch = append(all.Fetch, fx.Fetch...)
		all.Equivocations = append(all.Equivocations, fx.Equivocations...)
	}
	return all
}

func at(t types.Time) change { return func(id *types.VertexID, _ *types.VertexBody) { id.Time = t } }

func receipt(k byte, t types.Time) change {
	return func(_ *types.VertexID, b *types.VertexBody) {
		b.Receipts = append(b.Receipts, types.Receipt{Batch: types.BatchIDOf([]byte{k}), Time: t})
	}
}

func marked(k uint64) change {
	return func(_ *types.VertexID, b *types.VertexBody) { b.RuleVersion = k }
}

func TestRulesOfAVertex(t *testing.T) {
	first := testStart + 1000 // time of round 1
	cases := []struct {
		name  string
		draw  func(d *drawer, one []*types.Vertex) *types.Vertex
		error error // nil: accepted
	}{
		{"good", func(d *drawer, one []*types.Vertex) *types.Vertex { return d.draw(0, 2, one) }, nil},
		{"time at the previous vertex's", func(d *drawer, one []*types.Vertex) *types.Vertex { return d.draw(0, 2, one, at(first)) }, ErrVertexTime},
		{"time before the parents' quantile", func(d *drawer, one []*types.Vertex) *types.Vertex {
			late := []*types.Vertex{d.draw(0, 1, nil, at(first)), d.draw(1, 1, nil, at(first+500)), d.draw(2, 1, nil, at(first+900))}
			d.give(late...)
			return d.draw(0, 2, late, at(first+499))
		}, ErrVertexTime},
		{"time at the parents' quantile", func(d *drawer, one []*types.Vertex) *types.Vertex {
			late := []*types.Vertex{one[0], one[1], one[2]}
			return d.draw(0, 2, late, at(first+1))
		}, nil},
		{"receipt at the previous vertex's time", func(d *drawer, one []*types.Vertex) *types.Vertex {
			d.step(BatchHeld{ID: types.BatchIDOf([]byte{1}), From: -1})
			return d.draw(0, 2, one, receipt(1, first))
		}, ErrVertexTime},
		{"receipt after the previous vertex's time", func(d *drawer, one []*types.Vertex) *types.Vertex {
			d.step(BatchHeld{ID: types.BatchIDOf([]byte{1}), From: -1})
			return d.draw(0, 2, one, receipt(1, first+1))
		}, nil},
		{"parent of another author than marked", func(d *drawer, one []*types.Vertex) *types.Vertex {
			return d.draw(0, 2, one, func(_ *types.VertexID, b *types.VertexBody) {
				b.ParentDigests[1], b.ParentDigests[2] = b.ParentDigests[2], b.ParentDigests[1]
			})
		}, ErrParent},
		{"two parents short of a quorum", func(d *drawer, one []*types.Vertex) *types.Vertex { return d.draw(0, 2, one[:2]) }, types.ErrInvalidVertex},
		{"another network", func(d *drawer, one []*types.Vertex) *types.Vertex {
			return d.draw(0, 2, one, func(id *types.VertexID, _ *types.VertexBody) { id.Network[0]++ })
		}, types.ErrInvalidVertex},
		{"receipt later than the vertex", func(d *drawer, one []*types.Vertex) *types.Vertex {
			return d.draw(0, 2, one, receipt(1, first+5000))
		}, types.ErrInvalidVertex},
		{"built on a rejected one", func(d *drawer, one []*types.Vertex) *types.Vertex {
			bad := d.draw(1, 2, one, at(first))
			child := d.draw(0, 3, []*types.Vertex{d.draw(0, 2, one), bad, d.draw(2, 2, one)})
			d.give(d.draw(0, 2, one), d.draw(2, 2, one), bad)
			return child
		}, ErrParent},
	}
	for _, x := range cases {
		t.Run(x.name, func(t *testing.T) {
			d := newDrawer(t, 4, -1)
			var one []*types.Vertex
			if x.name != "time before the parents' quantile" {
				one = d.round(1, nil)
				d.give(one...)
			}
			v := x.draw(d, one)
			fx := d.give(v)
			if x.error == nil {
				if len(fx.Persist) != 1 || len(fx.Rejected) != 0 {
					t.Fatalf("not accepted: %+v", fx.Rejected)
				}
				return
			}
			if len(fx.Persist) != 0 || len(fx.Rejected) != 1 || !errors.Is(fx.Rejected[0].Reason, x.error) {
				t.Fatalf("persisted %d, rejected %+v", len(fx.Persist), fx.Rejected)
			}
			if again := d.give(v); len(again.Persist)+len(again.Fetch) != 0 {
				t.Fatal("a refused vertex comes back")
			}
		})
	}
}

// TestI5Acceptance: a vertex waits for its parents and bodies, and is fetched from its author, then from others.
func TestI5AcceptanceWaitsForParentsAndBodies(t *testing.T) {
	d := newDrawer(t, 4, -1)
	one := d.round(1, nil)
	d.give(one[:3]...)
	id := types.BatchIDOf([]byte{1})
	v := d.draw(2, 2, one, receipt(1, testStart+1500))
	if fx := d.give(v); len(fx.Persist) != 0 || len(fx.Fetch) != 0 {
		t.Fatalf("accepted or fetched at once: %+v", fx)
	}
	d.now = d.now.Add(100 * time.Millisecond)
	fx := d.step(Tick{})
	if len(fx.Fetch) != 2 {
		t.Fatalf("fetches %+v, want the parent from its author and the body from the vertex's", fx.Fetch)
	}
	for _, f := range fx.Fetch {
		if len(f.Vertices) == 1 && (f.From[0] != 3 || f.From[1] != 2 || f.Vertices[0] != one[3].Digest()) ||
			len(f.Batches) == 1 && (f.From[0] != 2 || f.Batches[0] != id) {
			t.Errorf("fetch %+v", f)
		}
	}
	if fx.Wake == 0 {
		t.Error("no wish to be woken for the next try")
	}
	d.now = fx.Wake
	again := d.step(Tick{})
	for _, f := range again.Fetch {
		if len(f.Vertices) == 1 && f.From[0] == 3 || len(f.Batches) == 1 && f.From[0] == 2 {
			t.Errorf("the second try asks the same member first: %+v", f)
		}
	}
	if fx := d.step(BatchHeld{ID: id, From: 2}); len(fx.Persist) != 0 {
		t.Fatal("accepted without a parent")
	}
	if fx := d.step(VertexReceived{Vertex: one[3], From: 1, Asked: true}); len(fx.Persist) != 2 || fx.Persist[1] != v {
		t.Fatalf("persisted %d vertices, want the parent and then the vertex", len(fx.Persist))
	}
	if s := d.core.Status(); s.Missing != 0 || s.Suspended != 0 {
		t.Errorf("left over: %+v", s)
	}
}

func TestHoldBack(t *testing.T) {
	d := newDrawer(t, 4, -1)
	early := d.draw(0, 1, nil, at(d.now+500_001))
	if fx := d.give(early); len(fx.Persist) != 0 || len(fx.Rejected) != 0 {
		t.Fatal("a vertex too far ahead is neither accepted nor dropped")
	}
	if s := d.core.Status(); s.Suspended != 1 {
		t.Fatalf("waiting: %d", s.Suspended)
	}
	// A second author near that time, so at least one honest: the local clock must be slow.
	if fx := d.give(d.draw(1, 1, nil, at(d.now+400_000))); len(fx.Persist) != 2 {
		t.Fatalf("persisted %d, want both", len(fx.Persist))
	}
	lone := newDrawer(t, 4, -1)
	lone.give(lone.draw(0, 1, nil, at(lone.now+600_000)))
	fx := lone.step(Tick{})
	if fx.Wake != lone.now+100_000 {
		t.Errorf("wake in %d us, want 100000", fx.Wake-lone.now)
	}
	lone.now = fx.Wake
	if fx := lone.step(Tick{}); len(fx.Persist) != 1 {
		t.Error("not accepted when its time has come")
	}
}

func TestTwinsAreTakenOnlyWhenAskedFor(t *testing.T) {
	d := newDrawer(t, 4, 0)
	one := d.round(1, nil)
	twin := d.draw(3, 1, nil, marked(9))
	d.give(one[1:]...)
	fx := d.give(twin)
	if len(fx.Persist) != 0 || len(fx.Equivocations) != 1 || fx.Equivocations[0].Accused() != 3 {
		t.Fatalf("persist %d, equivocations %+v", len(fx.Persist), fx.Equivocations)
	}
	if fx := d.give(d.draw(3, 2, one[1:])); len(fx.Persist) != 0 {
		t.Error("a vertex of a proven equivocator is taken unasked")
	}
	// Somebody built on the twin: now it is needed.
	child := d.draw(1, 2, []*types.Vertex{one[1], one[2], twin})
	d.give(child)
	if fx := d.step(VertexReceived{Vertex: twin, From: 1, Asked: true}); len(fx.Persist) != 2 {
		t.Fatalf("persisted %d, want the twin and its child", len(fx.Persist))
	}
	if got := d.core.Status().Equivocators; len(got) != 1 || got[0] != 3 {
		t.Errorf("equivocators %v", got)
	}
}

// TestOwnVertexNamesNoEquivocator checks parents and evidence of the own vertex.
func TestOwnVertexNamesNoEquivocator(t *testing.T) {
	d := newDrawer(t, 4, 0)
	own := d.core.draft
	if own == nil || own.Round() != 1 {
		t.Fatal("no vertex of round 1 after the start")
	}
	d.step(Signed{Digest: own.Digest()})
	d.give(d.draw(3, 1, nil), d.draw(3, 1, nil, marked(9)), d.draw(2, 1, nil), d.draw(1, 1, nil))
	d.now = d.now.Add(5 * time.Second)
	d.step(Tick{})
	two := d.core.draft
	if two == nil || two.Body().Parents.Has(3) || !two.Body().Parents.Has(0) || two.Body().Parents.Count() != 3 {
		t.Fatalf("draft %+v", two)
	}
	if len(two.Body().Evidence) != 1 || two.Body().Evidence[0].Accused() != 3 {
		t.Errorf("evidence %+v", two.Body().Evidence)
	}
	d.step(Signed{Digest: two.Digest()})
	if len(d.core.evidence) != 0 {
		t.Error("evidence is kept after it was said")
	}
}

// TestEquivocatorIsNamedForAQuorum: others may have built on its vertex before the proof and left the round out since, so
// a quorum that needs it is one still. What is named is the vertex that was accepted first.
func TestEquivocatorIsNamedForAQuorum(t *testing.T) {
	d := newDrawer(t, 4, 0)
	d.step(Signed{Digest: d.core.draft.Digest()})
	first := d.draw(3, 1, nil)
	d.give(first, d.draw(3, 1, nil, marked(9)), d.draw(1, 1, nil))
	d.now = d.now.Add(5 * time.Second)
	d.step(Tick{})
	two := d.core.draft
	if two == nil || two.Body().Parents.Count() != 3 || two.Body().ParentDigests[2] != first.Digest() {
		t.Fatalf("draft %+v", two)
	}
}

// TestByteLimit: bodies first learnt through an author's vertices are limited; above that its vertices wait.
func TestByteLimit(t *testing.T) {
	d := newDrawer(t, 4, -1)
	parents := d.round(1, nil)
	d.give(parents...)
	k := byte(0)
	for r := types.Round(2); r <= 13; r++ {
		k++
		d.step(BatchHeld{ID: types.BatchIDOf([]byte{k}), Size: 256 << 10, From: 3, Time: d.now})
		next := []*types.Vertex{d.draw(0, r, parents), d.draw(1, r, parents), d.draw(2, r, parents),
			d.draw(3, r, parents, receipt(k, testStart+types.Time(r)*1000))}
		d.give(next...)
		parents = next
	}
	s := d.core.Status()
	if s.Newest[3] < 4 || s.Newest[3] > 7 {
		t.Fatalf("author 3 brought %d rounds of 256 KiB at once, want about 4", s.Newest[3]-1)
	}
	if s.Suspended == 0 {
		t.Fatal("nothing waits")
	}
	d.now = d.now.Add(time.Second)
	d.step(Tick{})
	after := d.core.Status().Newest[3]
	if after < s.Newest[3]+3 || after > s.Newest[3]+6 {
		t.Errorf("a second later %d more rounds are accepted, want about 4", after-s.Newest[3])
	}
	d.now = d.now.Add(time.Second)
	d.step(Tick{})
	d.now = d.now.Add(time.Second)
	d.step(Tick{})
	if s := d.core.Status(); s.Suspended != 0 || s.Newest[3] != 13 {
		t.Errorf("still waiting: %+v", s)
	}
}

// TestI7WaitingVerticesAreBounded floods a core with vertices that can never be accepted.
func TestI7WaitingVerticesAreBounded(t *testing.T) {
	d := newDrawer(t, 4, -1)
	ghost := []*types.Vertex{d.draw(0, 1, nil, marked(1)), d.draw(1, 1, nil, marked(1)), d.draw(2, 1, nil, marked(1))}
	for r := types.Round(2); r < 5000; r++ {
		v := d.draw(3, r, ghost, func(_ *types.VertexID, b *types.VertexBody) {
			b.Weak = nil
			b.Parents = types.NewBitmap(4)
			b.ParentDigests = nil
			for m := range types.Member(3) {
				b.Parents.Set(m)
				b.ParentDigests = append(b.ParentDigests, types.Hash{byte(r), byte(r >> 8), byte(m)})
			}
		})
		d.give(v)
	}
	s := d.core.Status()
	if s.Suspended > maxWaiting {
		t.Errorf("%d vertices wait", s.Suspended)
	}
	d.core.wants.clean()
	if s := d.core.Status(); s.Missing > 3*maxWaiting {
		t.Errorf("%d items are wanted", s.Missing)
	}
	d.now = d.now.Add(time.Second)
	fx := d.step(Tick{})
	for _, f := range fx.Fetch {
		if len(f.Vertices) > types.MaxFetchItems {
			t.Errorf("a fetch of %d", len(f.Vertices))
		}
	}
	if len(fx.Fetch) > 2*4 {
		t.Errorf("%d fetches at once", len(fx.Fetch))
	}
}

// TestI7ALiarsPastFillsOnlyItsOwnRoom: however many vertices a liar makes a node ask for, what honest authors build on is
// taken, also when it is the liar's.
func TestI7ALiarsPastFillsOnlyItsOwnRoom(t *testing.T) {
	d := newDrawer(t, 4, -1)
	var last []*types.Vertex
	const top = 66
	for r := types.Round(1); r < top; r++ {
		last = d.round(r, last)
		d.give(last...)
	}
	next := d.round(top, last)
	d.give(next[:3]...)
	bottom := d.core.dag.current - Horizon + 2
	const heads = 72
	chains := make([][]*types.Vertex, heads) // of member 3, over parents that nobody has
	for k := range chains {
		var below types.Hash
		for r := bottom; r <= types.Round(top+1+k); r++ {
			v := d.draw(3, r, nil, func(_ *types.VertexID, b *types.VertexBody) {
				b.RuleVersion = uint64(k + 1)
				for m := range types.Member(4) {
					if m < 2 || m == 2 && r == bottom {
						b.Parents.Set(m)
						b.ParentDigests = append(b.ParentDigests, types.Hash{1, byte(k), byte(m), byte(r)})
					} else if m == 3 && r > bottom {
						b.Parents.Set(m)
						b.ParentDigests = append(b.ParentDigests, below)
					}
				}
			})
			below = v.Digest()
			chains[k] = append(chains[k], v)
		}
		d.give(chains[k][len(chains[k])-1])
	}
	for _, chain := range chains {
		for i := len(chain) - 2; i >= 0; i-- {
			d.step(VertexReceived{Vertex: chain[i], From: 3, Asked: true})
		}
	}
	if s := d.core.Status(); s.Suspended < maxAsked || s.Suspended > maxAsked+maxWaiting {
		t.Fatalf("%d vertices wait, want the liar's room full: %d", s.Suspended, maxAsked)
	}
	child := d.draw(0, top+1, next)
	d.give(child)
	if fx := d.step(VertexReceived{Vertex: next[3], From: 0, Asked: true}); len(fx.Persist) != 2 {
		t.Fatalf("persisted %d, want the liar's true vertex and the one built on it", len(fx.Persist))
	}
}

// TestByteLimitOfFetchedBodies: an author that lists bodies it does not push cannot have a node fetch more of them than
// its limit, unless the own pool admits them or an honest author must have listed them too.
func TestByteLimitOfFetchedBodies(t *testing.T) {
	const size, listed, seconds = 64 << 10, 250, 4
	list := func(id *types.VertexID, b *types.VertexBody) {
		for k := range listed {
			b.Receipts = append(b.Receipts, types.Receipt{Batch: types.BatchIDOf([]byte{9, byte(k)}), Time: id.Time - listed + types.Time(k)})
		}
	}
	fetched := func(admitted bool, authors ...types.Member) (bodies int) {
		d := newDrawer(t, 4, -1)
		d.core.pacing.FetchRetry = 10 * time.Millisecond // what an answer left out is asked for again soon
		one := d.round(1, nil)
		d.give(one...)
		for _, a := range authors {
			d.give(d.draw(a, 2, one, list))
		}
		for range seconds * 100 {
			d.now = d.now.Add(10 * time.Millisecond)
			for _, f := range d.step(Tick{}).Fetch {
				for _, id := range f.Batches[:min(len(f.Batches), 2<<20/size)] { // an answer is bounded
					d.step(BatchHeld{ID: id, Size: size, Time: d.now, Admitted: admitted, From: -1})
					bodies++
				}
			}
		}
		return bodies
	}
	if n := fetched(false, 3) * size; n < seconds<<20 || n > (seconds+4)<<20 {
		t.Errorf("a lone author brought %d KiB in %d s", n>>10, seconds)
	}
	if n := fetched(false, 2, 3); n != listed {
		t.Errorf("of %d bodies that an honest author lists too %d were fetched", listed, n)
	}
	if n := fetched(true, 3); n != listed {
		t.Errorf("of %d bodies that the own pool admits %d were fetched", listed, n)
	}
}
