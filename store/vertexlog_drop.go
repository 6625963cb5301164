package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/etherscale/bedrock/types"
)

// LogSegment describes a segment of the log.
type LogSegment struct {
	First uint64 // position of its first vertex
	Next  uint64 // position after its last one
	Bytes int64
}

// Segments lists the segments, oldest first; the last one is being written to.
func (l *VertexLog) Segments() []LogSegment {
	l.mu.RLock()
	defer l.mu.RUnlock()
	out := make([]LogSegment, len(l.segments))
	for i, s := range l.segments {
		out[i] = LogSegment{First: s.first, Next: l.nextOf(i), Bytes: s.written}
	}
	return out
}

// nextOf is the position after the last vertex of the i-th segment. The caller holds mu.
func (l *VertexLog) nextOf(i int) uint64 {
	if i+1 < len(l.segments) {
		return l.segments[i+1].first
	}
	return l.length
}

// First is the position of the oldest vertex that is kept.
func (l *VertexLog) First() uint64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.segments[0].first
}

// DropBelow removes the oldest segments all of whose vertices lie below the position; the newest segment always stays.
// Bodies in keep that lie in them are copied to the end of the log before. The caller sees to it that nobody needs the
// rest: what the node replays at its next start, and what it promised to keep for others.
func (l *VertexLog) DropBelow(position uint64, keep []types.BatchID) error {
	l.write.Lock()
	defer l.write.Unlock()
	if l.failed != nil {
		return l.failed
	}
	drop := l.droppable(position)
	if len(drop) == 0 {
		return nil
	}
	if err := l.copyBodies(drop, keep); err != nil {
		return l.fail(err)
	}
	for _, s := range drop {
		if err := l.dropOldest(s); err != nil {
			return l.fail(err)
		}
	}
	return nil
}

func (l *VertexLog) droppable(position uint64) []*segment {
	l.mu.RLock()
	defer l.mu.RUnlock()
	n := 0
	for n+1 < len(l.segments) && l.segments[n+1].first <= position {
		n++
	}
	return append([]*segment(nil), l.segments[:n]...)
}

// copyBodies makes sure that the bodies are durable outside the segments that go.
func (l *VertexLog) copyBodies(drop []*segment, keep []types.BatchID) error {
	for _, id := range keep {
		if l.HasBatch(id) && !l.batchIn(drop, id) {
			continue
		}
		for _, s := range drop {
			body, err := l.batchOf(s, id)
			if errors.Is(err, ErrNotInLog) {
				continue
			}
			if err == nil {
				err = l.appendLocked(kindBatch, id[:], body)
			}
			if err != nil {
				return err
			}
			break
		}
	}
	return l.sync()
}

// batchIn reports whether the newest place of a body known by heart is in one of the segments.
func (l *VertexLog) batchIn(segments []*segment, id types.BatchID) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for i := len(l.segments) - 1; i >= len(segments); i-- {
		if s := l.segments[i]; s.index != nil {
			if _, ok := s.index.batches[id]; ok {
				return false
			}
		}
	}
	return true
}

// dropOldest removes one segment; the removal is durable before the next one's, so that no crash leaves a gap (L5).
func (l *VertexLog) dropOldest(s *segment) error {
	if err := os.Remove(s.path); err != nil {
		return fmt.Errorf("vertex log: %w", err)
	}
	if err := syncDirectory(l.dir); err != nil {
		return err
	}
	l.mu.Lock()
	l.segments[0] = nil
	l.segments = l.segments[1:]
	l.mu.Unlock()
	if err := s.file.Close(); err != nil {
		return fmt.Errorf("vertex log: %w", err)
	}
	return nil
}

// LeapTo begins a new stretch of the log at a position above its end, for a node that goes on from others' state and does
// not read what lies between. The vertex with the digest, if there is one, is taken along as the first one: it is the node's
// own newest. What was before is removed. After a crash the log is as before, or the leap is done.
func (l *VertexLog) LeapTo(position uint64, own types.Hash) error {
	l.write.Lock()
	defer l.write.Unlock()
	if l.failed != nil {
		return l.failed
	}
	if position <= l.Len() {
		return fmt.Errorf("vertex log: leap from position %d to %d", l.Len(), position)
	}
	return l.fail(l.leap(position, own))
}

func (l *VertexLog) leap(position uint64, own types.Hash) error {
	if err := l.sync(); err != nil {
		return err
	}
	records, err := l.takeAlong(own)
	if err != nil {
		return err
	}
	next, err := l.createLeap(l.active().number+1, segmentStart{first: position, bound: l.bound, leap: true}, records)
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.segments = append(l.segments, next)
	l.length, l.durable = position, position
	_, err = l.indexSegment(next, next.written)
	l.durable = l.length
	l.mu.Unlock()
	if err != nil {
		return err
	}
	return l.finishLeap()
}

// takeAlong is the record of the vertex and those of its bodies, as far as they are here.
func (l *VertexLog) takeAlong(own types.Hash) ([]byte, error) {
	if own == (types.Hash{}) {
		return nil, nil
	}
	encoded, err := l.Vertex(own)
	if err != nil {
		return nil, err
	}
	v, err := types.DecodeVertex(encoded)
	if err != nil {
		return nil, fmt.Errorf("vertex log: %w", err)
	}
	var records []byte
	for _, r := range v.Body().Receipts {
		body, err := l.Batch(r.Batch)
		if errors.Is(err, ErrNotInLog) {
			continue
		}
		if err != nil {
			return nil, err
		}
		records = appendRecord(records, kindBatch, r.Batch[:], body)
	}
	return appendRecord(records, kindVertex, own[:], encoded), nil
}

// createLeap writes the new segment under another name and gives it its own when it is durable as a whole.
func (l *VertexLog) createLeap(number uint32, start segmentStart, records []byte) (*segment, error) {
	path := filepath.Join(l.dir, segmentName(number))
	content := append(segmentHeader(number, start), records...)
	if err := writeDurably(path, content); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("vertex log: %w", err)
	}
	size := int64(len(content))
	return &segment{segmentStart: start, number: number, path: path, file: l.opts.wrap(f), written: size, synced: size, index: newSegmentIndex()}, nil
}

// finishLeap removes what lies before the newest leap. Nobody else changes the log meanwhile.
func (l *VertexLog) finishLeap() error {
	for i := len(l.segments) - 1; i > 0; i-- {
		if !l.segments[i].leap {
			continue
		}
		for range i {
			if err := l.dropOldest(l.segments[0]); err != nil {
				return err
			}
		}
		break
	}
	return nil
}
