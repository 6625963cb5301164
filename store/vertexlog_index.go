package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"sync"

	"github.com/etherscale/bedrock/types"
)

// place is where a record lies in its segment.
type place struct {
	offset uint32
	size   uint32 // of the whole record
}

// segmentIndex is what is known by heart of a recent segment.
type segmentIndex struct {
	vertices map[types.Hash]uint32 // number of the vertex in its segment
	places   []place               // of the vertices, by that number
	batches  map[types.BatchID]place
}

func newSegmentIndex() *segmentIndex {
	return &segmentIndex{vertices: make(map[types.Hash]uint32), batches: make(map[types.BatchID]place)}
}

// oldIndex finds records of an older segment in 12 bytes for a vertex and 8 for a batch. It is built when somebody first
// asks for something that old, by reading the segment once.
type oldIndex struct {
	once    sync.Once
	err     error
	keys    []oldKey // by the first bytes of the key
	offsets []uint32 // of the vertices
}

// oldKey is the beginning of a key; whether the record has the whole key is seen when it is read.
type oldKey struct {
	prefix uint32
	offset uint32
}

// prefixOf leaves out the four bytes that all batch ids share.
func prefixOf(kind recordKind, key []byte) uint32 {
	if kind == kindBatch {
		key = key[4:]
	}
	return binary.LittleEndian.Uint32(key)
}

func (s *segment) oldRecords() (*oldIndex, error) {
	s.old.once.Do(func() {
		offset := int64(segmentHeaderBytes)
		s.old.err = scanSegment(s, offset, s.synced, func(r record, at place) error {
			s.old.keys = append(s.old.keys, oldKey{prefixOf(r.kind, r.key), at.offset})
			if r.kind == kindVertex {
				s.old.offsets = append(s.old.offsets, at.offset)
			}
			return nil
		})
		sort.Slice(s.old.keys, func(i, j int) bool { return s.old.keys[i].prefix < s.old.keys[j].prefix })
	})
	return &s.old, s.old.err
}

// findOld reads the record of the kind and key from an older segment; ErrNotInLog when it is not there.
func (s *segment) findOld(kind recordKind, key []byte) ([]byte, error) {
	old, err := s.oldRecords()
	if err != nil {
		return nil, err
	}
	prefix := prefixOf(kind, key)
	i := sort.Search(len(old.keys), func(i int) bool { return old.keys[i].prefix >= prefix })
	for ; i < len(old.keys) && old.keys[i].prefix == prefix; i++ {
		r, err := s.readAt(old.keys[i].offset)
		if err != nil {
			return nil, err
		}
		if r.kind == kind && bytes.Equal(r.key, key) {
			return r.body, nil
		}
	}
	return nil, ErrNotInLog
}

// readAt reads the record at the offset of a sealed segment.
func (s *segment) readAt(offset uint32) (record, error) {
	var length [4]byte
	if _, err := s.file.ReadAt(length[:], int64(offset)); err != nil {
		return record{}, s.readError(int64(offset), err)
	}
	size := int64(binary.LittleEndian.Uint32(length[:])) + 8
	if size > int64(maxRecordBytes) {
		return record{}, s.damaged(int64(offset))
	}
	return s.readRecord(place{offset: offset, size: uint32(size)})
}

// readRecord reads a record that the file has.
func (s *segment) readRecord(at place) (record, error) {
	raw := make([]byte, at.size)
	if _, err := s.file.ReadAt(raw, int64(at.offset)); err != nil {
		return record{}, s.readError(int64(at.offset), err)
	}
	r, err := decodeRecord(raw)
	if err != nil {
		return record{}, s.damaged(int64(at.offset))
	}
	return r, nil
}

func (s *segment) damaged(offset int64) error {
	return &CorruptLogError{File: s.path, Offset: offset, Reason: "a record was damaged since it was written"}
}

// readError tells a segment that was dropped meanwhile from one that cannot be read.
func (s *segment) readError(offset int64, err error) error {
	switch {
	case errors.Is(err, os.ErrClosed):
		return fmt.Errorf("%s was dropped: %w", s.path, ErrNotInLog)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return s.damaged(offset)
	}
	return fmt.Errorf("vertex log: read %s at %d: %w", s.path, offset, err)
}
