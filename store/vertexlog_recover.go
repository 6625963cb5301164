package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// ErrLogCorrupt is wrapped by every CorruptLogError.
var ErrLogCorrupt = errors.New("vertex log is damaged")

// CorruptLogError says where a log holds damaged bytes that were durable once.
type CorruptLogError struct {
	File   string
	Offset int64
	Reason string
}

// Error names the place and what to do.
func (e *CorruptLogError) Error() string {
	return fmt.Sprintf("%v: %s at byte %d: %s. Nothing was changed. Restore the directory from a copy, or move it away and let"+
		" the node recover its place from the other sequencers; never let a second copy of this key sign", ErrLogCorrupt, e.File, e.Offset, e.Reason)
}

// Unwrap makes errors.Is(err, ErrLogCorrupt) hold.
func (e *CorruptLogError) Unwrap() error { return ErrLogCorrupt }

// recover opens all segments, indexes the records of the newest and cuts off the torn tail of the last one.
func (l *VertexLog) recover() error {
	if err := removeUnfinished(l.dir); err != nil {
		return err
	}
	numbers, err := listSegments(l.dir)
	if err != nil {
		return err
	}
	for i, number := range numbers {
		if err := l.recoverSegment(number, len(numbers)-1-i); err != nil {
			return err
		}
	}
	if len(numbers) == 0 {
		first, err := l.createSegment(1, segmentStart{})
		if err != nil {
			return err
		}
		l.segments = append(l.segments, first)
	}
	l.durable = l.length
	return l.finishLeap()
}

// recoverSegment opens the segment after which so many later ones come.
func (l *VertexLog) recoverSegment(number uint32, later int) error {
	path := filepath.Join(l.dir, segmentName(number))
	f, err := os.OpenFile(path, os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("vertex log: %w", err)
	}
	s := &segment{number: number, path: path, file: l.opts.wrap(f)}
	l.segments = append(l.segments, s)
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("vertex log: %w", err)
	}
	size := info.Size()
	if size > maxSegmentBytes+int64(maxRecordBytes)+int64(markBytes) {
		return &CorruptLogError{File: path, Offset: size, Reason: "the segment is larger than any this program writes"}
	}
	whole, err := s.readHeader(size)
	if err != nil {
		return err
	}
	if !whole {
		return l.restartSegment(s, size, later)
	}
	if err := l.joinSegment(s, later); err != nil {
		return err
	}
	s.written, s.synced = size, size
	if later > l.opts.recent {
		return nil
	}
	good, err := l.indexSegment(s, size)
	if err != nil {
		return err
	}
	s.written, s.synced = good, good
	if good < size {
		if err := l.cutTail(s, good, size, later == 0); err != nil {
			return err
		}
	}
	return s.syncRecovered()
}

// joinSegment checks that the segment begins where the one before it ended, as far as that was read, and takes up its
// position and bound.
func (l *VertexLog) joinSegment(s *segment, later int) error {
	if i := len(l.segments) - 2; i >= 0 && l.segments[i].index != nil && s.first != l.length && !s.leap {
		return &CorruptLogError{File: s.path, Reason: fmt.Sprintf("the segment begins at position %d, the one before it ends at %d", s.first, l.length)}
	}
	l.length, l.bound = s.first, s.bound
	if later <= l.opts.recent {
		s.index = newSegmentIndex()
	}
	return nil
}

// syncRecovered makes what was read durable: after a mere process crash it may be in the system's memory only.
func (s *segment) syncRecovered() error {
	if err := s.file.Sync(); err != nil {
		return fmt.Errorf("vertex log: sync %s: %w", s.path, err)
	}
	return nil
}

// readHeader reports false when the header never became durable (the file is shorter, or its header is all zero).
func (s *segment) readHeader(size int64) (bool, error) {
	if size < int64(segmentHeaderBytes) {
		return false, nil
	}
	header := make([]byte, segmentHeaderBytes)
	if _, err := s.file.ReadAt(header, 0); err != nil {
		return false, fmt.Errorf("vertex log: read %s: %w", s.path, err)
	}
	start, ok := parseSegmentHeader(header, s.number)
	switch {
	case ok:
		s.segmentStart = start
		return true, nil
	case bytes.Equal(header, make([]byte, segmentHeaderBytes)):
		return false, nil
	}
	return false, &CorruptLogError{File: s.path, Reason: "the segment's header is not one this program writes"}
}

// restartSegment writes the header of a segment whose creation was cut off. Records follow only a durable header, so
// none is lost; and the segment before is dropped only after that, so it is there.
func (l *VertexLog) restartSegment(s *segment, size int64, later int) error {
	if later > 0 || s.number > 1 && len(l.segments) == 1 {
		return &CorruptLogError{File: s.path, Reason: "the header is missing and other segments are or were there"}
	}
	if beyond, err := s.markBeyond(0, size); err != nil || beyond {
		return errors.Join(err, &CorruptLogError{File: s.path, Reason: "the header is missing"})
	}
	l.torn = size
	if err := s.file.Truncate(0); err != nil {
		return fmt.Errorf("vertex log: truncate %s: %w", s.path, err)
	}
	if err := s.begin(segmentStart{first: l.length, bound: l.bound}); err != nil {
		return err
	}
	return syncDirectory(l.dir)
}

// indexSegment adds the segment's records to the index and returns the offset after the last intact one.
func (l *VertexLog) indexSegment(s *segment, size int64) (int64, error) {
	offset := int64(segmentHeaderBytes)
	records := newRecordReader(s.file, offset, size)
	for {
		r, err := records.next()
		if errors.Is(err, io.EOF) || errors.Is(err, errBadRecord) {
			return offset, nil
		}
		if err != nil {
			return 0, fmt.Errorf("vertex log: read %s at %d: %w", s.path, offset, err)
		}
		l.note(s, r, place{offset: uint32(offset), size: uint32(r.size)})
		offset += int64(r.size)
	}
}

// cutTail removes the bytes after the last intact record, if no finished sync can have covered them (L2, L3).
func (l *VertexLog) cutTail(s *segment, good, size int64, last bool) error {
	if !last {
		return &CorruptLogError{File: s.path, Offset: good, Reason: "a record is damaged"}
	}
	if beyond, err := s.markBeyond(good, size); err != nil || beyond {
		return errors.Join(err, &CorruptLogError{File: s.path, Offset: good, Reason: "a record is damaged that was synced"})
	}
	l.torn = size - good
	if err := s.file.Truncate(good); err != nil {
		return fmt.Errorf("vertex log: truncate %s: %w", s.path, err)
	}
	return nil
}

func (s *segment) markBeyond(bad, size int64) (bool, error) {
	rest := make([]byte, size-bad)
	if _, err := s.file.ReadAt(rest, bad); err != nil && !errors.Is(err, io.EOF) {
		return false, fmt.Errorf("vertex log: read %s: %w", s.path, err)
	}
	return syncedBeyond(rest, bad), nil
}
