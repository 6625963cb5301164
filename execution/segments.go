package execution

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/etherscale/bedrock/types"
)

// segments keeps one record for each block, newest at the end, in files of segmentBlocks heights: what is written once, read
// seldom, and dropped in the order it came would only be copied about in a database of sorted tables. A record is
//
//	BE64 height | BE32 length | BE32 CRC-32C of the 12 bytes before and the payload | payload
//
// and the last one of a height counts. A file ends where its first broken record begins: a crash tears at most what was not
// synced. Files are synced when the next one begins, and by Sync. Reads are safe at any time; all else belongs to one
// goroutine.
type segments struct {
	dir    string
	budget int64 // bytes of all files; the newest file stays in any case

	mu    sync.Mutex
	index map[types.Height]place
	files map[types.Height]int64 // sizes, by first height
	file  *os.File               // the one that is written to; nil before the first Put
	first types.Height           // of file
}

// place is where a payload is in the file of its height.
type place struct {
	offset int64
	length uint32
	sum    uint32
}

const (
	segmentBlocks = 64
	recordHead    = 16
	segmentSuffix = ".witnesses"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// openSegments reads the heads of all records below dir, which it makes if it is missing.
func openSegments(dir string, budget int64) (*segments, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("witnesses: %w", err)
	}
	s := &segments{dir: dir, budget: budget, index: make(map[types.Height]place), files: make(map[types.Height]int64)}
	names, err := filepath.Glob(filepath.Join(dir, "*"+segmentSuffix))
	if err != nil {
		return nil, fmt.Errorf("witnesses: %w", err)
	}
	for _, name := range names {
		if err := s.scan(name); err != nil {
			return nil, fmt.Errorf("witnesses: %w", err)
		}
	}
	return s, nil
}

func segmentOf(h types.Height) types.Height { return h - h%segmentBlocks }

func (s *segments) path(first types.Height) string {
	return filepath.Join(s.dir, fmt.Sprintf("%020d%s", first, segmentSuffix))
}

// scan indexes a file up to its first record that is not whole.
func (s *segments) scan(name string) error {
	var first types.Height
	if _, err := fmt.Sscanf(filepath.Base(name), "%020d"+segmentSuffix, &first); err != nil || s.path(first) != name {
		return nil // not of this store
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	end := int64(0)
	for head := [recordHead]byte{}; ; {
		if _, err := f.ReadAt(head[:], end); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		height, at := parseHead(head, end)
		if segmentOf(height) != first || at.offset+int64(at.length) > info.Size() {
			break
		}
		s.index[height] = at
		end = at.offset + int64(at.length)
	}
	s.files[first] = end
	return nil
}

func parseHead(head [recordHead]byte, at int64) (types.Height, place) {
	return types.Height(binary.BigEndian.Uint64(head[:])),
		place{at + recordHead, binary.BigEndian.Uint32(head[8:]), binary.BigEndian.Uint32(head[12:])}
}

// Put appends a height's record. It is durable when the next file begins, or after Sync.
func (s *segments) Put(h types.Height, payload []byte) error {
	if uint64(len(payload)) > 1<<32-1 {
		return fmt.Errorf("witness of block %d has %d bytes: too many", h, len(payload))
	}
	if first := segmentOf(h); s.file == nil || s.first != first {
		if err := s.begin(first); err != nil {
			return fmt.Errorf("witness of block %d: %w", h, err)
		}
	}
	head := binary.BigEndian.AppendUint64(nil, uint64(h))
	head = binary.BigEndian.AppendUint32(head, uint32(len(payload)))
	sum := crc32.Update(crc32.Checksum(head, castagnoli), castagnoli, payload)
	head = binary.BigEndian.AppendUint32(head, sum)
	end := s.files[s.first]
	if _, err := s.file.WriteAt(append(head, payload...), end); err != nil {
		return fmt.Errorf("witness of block %d: %w", h, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.index[h] = place{end + recordHead, uint32(len(payload)), sum}
	s.files[s.first] = end + int64(recordHead+len(payload))
	return nil
}

// begin opens the file of a first height to append to it, cutting off what is broken at its end.
func (s *segments) begin(first types.Height) error {
	if err := s.closeFile(); err != nil {
		return err
	}
	f, err := os.OpenFile(s.path(first), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	s.file, s.first = f, first
	return f.Truncate(s.files[first])
}

func (s *segments) closeFile() error {
	if s.file == nil {
		return nil
	}
	err := errors.Join(s.file.Sync(), s.file.Close())
	s.file = nil
	return err
}

// Sync makes all records durable.
func (s *segments) Sync() error {
	if s.file == nil {
		return nil
	}
	if err := s.file.Sync(); err != nil {
		return fmt.Errorf("witnesses: %w", err)
	}
	return nil
}

// Close syncs and closes.
func (s *segments) Close() error {
	if err := s.closeFile(); err != nil {
		return fmt.Errorf("witnesses: %w", err)
	}
	return nil
}

// Get is a height's payload. Errors: ErrUnknown; what its sum contradicts is unknown, too.
func (s *segments) Get(h types.Height) ([]byte, error) {
	s.mu.Lock()
	at, ok := s.index[h]
	s.mu.Unlock()
	if !ok {
		return nil, fmt.Errorf("witness of block %d: %w", h, ErrUnknown)
	}
	f, err := os.Open(s.path(segmentOf(h)))
	if errors.Is(err, fs.ErrNotExist) { // pruned meanwhile
		return nil, fmt.Errorf("witness of block %d: %w", h, ErrUnknown)
	} else if err != nil {
		return nil, fmt.Errorf("witness of block %d: %w", h, err)
	}
	defer f.Close()
	record := make([]byte, recordHead+int(at.length))
	if _, err := f.ReadAt(record, at.offset-recordHead); err != nil {
		return nil, fmt.Errorf("witness of block %d: %w", h, err)
	}
	sum := crc32.Update(crc32.Checksum(record[:recordHead-4], castagnoli), castagnoli, record[recordHead:])
	if sum != at.sum {
		return nil, fmt.Errorf("witness of block %d is damaged on disk: %w", h, ErrUnknown)
	}
	return record[recordHead:], nil
}

// Prune removes whole files, oldest first: those whose last height old says is not needed any more, and as many more as the
// budget asks for.
func (s *segments) Prune(old func(last types.Height) bool) error {
	total := int64(0)
	for _, size := range s.files {
		total += size
	}
	for _, first := range slices.Sorted(maps.Keys(s.files)) {
		if first == s.first && s.file != nil || (total <= s.budget && !old(first+segmentBlocks-1)) {
			return nil
		}
		if err := os.Remove(s.path(first)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("witnesses: %w", err)
		}
		total -= s.files[first]
		s.forget(first)
	}
	return nil
}

func (s *segments) forget(first types.Height) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for h := first; h < first+segmentBlocks; h++ {
		delete(s.index, h)
	}
	delete(s.files, first)
}
