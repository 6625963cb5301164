package audit

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/etherscale/bedrock/types"
)

// liar is an honest log with the means to tamper with it.
type liar struct {
	t      *testing.T
	s      *swarm
	log    []logEntry
	target types.Hash
	record Record
}

func newLiar(t *testing.T, seed uint64) *liar {
	s, targets := history(t, seed)
	target := targets[len(targets)/2]
	place := s.nodes[0].places[target]
	return &liar{t: t, s: s, log: slices.Clone(s.nodes[0].log), target: target, record: s.nodes[0].records[place.Batch]}
}

// find is the place in the log of the first vertex that satisfies want.
func (l *liar) find(want func(*types.Vertex) bool) (int, *types.Vertex) {
	l.t.Helper()
	for i, e := range l.log {
		if e.vertex == nil {
			continue
		}
		v, err := types.DecodeVertex(e.vertex)
		if err != nil {
			l.t.Fatal(err)
		}
		if want(v) {
			return i, v
		}
	}
	l.t.Fatal("no such vertex in the log")
	return 0, nil
}

// entry is the vertex of an explicit entry of the target's batch.
func (l *liar) entry() (int, *types.Vertex) {
	for _, e := range l.record.Entries {
		if e.Explicit {
			return l.find(func(v *types.Vertex) bool { return v.Digest() == e.Vertex.Digest })
		}
	}
	l.t.Fatal("no explicit entry")
	return 0, nil
}

// early makes the receipt of the target's batch 1 ms earlier in a copy of the vertex, which keeps the old signature.
func (l *liar) early(v *types.Vertex) *types.Vertex {
	body := *v.Body()
	body.Receipts = slices.Clone(body.Receipts)
	for i := range body.Receipts {
		if body.Receipts[i].Batch == l.record.Batch {
			body.Receipts[i].Time -= millisecond
		}
	}
	slices.SortFunc(body.Receipts, func(a, b types.Receipt) int {
		if a.Time != b.Time {
			return int(int64(a.Time) - int64(b.Time))
		}
		return strings.Compare(string(a.Batch[:]), string(b.Batch[:]))
	})
	return types.NewVertex(v.ID(), body).WithSignature(v.Signature())
}

func (l *liar) signed(v *types.Vertex) *types.Vertex {
	return v.WithSignature(types.SignDigest(l.s.nodes[v.Author()].key, v.Digest()))
}

// TestTampering (A2, A4): every lie of a responder ends in the error of its kind.
func TestTampering(t *testing.T) {
	cases := []struct {
		name string
		want error
		lie  func(l *liar, cfg *Config)
	}{
		{"dropped vertex", ErrMissing, func(l *liar, _ *Config) {
			i, _ := l.entry()
			l.log = slices.Delete(l.log, i, i+1)
		}},
		{"dropped body", ErrMissing, func(l *liar, _ *Config) {
			i := slices.IndexFunc(l.log, func(e logEntry) bool { return e.batch != nil && types.BatchIDOf(e.batch) == l.record.Batch })
			l.log = slices.Delete(l.log, i, i+1)
		}},
		{"reversed order", ErrMissing, func(l *liar, _ *Config) {
			_, v := l.find(func(v *types.Vertex) bool { return v.Round() == 3 })
			parent, _ := l.find(func(p *types.Vertex) bool { return p.Digest() == v.StrongParents()[0].Digest })
			child, _ := l.find(func(c *types.Vertex) bool { return c.Digest() == v.Digest() })
			l.log[parent], l.log[child] = l.log[child], l.log[parent]
		}},
		{"changed receipt time", ErrForged, func(l *liar, _ *Config) {
			i, v := l.entry()
			l.log[i].vertex = l.early(v).Encode()
		}},
		{"receipt time changed by its author", ErrMissing, func(l *liar, _ *Config) {
			i, v := l.entry() // what was built on the first version still names that one
			l.log[i].vertex = l.signed(l.early(v)).Encode()
		}},
		{"other author", ErrForged, func(l *liar, _ *Config) {
			i, v := l.entry()
			id := v.ID()
			id.Author = (id.Author + 1) % 4
			l.log[i].vertex = types.NewVertex(id, *v.Body()).WithSignature(v.Signature()).Encode()
		}},
		{"author of no committee", ErrForged, func(l *liar, _ *Config) {
			i, v := l.entry()
			id := v.ID()
			id.Author = 4
			l.log[i].vertex = types.NewVertex(id, *v.Body()).WithSignature(v.Signature()).Encode()
		}},
		{"another network", ErrForged, func(l *liar, _ *Config) {
			i, v := l.entry()
			id := v.ID()
			id.Network[0]++
			l.log[i].vertex = l.signed(types.NewVertex(id, *v.Body())).Encode()
		}},
		{"another epoch", ErrForged, func(l *liar, _ *Config) {
			i, v := l.entry()
			id := v.ID()
			id.Epoch++
			l.log[i].vertex = l.signed(types.NewVertex(id, *v.Body())).Encode()
		}},
		{"bytes after a vertex", ErrForged, func(l *liar, _ *Config) {
			i, v := l.entry()
			l.log[i].vertex = append(v.Encode(), 0)
		}},
		{"header signature of another", ErrForged, func(l *liar, _ *Config) {
			i, v := l.find(func(v *types.Vertex) bool { return len(v.Body().HeaderSignatures) > 0 })
			body := *v.Body()
			body.HeaderSignatures = slices.Clone(body.HeaderSignatures)
			body.HeaderSignatures[0].Signature[5]++
			l.log[i].vertex = l.signed(types.NewVertex(v.ID(), body)).Encode()
		}},
		{"broken body", ErrForged, func(l *liar, _ *Config) {
			l.log = slices.Insert(l.log, 0, logEntry{batch: []byte{0xc1}})
		}},
		{"no transaction", ErrForged, func(l *liar, _ *Config) {
			body, _ := types.EncodeBatch([][]byte{{0, 1}})
			l.log = slices.Insert(l.log, 0, logEntry{batch: body})
		}},
		{"vertex back in time", ErrRules, func(l *liar, _ *Config) {
			i, v := l.find(func(v *types.Vertex) bool { return v.Round() == 5 && len(v.Body().Receipts) == 0 })
			id := v.ID()
			id.Time = l.s.genesis.Time + 1
			l.log[i].vertex = l.signed(types.NewVertex(id, *v.Body())).Encode()
		}},
		{"vertex of tomorrow", ErrFuture, func(l *liar, cfg *Config) {
			i, v := l.entry()
			id := v.ID()
			id.Time = cfg.Now + 1000*millisecond
			l.log[i].vertex = l.signed(types.NewVertex(id, *v.Body())).Encode()
		}},
		{"auditor's clock behind", ErrFuture, func(l *liar, cfg *Config) { cfg.Now = l.s.genesis.Time }},
		{"cut short", ErrNotOrdered, func(l *liar, _ *Config) {
			i, _ := l.entry()
			l.log = l.log[:i+1]
		}},
		{"nothing at all", ErrNotOrdered, func(l *liar, _ *Config) { l.log = nil }},
		{"a transaction nobody sent", ErrNotOrdered, func(l *liar, cfg *Config) { cfg.Target = types.Hash{1} }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			l := newLiar(t, 20)
			cfg := l.s.config(l.target)
			c.lie(l, &cfg)
			r, err := replay(t, cfg, l.log)
			if err == nil {
				_, err = r.Verify()
			} else if _, verdict := r.Verify(); verdict == nil || (!errors.Is(err, ErrMissing) && verdict != err) {
				t.Errorf("Feed failed (%v), Verify says %v", err, verdict)
			}
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			for _, other := range []error{ErrForged, ErrMissing, ErrRules, ErrFuture, ErrConflict, ErrHeader, ErrNotOrdered} {
				if other != c.want && errors.Is(err, other) {
					t.Errorf("%v is also %v", err, other)
				}
			}
		})
	}
}

// TestRewrittenHistory (A3): a committee that signs a second history from the start, with another order, is caught by the
// certified headers of the first; without them the auditor sees a valid history.
func TestRewrittenHistory(t *testing.T) {
	first, targets := history(t, 30)
	second := newSwarm(t, 31)
	for id := range first.bodies {
		second.gossip(first.envelopes[id], 60*millisecond)
		second.run(20 * time.Millisecond)
	}
	second.run(1500 * time.Millisecond)
	cfg := first.config(targets[0])
	cfg.Now = max(first.now, second.now)
	_, err := replay(t, cfg, second.nodes[0].log)
	var difference *DifferenceError
	if !errors.Is(err, ErrHeader) || !errors.As(err, &difference) || difference.Field == "" {
		t.Fatalf("a rewritten history gave %v", err)
	}
	cfg.Header = nil
	r, err := replay(t, cfg, second.nodes[0].log)
	if err != nil || !r.Done() {
		t.Fatalf("without headers: %v", err)
	}
}

// TestHeaderFields (A3): a header that differs in any field is named by that field. The commitment of the target's block
// is computed; that of others is believed unless Recompute asks for it.
func TestHeaderFields(t *testing.T) {
	s, targets := history(t, 40)
	target := targets[len(targets)-1]
	height := s.nodes[0].places[target].Height
	if height < 2 {
		t.Fatalf("the last transaction is in block %d", height)
	}
	cases := []struct {
		field     string
		height    types.Height
		recompute bool
		change    func(*types.Header)
	}{
		{"parent", height, false, func(h *types.Header) { h.Parent[0]++ }},
		{"time", height, false, func(h *types.Header) { h.Time++ }},
		{"epoch", 1, false, func(h *types.Header) { h.Epoch++ }},
		{"height", 1, false, func(h *types.Header) { h.Height++ }},
		{"network", 1, false, func(h *types.Header) { h.Network[1]++ }},
		{"vertex index", 1, false, func(h *types.Header) { h.VertexIndex++ }},
		{"vertex digest", 1, false, func(h *types.Header) { h.VertexDigest[0]++ }},
		{"data length", 1, false, func(h *types.Header) { h.DataLength++ }},
		{"commitment", height, false, func(h *types.Header) { h.Commitment[0]++ }},
		{"commitment", 1, true, func(h *types.Header) { h.Commitment[0]++ }},
		{"verdicts", 1, false, func(h *types.Header) { h.Verdicts = append(slices.Clone(h.Verdicts), types.Verdict{}) }},
		{"header", 1, false, func(h *types.Header) { h.Version++ }},
	}
	for _, c := range cases {
		cfg := s.config(target)
		honest := cfg.Header
		cfg.Header = func(h types.Height) (types.Header, bool) {
			header, ok := honest(h)
			if h == c.height {
				c.change(&header)
			}
			return header, ok
		}
		cfg.Recompute = func(types.Height) bool { return c.recompute }
		_, err := replay(t, cfg, s.nodes[0].log)
		var difference *DifferenceError
		if !errors.Is(err, ErrHeader) || !errors.As(err, &difference) || difference.Field != c.field {
			t.Errorf("%s of block %d: %v", c.field, c.height, err)
		}
	}
}

// TestFalseCommitmentMeetsTheCommittee: a false commitment of a block that is not encoded anew still contradicts what the
// committee signed inside the log.
func TestFalseCommitmentMeetsTheCommittee(t *testing.T) {
	s, targets := history(t, 41)
	cfg := s.config(targets[len(targets)-1])
	honest := cfg.Header
	cfg.Header = func(h types.Height) (types.Header, bool) {
		header, ok := honest(h)
		header.Commitment[0]++
		return header, ok && h == 1
	}
	if _, err := replay(t, cfg, s.nodes[0].log); !errors.Is(err, ErrConflict) {
		t.Fatalf("got %v", err)
	}
}

// TestGoesOnAfterMissing (A4): what a MissingError names is enough to go on.
func TestGoesOnAfterMissing(t *testing.T) {
	l := newLiar(t, 50)
	byDigest := map[types.Hash][]byte{}
	var log []logEntry
	for i, e := range l.log { // every eleventh entry is held back
		if e.vertex != nil {
			v, _ := types.DecodeVertex(e.vertex)
			byDigest[v.Digest()] = e.vertex
		}
		if i%11 != 5 {
			log = append(log, e)
		}
	}
	r, err := New(l.s.config(l.target))
	if err != nil {
		t.Fatal(err)
	}
	fetched := 0
	for i := 0; i < len(log) && !r.Done(); i++ {
		fetched += feedFetching(t, r, log[i], l.s.bodies, byDigest)
	}
	f, err := r.Verify()
	if err != nil {
		t.Fatal(err)
	}
	if fetched < 5 {
		t.Fatalf("only %d things were missing", fetched)
	}
	checkFinding(t, l.s, f, l.target)
}

// feedFetching feeds one entry and, as long as something is missing for it, that first.
func feedFetching(t *testing.T, r *Replay, e logEntry, bodies map[types.BatchID][]byte, vertices map[types.Hash][]byte) int {
	t.Helper()
	fetched := 0
	for range 100 {
		err := feed(r, []logEntry{e})
		if err == nil {
			return fetched
		}
		var missing *MissingError
		if !errors.As(err, &missing) {
			t.Fatal(err)
		}
		for _, id := range missing.Batches {
			fetched += 1 + feedFetching(t, r, logEntry{batch: bodies[id]}, bodies, vertices)
		}
		for _, digest := range missing.Parents {
			fetched += 1 + feedFetching(t, r, logEntry{vertex: vertices[digest]}, bodies, vertices)
		}
	}
	t.Fatal("there is no end to what is missing")
	return 0
}

// TestCompare: the first difference of a claim is named.
func TestCompare(t *testing.T) {
	l := newLiar(t, 60)
	r, err := replay(t, l.s.config(l.target), l.log)
	if err != nil {
		t.Fatal(err)
	}
	f, err := r.Verify()
	if err != nil {
		t.Fatal(err)
	}
	if err := first(f.CompareRecord(f.Record), f.ComparePlace(f.Place())); err != nil {
		t.Fatal(err)
	}
	records := map[string]func(*Record){
		"batch":               func(r *Record) { r.Batch[10]++ },
		"fair time":           func(r *Record) { r.FairTime++ },
		"sequence index":      func(r *Record) { r.Index++ },
		"number of entries":   func(r *Record) { r.Entries = r.Entries[1:] },
		"entries[0].author":   func(r *Record) { r.Entries[0], r.Entries[1] = r.Entries[1], r.Entries[0] },
		"entries[1].time":     func(r *Record) { r.Entries[1].Time-- },
		"entries[1].explicit": func(r *Record) { r.Entries[1].Explicit = !r.Entries[1].Explicit },
		"entries[2].round":    func(r *Record) { r.Entries[2].Vertex.Round++ },
		"entries[2].vertex":   func(r *Record) { r.Entries[2].Vertex.Digest[0]++ },
	}
	for field, change := range records {
		claimed := f.Record
		claimed.Entries = slices.Clone(f.Record.Entries)
		change(&claimed)
		expectDifference(t, f.CompareRecord(claimed), field)
	}
	places := map[string]func(*Place){
		"batch": func(p *Place) { p.Batch[10]++ }, "height": func(p *Place) { p.Height++ }, "index": func(p *Place) { p.Index++ },
	}
	for field, change := range places {
		claimed := f.Place()
		change(&claimed)
		expectDifference(t, f.ComparePlace(claimed), field)
	}
}

func expectDifference(t *testing.T, err error, field string) {
	t.Helper()
	var difference *DifferenceError
	if !errors.As(err, &difference) || !errors.Is(err, ErrMismatch) || difference.Field != field {
		t.Errorf("changed %s, got %v", field, err)
	}
}
