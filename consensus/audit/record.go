package audit

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sort"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

// Record is the evidence of a released batch's fair time: the entries of the quorum that completed it.
//
//	version (1) | batch (36) | fair time (8) | index (8) | count (2) | count x entry (51)
//	entry = author (2) | time (8) | explicit, 0 or 1 (1) | round (8) | vertex digest (32)
//
// Numbers are big-endian; entries ascend by author.
type Record struct {
	Batch    types.BatchID
	FairTime types.Time // microseconds: the quantile of the entries' times
	Index    uint64     // position, in the committed sequence, of the vertex after which the batch left
	Entries  []consensus.Entry
}

const (
	recordHead  = 1 + 36 + 8 + 8 + 2
	recordEntry = 2 + 8 + 1 + 8 + 32
	// MaxRecordBytes bounds an encoded record.
	MaxRecordBytes = recordHead + types.MaxCommittee*recordEntry
)

// RecordOf is the record of a batch that the ordering core released.
func RecordOf(r consensus.Released) Record {
	return Record{Batch: r.Batch, FairTime: r.FairTime, Index: r.Index, Entries: slices.Clone(r.Entries)}
}

// Spread is the time in microseconds between the earliest and the latest entry as counted. While at most f stake lies, the
// fair time lies between two honest entries, whatever the liars say; so the honest part of the spread is how far they could
// have moved it. Which entries are honest nobody can tell: the whole spread bounds that part from above.
func (r *Record) Spread() types.Time {
	if len(r.Entries) == 0 {
		return 0
	}
	earliest, latest := r.Entries[0].Time, r.Entries[0].Time
	for _, e := range r.Entries[1:] {
		earliest, latest = min(earliest, e.Time), max(latest, e.Time)
	}
	return latest - earliest
}

// Check recomputes the fair time from the entries: they must be a quorum of the committee's stake, and the fair time the
// smallest entry up to which more than f stake lies. It says nothing about whether the entries are true (Replay).
func (r *Record) Check(c *types.Committee) error {
	var stake types.Stake
	for i, e := range r.Entries {
		if !c.Has(e.Author) || (i > 0 && r.Entries[i-1].Author >= e.Author) {
			return fmt.Errorf("record of %s: entry %d is of no member or out of order: %w", r.Batch, i, types.ErrMalformed)
		}
		stake += c.Stake(e.Author)
	}
	if stake < c.Quorum() {
		return fmt.Errorf("record of %s: its entries hold stake %d, quorum is %d: %w", r.Batch, stake, c.Quorum(), ErrMismatch)
	}
	return differ(ErrMismatch, "fair time", r.FairTime, r.median(c))
}

// median is the quantile of the entries, by sorting.
func (r *Record) median(c *types.Committee) types.Time {
	byTime := slices.Clone(r.Entries)
	sort.Slice(byTime, func(i, j int) bool { return byTime[i].Time < byTime[j].Time })
	var below types.Stake
	for _, e := range byTime {
		if below += c.Stake(e.Author); below > c.F() {
			return e.Time
		}
	}
	return 0
}

// Encode is the canonical encoding.
func (r *Record) Encode() []byte {
	b := make([]byte, 0, recordHead+len(r.Entries)*recordEntry)
	b = append(b, codecVersion)
	b = append(b, r.Batch[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(r.FairTime))
	b = binary.BigEndian.AppendUint64(b, r.Index)
	b = binary.BigEndian.AppendUint16(b, uint16(len(r.Entries)))
	for _, e := range r.Entries {
		b = binary.BigEndian.AppendUint16(b, uint16(e.Author))
		b = binary.BigEndian.AppendUint64(b, uint64(e.Time))
		b = append(b, flag(e.Explicit))
		b = binary.BigEndian.AppendUint64(b, uint64(e.Vertex.Round))
		b = append(b, e.Vertex.Digest[:]...)
	}
	return b
}

func flag(set bool) byte {
	if set {
		return 1
	}
	return 0
}

// DecodeRecord is the strict inverse of Record.Encode.
func DecodeRecord(encoded []byte) (Record, error) {
	if len(encoded) < recordHead {
		return Record{}, fmt.Errorf("audit record of %d bytes: %w", len(encoded), types.ErrMalformed)
	}
	count := int(binary.BigEndian.Uint16(encoded[recordHead-2:]))
	if count > types.MaxCommittee {
		return Record{}, fmt.Errorf("audit record of %d entries, at most %d: %w", count, types.MaxCommittee, types.ErrMalformed)
	}
	f, err := open("audit record", encoded, recordHead+count*recordEntry)
	if err != nil {
		return Record{}, err
	}
	var r Record
	if r.Batch, err = f.batch("audit record"); err != nil {
		return Record{}, err
	}
	r.FairTime, r.Index = types.Time(f.u64()), f.u64()
	f.u16()
	if count > 0 {
		r.Entries = make([]consensus.Entry, 0, count)
	}
	for i := range count {
		e, err := f.entry()
		if err != nil {
			return Record{}, fmt.Errorf("audit record, entry %d: %w", i, err)
		}
		if i > 0 && r.Entries[i-1].Author >= e.Author {
			return Record{}, fmt.Errorf("audit record, entry %d is not above the one before: %w", i, types.ErrMalformed)
		}
		r.Entries = append(r.Entries, e)
	}
	return r, nil
}

func (f *fields) entry() (consensus.Entry, error) {
	e := consensus.Entry{Author: types.Member(f.u16()), Time: types.Time(f.u64())}
	explicit := f.u8()
	if explicit > 1 {
		return e, fmt.Errorf("flag %d is neither 0 nor 1: %w", explicit, types.ErrMalformed)
	}
	e.Explicit = explicit == 1
	e.Vertex = types.VertexRef{Author: e.Author, Round: types.Round(f.u64()), Digest: f.digest()}
	return e, nil
}
