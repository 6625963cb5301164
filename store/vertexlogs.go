package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/etherscale/bedrock/types"
)

const (
	unsignedName    = "unsigned"
	unsignedVersion = 1
	unsignedSize    = 1 + 8 + 4
	removedSuffix   = ".removed"
	epochDigits     = 10
)

// VertexLogs is the directory of one key's vertex logs, one for each epoch, and the record of the epochs in which the key
// surely signed nothing.
//
//	0000000003/   the vertex log of epoch 3
//	unsigned      version(1) | BE64 epoch | BE32 CRC-32C: the key signed nothing in this epoch and later ones
//
// Whoever loses the directory loses the record with it, and a missing record says that nothing is sure: so a lost disk is
// never taken for a key that is new to an epoch.
type VertexLogs struct {
	dir  string
	opts LogOptions

	mu       sync.Mutex
	known    bool // the record exists
	unsigned types.Epoch
}

// OpenVertexLogs opens or makes the directory; errors: ErrBroken for a damaged record, the system's.
func OpenVertexLogs(dir string, opts LogOptions) (*VertexLogs, error) {
	if err := makeLogDir(dir); err != nil {
		return nil, err
	}
	l := &VertexLogs{dir: dir, opts: opts}
	content, err := os.ReadFile(filepath.Join(dir, unsignedName))
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("vertex logs: %w", err)
	default:
		if l.unsigned, err = decodeUnsigned(content); err != nil {
			return nil, broken(dir, err)
		}
		l.known = true
	}
	return l, l.finishRemovals()
}

func decodeUnsigned(b []byte) (types.Epoch, error) {
	if len(b) != unsignedSize || b[0] != unsignedVersion {
		return 0, fmt.Errorf("%s: %d bytes, want version %d and %d bytes", unsignedName, len(b), unsignedVersion, unsignedSize)
	}
	if binary.BigEndian.Uint32(b[9:]) != crc32.Checksum(b[:9], castagnoli) {
		return 0, fmt.Errorf("%s: wrong checksum", unsignedName)
	}
	return types.Epoch(binary.BigEndian.Uint64(b[1:])), nil
}

func encodeUnsigned(e types.Epoch) []byte {
	b := binary.BigEndian.AppendUint64([]byte{unsignedVersion}, uint64(e))
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// Unsigned reports whether the key surely signed nothing in an epoch.
func (l *VertexLogs) Unsigned(e types.Epoch) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.known && e >= l.unsigned
}

// Signed notes, durably, that the key signs in epoch e or did, and signed nothing in later ones. It never takes back what
// an earlier call said of a later epoch.
func (l *VertexLogs) Signed(e types.Epoch) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known && l.unsigned > e {
		return nil
	}
	if err := writeAtomic(vfs.Default, l.dir, unsignedName, encodeUnsigned(e+1)); err != nil {
		return fmt.Errorf("vertex logs: %w", err)
	}
	l.known, l.unsigned = true, e+1
	return nil
}

// Open opens or makes the log of an epoch; it must not be open already.
func (l *VertexLogs) Open(e types.Epoch) (*VertexLog, error) {
	log, err := OpenVertexLog(l.path(e), l.opts)
	if err != nil {
		return nil, fmt.Errorf("epoch %d: %w", e, err)
	}
	return log, nil
}

func (l *VertexLogs) path(e types.Epoch) string {
	return filepath.Join(l.dir, fmt.Sprintf("%0*d", epochDigits, uint64(e)))
}

// Epochs lists the epochs that have a log, ascending.
func (l *VertexLogs) Epochs() ([]types.Epoch, error) {
	entries, err := os.ReadDir(l.dir)
	if err != nil {
		return nil, fmt.Errorf("vertex logs: %w", err)
	}
	var out []types.Epoch
	for _, entry := range entries {
		n, err := strconv.ParseUint(entry.Name(), 10, 64)
		if err == nil && entry.IsDir() && filepath.Base(l.path(types.Epoch(n))) == entry.Name() {
			out = append(out, types.Epoch(n))
		}
	}
	slices.Sort(out)
	return out, nil
}

// Remove removes the log of an epoch, which must not be open. A crash in between leaves all of it or, from the next
// OpenVertexLogs on, nothing.
func (l *VertexLogs) Remove(e types.Epoch) error {
	removed := l.path(e) + removedSuffix
	if err := os.Rename(l.path(e), removed); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("vertex logs: %w", err)
	}
	if err := syncDirectory(l.dir); err != nil {
		return err
	}
	if err := os.RemoveAll(removed); err != nil {
		return fmt.Errorf("vertex logs: %w", err)
	}
	return nil
}

func (l *VertexLogs) finishRemovals() error {
	entries, err := os.ReadDir(l.dir)
	if err != nil {
		return fmt.Errorf("vertex logs: %w", err)
	}
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), removedSuffix) {
			if err := os.RemoveAll(filepath.Join(l.dir, entry.Name())); err != nil {
				return fmt.Errorf("vertex logs: %w", err)
			}
		}
	}
	return nil
}
