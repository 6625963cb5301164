package store

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/etherscale/bedrock/types"
)

// recordKind says what a record of the vertex log holds.
type recordKind byte

const (
	kindBatch  recordKind = 1 // key: batch id, body: encoded batch
	kindVertex recordKind = 2 // key: digest, body: encoded vertex
	kindMark   recordKind = 3 // no key, body: LE64 offset up to which this segment was synced before
	kindBound  recordKind = 4 // no key, body: LE64 round: see SetBound
)

const (
	segmentMagic       = "bedrockv"
	segmentVersion     = 2
	segmentHeaderBytes = 40 // magic, version, number, first, bound, leap, crc
	recordOverhead     = 4 + 1 + 4
	maxRecordBytes     = recordOverhead + 36 + types.MaxVertexBytes + 4096
	markBytes          = recordOverhead + 8
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errBadRecord says that the bytes at an offset are no whole, intact record.
var errBadRecord = errors.New("not a whole and intact record")

func segmentName(number uint32) string { return fmt.Sprintf("%08d.vlog", number) }

func segmentHeader(number uint32, h segmentStart) []byte {
	header := append(make([]byte, 0, segmentHeaderBytes), segmentMagic...)
	header = binary.LittleEndian.AppendUint32(header, segmentVersion)
	header = binary.LittleEndian.AppendUint32(header, number)
	header = binary.LittleEndian.AppendUint64(header, h.first)
	header = binary.LittleEndian.AppendUint64(header, uint64(h.bound))
	var leap uint32
	if h.leap {
		leap = 1
	}
	header = binary.LittleEndian.AppendUint32(header, leap)
	return binary.LittleEndian.AppendUint32(header, crc32.Checksum(header, castagnoli))
}

// parseSegmentHeader is the inverse of segmentHeader; false for anything else.
func parseSegmentHeader(header []byte, number uint32) (segmentStart, bool) {
	h := segmentStart{
		first: binary.LittleEndian.Uint64(header[16:]),
		bound: types.Round(binary.LittleEndian.Uint64(header[24:])),
		leap:  header[32] == 1,
	}
	return h, bytes.Equal(header, segmentHeader(number, h))
}

func recordSize(key, body int) int { return recordOverhead + key + body }

func appendRecord(dst []byte, kind recordKind, key, body []byte) []byte {
	start := len(dst)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(1+len(key)+len(body)))
	dst = append(dst, byte(kind))
	dst = append(dst, key...)
	dst = append(dst, body...)
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

func appendMark(dst []byte, synced int64) []byte {
	return appendRecord(dst, kindMark, nil, binary.LittleEndian.AppendUint64(nil, uint64(synced)))
}

func keyBytes(kind recordKind) (int, bool) {
	switch kind {
	case kindBatch:
		return len(types.BatchID{}), true
	case kindVertex:
		return len(types.Hash{}), true
	case kindMark, kindBound:
		return 0, true
	}
	return 0, false
}

// record is a decoded record; key and body alias the bytes it was decoded from.
type record struct {
	kind recordKind
	key  []byte
	body []byte
	size int
}

// decodeRecord reads the record that fills raw exactly.
func decodeRecord(raw []byte) (record, error) {
	if len(raw) < recordOverhead || len(raw) > maxRecordBytes || int(binary.LittleEndian.Uint32(raw))+8 != len(raw) {
		return record{}, errBadRecord
	}
	payload := raw[:len(raw)-4]
	if crc32.Checksum(payload, castagnoli) != binary.LittleEndian.Uint32(raw[len(payload):]) {
		return record{}, errBadRecord
	}
	kind := recordKind(payload[4])
	key, known := keyBytes(kind)
	if !known || 5+key > len(payload) || (key == 0 && len(raw) != markBytes) {
		return record{}, errBadRecord
	}
	return record{kind: kind, key: payload[5 : 5+key], body: payload[5+key:], size: len(raw)}, nil
}

// recordReader reads records one after the other; the buffer is reused, so a record lives until the next call.
type recordReader struct {
	in  *bufio.Reader
	buf []byte
}

func newRecordReader(file io.ReaderAt, from, to int64) *recordReader {
	return &recordReader{in: bufio.NewReaderSize(io.NewSectionReader(file, from, to-from), 256<<10)}
}

// next returns io.EOF at a clean end, errBadRecord for whatever is no intact record, other errors from the file.
func (r *recordReader) next() (record, error) {
	var length [4]byte
	if n, err := io.ReadFull(r.in, length[:]); err != nil {
		if n > 0 && errors.Is(err, io.ErrUnexpectedEOF) {
			return record{}, errBadRecord
		}
		return record{}, err
	}
	size := int64(binary.LittleEndian.Uint32(length[:])) + 8
	if size < int64(recordOverhead) || size > int64(maxRecordBytes) {
		return record{}, errBadRecord
	}
	if int64(cap(r.buf)) < size {
		r.buf = make([]byte, size+size/2)
	}
	raw := r.buf[:size]
	copy(raw, length[:])
	if _, err := io.ReadFull(r.in, raw[4:]); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return record{}, errBadRecord
		}
		return record{}, err
	}
	return decodeRecord(raw)
}

// syncedBeyond looks in the bytes after a bad record at offset bad for an intact mark which says that this place was
// once synced. The search is by bytes, since a bad record hides where the next one begins.
func syncedBeyond(rest []byte, bad int64) bool {
	prefix := binary.LittleEndian.AppendUint32(nil, 9)
	prefix = append(prefix, byte(kindMark))
	for {
		i := bytes.Index(rest, prefix)
		if i < 0 || len(rest)-i < markBytes {
			return false
		}
		if mark, err := decodeRecord(rest[i : i+markBytes]); err == nil && binary.LittleEndian.Uint64(mark.body) > uint64(bad) {
			return true
		}
		rest = rest[i+1:]
	}
}
