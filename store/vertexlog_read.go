package store

import (
	"errors"
	"fmt"
	"io"

	"github.com/etherscale/bedrock/types"
)

// ErrNotInLog says that the log does not hold what was asked for.
var ErrNotInLog = errors.New("not in the vertex log")

// HasBatch reports whether the log holds the body of the batch.
func (l *VertexLog) HasBatch(id types.BatchID) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	_, ok := l.batches[id]
	return ok
}

// Batch returns the body of the batch, the caller's own copy; ErrNotInLog when the log lacks it.
func (l *VertexLog) Batch(id types.BatchID) ([]byte, error) {
	l.mu.RLock()
	at, ok := l.batches[id]
	l.mu.RUnlock()
	if !ok {
		return nil, fmt.Errorf("batch %s: %w", id, ErrNotInLog)
	}
	return l.read(at)
}

// HasVertex reports whether the log holds the vertex.
func (l *VertexLog) HasVertex(digest types.Hash) bool {
	_, ok := l.Position(digest)
	return ok
}

// Position is the vertex's place in the order of acceptance, from 0.
func (l *VertexLog) Position(digest types.Hash) (uint64, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	pos, ok := l.vertices[digest]
	return uint64(pos), ok
}

// Vertex returns the encoded vertex, the caller's own copy; ErrNotInLog when the log lacks it.
func (l *VertexLog) Vertex(digest types.Hash) ([]byte, error) {
	pos, ok := l.Position(digest)
	if !ok {
		return nil, fmt.Errorf("vertex %s: %w", digest, ErrNotInLog)
	}
	return l.VertexAt(pos)
}

// VertexAt returns the encoded vertex at a position below Len.
func (l *VertexLog) VertexAt(pos uint64) ([]byte, error) {
	l.mu.RLock()
	if pos >= uint64(len(l.positions)) {
		l.mu.RUnlock()
		return nil, fmt.Errorf("vertex at position %d: %w", pos, ErrNotInLog)
	}
	at := l.positions[pos]
	l.mu.RUnlock()
	return l.read(at)
}

// Len is the number of vertices appended.
func (l *VertexLog) Len() uint64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return uint64(len(l.positions))
}

// Durable is the number of vertices that a finished Sync covers. Only these may be shown to others.
func (l *VertexLog) Durable() uint64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.durable
}

// read returns the body of the record, from memory while it is not handed to the file.
func (l *VertexLog) read(at location) ([]byte, error) {
	raw := make([]byte, at.size)
	l.mu.RLock()
	s := l.segments[at.segment]
	inMemory := int64(at.offset) >= s.written
	if inMemory {
		copy(raw, l.pending[int64(at.offset)-s.written:])
	}
	l.mu.RUnlock()
	if !inMemory {
		if _, err := s.file.ReadAt(raw, int64(at.offset)); err != nil {
			return nil, fmt.Errorf("vertex log: read %s at %d: %w", s.path, at.offset, err)
		}
	}
	r, err := decodeRecord(raw)
	if err != nil {
		return nil, &CorruptLogError{File: s.path, Offset: int64(at.offset), Reason: "a record was damaged since it was written"}
	}
	return r.body, nil
}

// Replay hands over what a finished Sync covers, in the order it was appended. The slices live until the function
// returns; its first error ends the replay and is returned as it is.
func (l *VertexLog) Replay(batch func(types.BatchID, []byte) error, vertex func(types.Hash, []byte) error) error {
	return l.scan(0, segmentHeaderBytes, func(r record) error {
		if r.kind == kindBatch {
			return batch(types.BatchID(r.key), r.body)
		}
		return vertex(types.Hash(r.key), r.body)
	})
}

// LogRange is a stretch of the log.
type LogRange struct {
	Batches  [][]byte // bodies first receipted by these vertices, as far as they fit
	Vertices [][]byte // in the order they were accepted
	Next     uint64   // position after the last of Vertices
	End      uint64   // number of durable vertices
}

var errRangeFull = errors.New("range is full")

// Range returns durable vertices from the position on with the bodies that were appended for them, until maxBytes are
// reached. It returns at least one vertex if there is one; bodies that do not fit with it are left out.
func (l *VertexLog) Range(from uint64, maxBytes int) (LogRange, error) {
	l.mu.RLock()
	out := LogRange{Next: from, End: l.durable}
	segment, offset := 0, int64(segmentHeaderBytes)
	if from > 0 && from < out.End {
		before := l.positions[from-1]
		segment, offset = int(before.segment), int64(before.offset)+int64(before.size)
	}
	l.mu.RUnlock()
	if from >= out.End {
		return out, nil
	}
	used, waiting := 0, [][]byte(nil) // bodies whose vertex is still to come
	err := l.scan(segment, offset, func(r record) error {
		fits := used+r.size <= maxBytes
		if r.kind == kindBatch {
			if fits {
				waiting = append(waiting, append([]byte(nil), r.body...))
				used += r.size
			}
			return nil
		}
		if out.Next >= out.End || (!fits && out.Next > from) {
			return errRangeFull
		}
		out.Batches, waiting = append(out.Batches, waiting...), nil
		out.Vertices = append(out.Vertices, append([]byte(nil), r.body...))
		out.Next++
		used += r.size
		return nil
	})
	if err != nil && !errors.Is(err, errRangeFull) {
		return LogRange{}, err
	}
	return out, nil
}

// scan hands over the durable batches and vertices from a place on.
func (l *VertexLog) scan(first int, offset int64, visit func(record) error) error {
	l.mu.RLock()
	segments := append([]*segment(nil), l.segments...)
	ends := make([]int64, len(segments))
	for i, s := range segments {
		ends[i] = s.synced
	}
	l.mu.RUnlock()
	for i := first; i < len(segments); i++ {
		if err := scanSegment(segments[i], offset, ends[i], visit); err != nil {
			return err
		}
		offset = segmentHeaderBytes
	}
	return nil
}

func scanSegment(s *segment, offset, end int64, visit func(record) error) error {
	records := newRecordReader(s.file, offset, end)
	for {
		r, err := records.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, errBadRecord):
			return &CorruptLogError{File: s.path, Offset: offset, Reason: "a record was damaged since it was written"}
		case err != nil:
			return fmt.Errorf("vertex log: read %s at %d: %w", s.path, offset, err)
		}
		offset += int64(r.size)
		if r.kind != kindBatch && r.kind != kindVertex {
			continue
		}
		if err := visit(r); err != nil {
			return err
		}
	}
}
