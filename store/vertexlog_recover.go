package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/etherscale/bedrock/types"
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

// recover opens all segments, indexes their records and cuts off the torn tail of the last one.
func (l *VertexLog) recover() error {
	numbers, err := listSegments(l.dir)
	if err != nil {
		return err
	}
	for i, number := range numbers {
		last := i == len(numbers)-1
		if err := l.recoverSegment(number, last); err != nil {
			return err
		}
	}
	if len(numbers) == 0 {
		first, err := l.createSegment(1)
		if err != nil {
			return err
		}
		l.segments = append(l.segments, first)
	}
	l.durable = uint64(len(l.positions))
	return nil
}

// listSegments returns the numbers of the segment files, which must run from 1 without gaps.
func listSegments(dir string) ([]uint32, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("vertex log: %w", err)
	}
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".vlog") {
			names = append(names, e.Name())
		}
	}
	sort.Strings(names)
	numbers := make([]uint32, len(names))
	for i, name := range names {
		numbers[i] = uint32(i + 1)
		if want := segmentName(numbers[i]); name != want {
			return nil, &CorruptLogError{File: filepath.Join(dir, want), Reason: "this segment is missing, later ones are there"}
		}
	}
	return numbers, nil
}

func (l *VertexLog) recoverSegment(number uint32, last bool) error {
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
	if info.Size() > maxSegmentBytes+int64(maxRecordBytes)+int64(markBytes) {
		return &CorruptLogError{File: path, Offset: info.Size(), Reason: "the segment is larger than any this program writes"}
	}
	whole, err := s.checkHeader(info.Size())
	if err != nil {
		return err
	}
	if !whole {
		return l.restartSegment(s, info.Size(), last)
	}
	good, err := l.indexSegment(s, info.Size())
	if err != nil {
		return err
	}
	s.written, s.synced = good, good
	if good < info.Size() {
		if err := l.cutTail(s, good, info.Size(), last); err != nil {
			return err
		}
	}
	return s.syncRecovered()
}

// syncRecovered makes what was read durable: after a mere process crash it may be in the system's memory only.
func (s *segment) syncRecovered() error {
	if err := s.file.Sync(); err != nil {
		return fmt.Errorf("vertex log: sync %s: %w", s.path, err)
	}
	return nil
}

// checkHeader reports false when the header never became durable (the file is shorter, or its header is all zero).
func (s *segment) checkHeader(size int64) (bool, error) {
	if size < int64(segmentHeaderBytes) {
		return false, nil
	}
	header := make([]byte, segmentHeaderBytes)
	if _, err := s.file.ReadAt(header, 0); err != nil {
		return false, fmt.Errorf("vertex log: read %s: %w", s.path, err)
	}
	switch {
	case bytes.Equal(header, segmentHeader(s.number)):
		return true, nil
	case bytes.Equal(header, make([]byte, segmentHeaderBytes)):
		return false, nil
	}
	return false, &CorruptLogError{File: s.path, Reason: "the segment's header is not one this program writes"}
}

// restartSegment writes the header of a segment whose creation was cut off. Records follow only a durable header, so
// none is lost.
func (l *VertexLog) restartSegment(s *segment, size int64, last bool) error {
	if !last {
		return &CorruptLogError{File: s.path, Reason: "the header is missing and later segments are there"}
	}
	if beyond, err := s.markBeyond(0, size); err != nil || beyond {
		return errors.Join(err, &CorruptLogError{File: s.path, Reason: "the header is missing"})
	}
	l.torn = size
	if err := s.file.Truncate(0); err != nil {
		return fmt.Errorf("vertex log: truncate %s: %w", s.path, err)
	}
	if err := s.begin(); err != nil {
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
		at := location{segment: uint32(len(l.segments) - 1), offset: uint32(offset), size: uint32(r.size)}
		switch r.kind {
		case kindBatch:
			l.batches[types.BatchID(r.key)] = at
		case kindBound:
			l.bound = types.Round(binary.LittleEndian.Uint64(r.body))
		case kindVertex:
			if _, twice := l.vertices[types.Hash(r.key)]; !twice {
				l.addVertex(types.Hash(r.key), at)
			}
		}
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
