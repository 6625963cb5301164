package store

import (
	"errors"
	"fmt"
	"io"
	"sort"

	"github.com/etherscale/bedrock/types"
)

// ErrNotInLog says that the log does not hold what was asked for, or does not keep it any more.
var ErrNotInLog = errors.New("not in the vertex log")

// HasBatch reports whether the log holds the body of the batch among its newest segments.
func (l *VertexLog) HasBatch(id types.BatchID) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	_, _, ok := l.recentBatch(id)
	return ok
}

// recentBatch finds a body whose place is known by heart. The caller holds mu.
func (l *VertexLog) recentBatch(id types.BatchID) (*segment, place, bool) {
	for i := len(l.segments) - 1; i >= 0 && l.segments[i].index != nil; i-- {
		if at, ok := l.segments[i].index.batches[id]; ok {
			return l.segments[i], at, true
		}
	}
	return nil, place{}, false
}

// Batch returns the body of the batch, the caller's own copy; ErrNotInLog when the log lacks it, or holds it so far back that a
// name is not searched for there.
func (l *VertexLog) Batch(id types.BatchID) ([]byte, error) {
	l.mu.RLock()
	s, at, ok := l.recentBatch(id)
	l.mu.RUnlock()
	if ok {
		return l.read(s, at)
	}
	return l.searchOld(kindBatch, id[:])
}

// batchOf returns the body from one segment.
func (l *VertexLog) batchOf(s *segment, id types.BatchID) ([]byte, error) {
	l.mu.RLock()
	index := s.index
	var at place
	var ok bool
	if index != nil {
		at, ok = index.batches[id]
	}
	l.mu.RUnlock()
	switch {
	case ok:
		return l.read(s, at)
	case index != nil:
		return nil, ErrNotInLog
	}
	return s.findOld(kindBatch, id[:])
}

// searchOld looks through the newest of the older segments, newest first.
func (l *VertexLog) searchOld(kind recordKind, key []byte) ([]byte, error) {
	l.mu.RLock()
	var old []*segment
	for _, s := range l.segments {
		if s.index != nil {
			break
		}
		old = append(old, s)
	}
	l.mu.RUnlock()
	for i := len(old) - 1; i >= max(0, len(old)-searchedSegments); i-- {
		body, err := old[i].findOld(kind, key)
		if !errors.Is(err, ErrNotInLog) {
			return body, err
		}
	}
	return nil, fmt.Errorf("%x: %w", key, ErrNotInLog)
}

// HasVertex reports whether the log holds the vertex among its newest segments.
func (l *VertexLog) HasVertex(digest types.Hash) bool {
	_, ok := l.Position(digest)
	return ok
}

// Position is the place in the order of acceptance, from 0, of a vertex among the newest segments.
func (l *VertexLog) Position(digest types.Hash) (uint64, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for i := len(l.segments) - 1; i >= 0 && l.segments[i].index != nil; i-- {
		if number, ok := l.segments[i].index.vertices[digest]; ok {
			return l.segments[i].first + uint64(number), true
		}
	}
	return 0, false
}

// Vertex returns the encoded vertex, the caller's own copy; ErrNotInLog as for Batch.
func (l *VertexLog) Vertex(digest types.Hash) ([]byte, error) {
	if pos, ok := l.Position(digest); ok {
		return l.VertexAt(pos)
	}
	return l.searchOld(kindVertex, digest[:])
}

// VertexAt returns the encoded vertex at a position from First up to, not including, Len.
func (l *VertexLog) VertexAt(pos uint64) ([]byte, error) {
	s, at, err := l.locate(pos)
	if err != nil {
		return nil, fmt.Errorf("vertex at position %d: %w", pos, err)
	}
	return l.read(s, at)
}

// locate finds the record of the vertex at a position.
func (l *VertexLog) locate(pos uint64) (*segment, place, error) {
	l.mu.RLock()
	if pos < l.segments[0].first || pos >= l.length {
		l.mu.RUnlock()
		return nil, place{}, ErrNotInLog
	}
	// The last segment that begins at or below it; one without vertices begins where the next one does.
	s := l.segments[sort.Search(len(l.segments), func(i int) bool { return l.segments[i].first > pos })-1]
	number := pos - s.first
	if s.index != nil {
		at := s.index.places[number]
		l.mu.RUnlock()
		return s, at, nil
	}
	l.mu.RUnlock()
	old, err := s.oldRecords()
	if err != nil {
		return nil, place{}, err
	}
	if number >= uint64(len(old.offsets)) {
		return nil, place{}, s.damaged(s.synced)
	}
	r, err := s.readAt(old.offsets[number])
	return s, place{offset: old.offsets[number], size: uint32(r.size)}, err
}

// Len is the position after the newest vertex: the number of vertices ever appended.
func (l *VertexLog) Len() uint64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.length
}

// Durable is the number of vertices that a finished Sync covers. Only these may be shown to others.
func (l *VertexLog) Durable() uint64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.durable
}

// read returns the body of the record, from memory while it is not handed to the file.
func (l *VertexLog) read(s *segment, at place) ([]byte, error) {
	l.mu.RLock()
	if start := int64(at.offset) - s.written; start >= 0 {
		raw := append([]byte(nil), l.pending[start:start+int64(at.size)]...)
		l.mu.RUnlock()
		r, err := decodeRecord(raw)
		if err != nil {
			return nil, s.damaged(int64(at.offset))
		}
		return r.body, nil
	}
	l.mu.RUnlock()
	r, err := s.readRecord(at)
	return r.body, err
}

// Replay hands over what a finished Sync covers from a position on, in the order it was appended: the bodies after the
// vertex before it, then that vertex, and so on. The slices live until the function returns; its first error ends the
// replay and is returned as it is.
func (l *VertexLog) Replay(from uint64, batch func(types.BatchID, []byte) error, vertex func(types.Hash, []byte) error) error {
	from = max(from, l.First())
	s, offset, err := l.start(from)
	if err != nil {
		return err
	}
	return l.scan(s, offset, func(r record, _ place) error {
		if r.kind == kindBatch {
			return batch(types.BatchID(r.key), r.body)
		}
		return vertex(types.Hash(r.key), r.body)
	})
}

// start is where the bodies of the vertex at the position begin: after the vertex before it, or where the log does.
func (l *VertexLog) start(pos uint64) (*segment, int64, error) {
	if pos == l.First() {
		l.mu.RLock()
		defer l.mu.RUnlock()
		return l.segments[0], segmentHeaderBytes, nil
	}
	s, before, err := l.locate(pos - 1)
	return s, int64(before.offset) + int64(before.size), err
}

// LogRange is a stretch of the log.
type LogRange struct {
	Batches  [][]byte // bodies first receipted by these vertices, as far as they fit
	Vertices [][]byte // in the order they were accepted
	Next     uint64   // position after the last of Vertices
	End      uint64   // position after the newest durable vertex
	First    uint64   // position of the oldest vertex that is kept
}

var errRangeFull = errors.New("range is full")

// Range returns durable vertices from the position on with the bodies that were appended for them, until maxBytes are
// reached. It returns at least one vertex if there is one; bodies that do not fit with it are left out. Of a position
// below First it returns nothing but First.
func (l *VertexLog) Range(from uint64, maxBytes int) (LogRange, error) {
	out := LogRange{Next: from, End: l.Durable(), First: l.First()}
	if from >= out.End || from < out.First {
		return out, nil
	}
	s, offset, err := l.start(from)
	if err == nil {
		err = l.fill(&out, s, offset, maxBytes)
	}
	if errors.Is(err, ErrNotInLog) { // it was dropped meanwhile
		return LogRange{Next: from, End: out.End, First: l.First()}, nil
	}
	if err != nil {
		return LogRange{}, err
	}
	return out, nil
}

func (l *VertexLog) fill(out *LogRange, s *segment, offset int64, maxBytes int) error {
	used, waiting := 0, [][]byte(nil) // bodies whose vertex is still to come
	err := l.scan(s, offset, func(r record, _ place) error {
		fits := used+r.size <= maxBytes
		if r.kind == kindBatch {
			if fits {
				waiting = append(waiting, append([]byte(nil), r.body...))
				used += r.size
			}
			return nil
		}
		if out.Next >= out.End || (!fits && len(out.Vertices) > 0) {
			return errRangeFull
		}
		out.Batches, waiting = append(out.Batches, waiting...), nil
		out.Vertices = append(out.Vertices, append([]byte(nil), r.body...))
		out.Next++
		used += r.size
		return nil
	})
	if errors.Is(err, errRangeFull) {
		return nil
	}
	return err
}

// scan hands over the durable batches and vertices from a place on.
func (l *VertexLog) scan(first *segment, offset int64, visit func(record, place) error) error {
	l.mu.RLock()
	var segments []*segment
	var ends []int64
	for _, s := range l.segments {
		if s.number >= first.number {
			segments, ends = append(segments, s), append(ends, s.synced)
		}
	}
	l.mu.RUnlock()
	if len(segments) == 0 || segments[0] != first {
		return fmt.Errorf("%s was dropped: %w", first.path, ErrNotInLog)
	}
	for i, s := range segments {
		if err := scanSegment(s, offset, ends[i], visit); err != nil {
			return err
		}
		offset = segmentHeaderBytes
	}
	return nil
}

func scanSegment(s *segment, offset, end int64, visit func(record, place) error) error {
	records := newRecordReader(s.file, offset, end)
	for {
		r, err := records.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, errBadRecord):
			return s.damaged(offset)
		case err != nil:
			return s.readError(offset, err)
		}
		at := place{offset: uint32(offset), size: uint32(r.size)}
		offset += int64(r.size)
		if r.kind != kindBatch && r.kind != kindVertex {
			continue
		}
		if err := visit(r, at); err != nil {
			return err
		}
	}
}
