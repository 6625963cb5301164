package audit

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

// sampleRecord has three entries with times 10, 40 and 25: of four members with a stake of 1 each, the second is the median.
func sampleRecord() Record {
	entry := func(author types.Member, at types.Time, explicit bool) consensus.Entry {
		return consensus.Entry{Author: author, Time: at, Explicit: explicit,
			Vertex: types.VertexRef{Author: author, Round: 3 + types.Round(author), Digest: types.Hash{byte(author), 9}}}
	}
	return Record{
		Batch: types.BatchIDOf([]byte("sample")), FairTime: 25, Index: 77,
		Entries: []consensus.Entry{entry(0, 10, true), entry(2, 40, true), entry(3, 25, false)},
	}
}

func sampleCommittee(t *testing.T) *types.Committee {
	t.Helper()
	c, err := types.NewCommittee(testGenesis(testKeys(4)).Committee)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSpread(t *testing.T) {
	r := sampleRecord()
	if r.Spread() != 30 {
		t.Errorf("spread %d, want 30", r.Spread())
	}
	if (&Record{}).Spread() != 0 {
		t.Error("no entries have a spread")
	}
}

// TestRecordCheck: quorum, order and median.
func TestRecordCheck(t *testing.T) {
	c := sampleCommittee(t)
	r := sampleRecord()
	if err := r.Check(c); err != nil {
		t.Fatal(err)
	}
	cases := map[string]func(*Record){
		"no quorum":      func(r *Record) { r.Entries = r.Entries[:2] },
		"no entries":     func(r *Record) { r.Entries = nil },
		"twice the same": func(r *Record) { r.Entries[1].Author = 0 },
		"no member":      func(r *Record) { r.Entries[2].Author = 4 },
		"another median": func(r *Record) { r.FairTime = 10 },
		"changed entry":  func(r *Record) { r.Entries[2].Time = 24 },
	}
	for name, change := range cases {
		r := sampleRecord()
		change(&r)
		if err := r.Check(c); !errors.Is(err, ErrMismatch) && !errors.Is(err, types.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRecordRefuses (A6): other spellings of a record are refused.
func TestRecordRefuses(t *testing.T) {
	r := sampleRecord()
	good := r.Encode()
	change := func(at int, to byte) []byte {
		b := slices.Clone(good)
		b[at] = to
		return b
	}
	for name, encoded := range map[string][]byte{
		"nothing":           nil,
		"version":           change(0, 2),
		"no batch CID":      change(1, 0),
		"cut":               good[:len(good)-1],
		"longer":            append(slices.Clone(good), 0),
		"count too small":   change(recordHead-1, 2),
		"count too large":   change(recordHead-1, 4),
		"count over bound":  append(change(recordHead-2, 0xff), make([]byte, 0xff03*recordEntry-3*recordEntry)...),
		"flag 2":            change(recordHead+10, 2),
		"authors unordered": change(recordHead+1, 3),
	} {
		if _, err := DecodeRecord(encoded); !errors.Is(err, types.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(good) > MaxRecordBytes {
		t.Errorf("%d bytes, at most %d", len(good), MaxRecordBytes)
	}
}

func FuzzDecodeRecord(f *testing.F) {
	r := sampleRecord()
	f.Add(r.Encode())
	empty := Record{Batch: r.Batch}
	f.Add(empty.Encode())
	f.Add([]byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, encoded []byte) {
		r, err := DecodeRecord(encoded)
		if err != nil {
			return
		}
		if !bytes.Equal(r.Encode(), encoded) {
			t.Fatal("two encodings of one record")
		}
		r.Spread()
	})
}

// FuzzFeed: whatever a responder sends, nothing panics and nothing forged is taken.
func FuzzFeed(f *testing.F) {
	s := newSwarm(f, 90)
	s.submit(2, 10*millisecond)
	s.run(100_000_000)
	for _, e := range s.nodes[0].log[:8] {
		f.Add(e.batch, e.vertex)
	}
	f.Fuzz(func(t *testing.T, batch, vertex []byte) {
		r, err := New(s.config(types.Hash{1}))
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Feed([][]byte{batch}, [][]byte{vertex}); err == nil && r.Taken() != 1 {
			t.Fatalf("no error, %d vertices taken", r.Taken())
		}
	})
}

// TestRoundTrip: decode is the inverse of encode.
func TestRoundTrip(t *testing.T) {
	record := sampleRecord()
	if got, err := DecodeRecord(record.Encode()); err != nil || !reflect.DeepEqual(got, record) {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestWorkedExample holds the example of docs/audit.md: of three entries the second counts, and whatever member 1 says in
// place of its 30 ms, the fair time stays between those of the other two.
func TestWorkedExample(t *testing.T) {
	c := sampleCommittee(t)
	record := func(lie types.Time) Record {
		r := Record{Batch: types.BatchIDOf([]byte("example"))}
		for author, at := range []types.Time{10 * millisecond, lie, 25 * millisecond} {
			r.Entries = append(r.Entries, consensus.Entry{Author: types.Member(author), Time: at, Explicit: true})
		}
		r.FairTime = r.median(c)
		return r
	}
	honest := record(30 * millisecond)
	if honest.FairTime != 25*millisecond || honest.Spread() != 20*millisecond {
		t.Fatalf("fair time %d, spread %d", honest.FairTime, honest.Spread())
	}
	for lie, want := range map[types.Time]types.Time{0: 10, 1: 10, 15: 15, 900: 25} {
		if r := record(lie * millisecond); r.FairTime != want*millisecond {
			t.Errorf("with %d ms the fair time is %d us, want %d ms", lie, r.FairTime, want)
		}
	}
}
