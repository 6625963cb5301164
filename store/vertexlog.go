package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/etherscale/bedrock/types"
)

// Sizes of the vertex log.
const (
	// DefaultSegmentBytes is where a segment file ends and the next begins.
	DefaultSegmentBytes = 64 << 20
	maxSegmentBytes     = 1 << 30
	// flushBytes is how much the log keeps in memory before it hands it to the operating system, unsynced.
	flushBytes = 1 << 20
	// recentSegments is how many sealed segments have every digest in memory: at 64 MiB each they hold some hundreds of
	// rounds of the largest committee at full load, several horizons.
	recentSegments = 4
	// searchedSegments is how many older ones are searched for a name: at 64 MiB each 2 GiB are read once, and their indexes
	// take some tens of MiB, whatever strangers ask for. By position everything that is kept is found.
	searchedSegments = 32
)

// ErrLogClosed is returned by every use of a closed log.
var ErrLogClosed = errors.New("vertex log is closed")

// ErrLogFull says that the disk has no room for the log.
var ErrLogFull = errors.New("the disk of the vertex log is full")

// LogOptions are the knobs of a vertex log; the zero value is usable.
type LogOptions struct {
	// SegmentBytes caps a segment file; 0 means DefaultSegmentBytes. It is at most 1 GiB and at least one record.
	SegmentBytes int64

	recent int // sealed segments whose index is in memory; 0 means recentSegments
	// wrap lets tests put faults between the log and its files.
	wrap func(logFile) logFile
}

// logFile is what the log needs of a file.
type logFile interface {
	ReadAt(p []byte, off int64) (int, error)
	WriteAt(p []byte, off int64) (int, error)
	Truncate(size int64) error
	Sync() error
	Close() error
}

// VertexLog is the append-only log of accepted vertices and of the batch bodies that they receipt, kept in segment files.
//
//	segment = magic(8) version(4) number(4) first(8) bound(8) leap(4) crc(4) record*    file name: %08d.vlog, numbers without gaps
//	record  = length(4) kind(1) key(32 | 36 | 0) body crc(4)      length counts kind, key and body; crc is CRC-32C of all before it
//
// Numbers are little-endian; first is the position of the segment's first vertex, bound the newest one set before it. So
// the oldest segments can be removed (DropBelow): positions stay what they were. Leap is 1 in a segment that does not go on
// where the one before it ended (see LeapTo), else 0. Cuts lie beside the segments (SaveCut). Invariants:
//
//	L1 what was appended before a Sync that returned nil survives any crash, until it is dropped;
//	L2 a tail that no finished Sync covers may vanish; Open cuts it off and Torn says how many bytes it was;
//	L3 damage to synced bytes is never taken for a torn tail while a later mark shows that they were synced: Open
//	   returns a CorruptLogError. (A mark at the end of each group says up to where the groups before it were synced.)
//	   Segments older than the newest few are not read by Open, only their headers: there damage shows when they are read.
//	L4 after a failed write or sync nothing is accepted any more: the state of the file is unknown until it is reopened.
//	L5 a crash in the middle of DropBelow leaves a log that begins at one of the segments it went through.
//
// Appends and Syncs may be called from any goroutine, one at a time takes effect; reads run beside them.
type VertexLog struct {
	dir  string
	opts LogOptions

	write  sync.Mutex // held while appending, flushing, syncing and dropping
	failed error      // guarded by write: why the log takes nothing any more

	mu       sync.RWMutex // guards what follows
	segments []*segment   // without gaps; the last one is written to
	pending  []byte       // records of the last segment that are not handed to the file yet
	length   uint64       // position after the newest vertex
	durable  uint64       // vertices below this position are covered by a finished Sync
	bound    types.Round

	torn  int64
	syncs atomic.Uint64
}

// segmentStart is what a segment's header says beside its number.
type segmentStart struct {
	first uint64 // position of its first vertex
	bound types.Round
	leap  bool // what was before it is not continued
}

// segment is one file of the log.
type segment struct {
	segmentStart
	number  uint32
	path    string
	file    logFile
	written int64         // bytes handed to the file
	synced  int64         // bytes that a finished Sync covers
	index   *segmentIndex // of the newest segments; nil for older ones
	old     oldIndex      // of the others
}

// OpenVertexLog opens or creates the log in dir, cuts off a torn tail and checks every record. A damaged log is a
// CorruptLogError (errors.Is ErrLogCorrupt), and no file was changed then.
func OpenVertexLog(dir string, opts LogOptions) (*VertexLog, error) {
	if opts.SegmentBytes == 0 {
		opts.SegmentBytes = DefaultSegmentBytes
	}
	if opts.SegmentBytes < 0 || opts.SegmentBytes > maxSegmentBytes {
		return nil, fmt.Errorf("vertex log: segment size %d is not in 1..%d", opts.SegmentBytes, maxSegmentBytes)
	}
	if opts.wrap == nil {
		opts.wrap = func(f logFile) logFile { return f }
	}
	if opts.recent == 0 {
		opts.recent = recentSegments
	}
	l := &VertexLog{dir: dir, opts: opts}
	if err := makeLogDir(dir); err != nil {
		return nil, err
	}
	if err := l.recover(); err != nil {
		l.closeFiles()
		return nil, err
	}
	return l, nil
}

// AppendBatch adds the body of a batch; one that is there already is left alone. The body is copied.
func (l *VertexLog) AppendBatch(id types.BatchID, body []byte) error {
	if l.HasBatch(id) {
		return nil
	}
	return l.append(kindBatch, id[:], body)
}

// AppendVertex adds an encoded vertex at the next position; one that is there already is left alone. The bodies that
// it receipts must have been appended before. The encoding is copied.
func (l *VertexLog) AppendVertex(digest types.Hash, encoded []byte) error {
	if l.HasVertex(digest) {
		return nil
	}
	return l.append(kindVertex, digest[:], encoded)
}

// SetBound notes that the node makes no own vertex of the round or below, since an earlier log was lost; the newest
// bound counts. It is durable after the next Sync.
func (l *VertexLog) SetBound(round types.Round) error {
	body := binary.LittleEndian.AppendUint64(nil, uint64(round))
	return l.append(kindBound, nil, body)
}

// Bound is the newest bound, 0 if none was ever set.
func (l *VertexLog) Bound() types.Round {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.bound
}

func (l *VertexLog) append(kind recordKind, key, body []byte) error {
	l.write.Lock()
	defer l.write.Unlock()
	if l.failed != nil {
		return l.failed
	}
	return l.appendLocked(kind, key, body)
}

// appendLocked is append for a caller that holds write.
func (l *VertexLog) appendLocked(kind recordKind, key, body []byte) error {
	size := recordSize(len(key), len(body))
	if size > maxRecordBytes {
		return fmt.Errorf("vertex log: record of %d bytes, at most %d", size, maxRecordBytes)
	}
	if end := l.end(); end > segmentHeaderBytes && end+int64(size) > l.opts.SegmentBytes {
		if err := l.rotate(); err != nil {
			return l.fail(err)
		}
	}
	l.mu.Lock()
	at := place{offset: uint32(l.end()), size: uint32(size)}
	l.pending = appendRecord(l.pending, kind, key, body)
	l.note(l.active(), record{kind: kind, key: key, body: body}, at)
	full := len(l.pending) >= flushBytes
	l.mu.Unlock()
	if full {
		return l.fail(l.flush())
	}
	return nil
}

// note indexes a record of the last segment. The caller holds mu, or nobody else knows the log yet.
func (l *VertexLog) note(s *segment, r record, at place) {
	switch r.kind {
	case kindBatch:
		s.index.batches[types.BatchID(r.key)] = at
	case kindBound:
		l.bound = types.Round(binary.LittleEndian.Uint64(r.body))
	case kindVertex:
		s.index.vertices[types.Hash(r.key)] = uint32(len(s.index.places))
		s.index.places = append(s.index.places, at)
		l.length++
	}
}

// Sync makes everything appended so far durable with one fsync. With nothing new to sync it does nothing.
func (l *VertexLog) Sync() error {
	l.write.Lock()
	defer l.write.Unlock()
	if l.failed != nil {
		return l.failed
	}
	return l.fail(l.sync())
}

func (l *VertexLog) sync() error {
	active := l.active()
	if l.end() == active.synced {
		return nil
	}
	l.mu.Lock()
	l.pending = appendMark(l.pending, active.synced)
	l.mu.Unlock()
	if err := l.flush(); err != nil {
		return err
	}
	if err := active.file.Sync(); err != nil {
		return fmt.Errorf("vertex log: sync %s: %w", active.path, err)
	}
	l.syncs.Add(1)
	l.mu.Lock()
	active.synced = active.written
	l.durable = l.length
	l.mu.Unlock()
	return nil
}

// flush hands the pending records to the file. The caller holds write, so pending does not change meanwhile.
func (l *VertexLog) flush() error {
	active := l.active()
	if len(l.pending) == 0 {
		return nil
	}
	if _, err := active.file.WriteAt(l.pending, active.written); err != nil {
		return fmt.Errorf("vertex log: write %s: %w", active.path, err)
	}
	l.mu.Lock()
	active.written += int64(len(l.pending))
	l.pending = l.pending[:0]
	if cap(l.pending) > 4*flushBytes {
		l.pending = nil
	}
	l.mu.Unlock()
	return nil
}

// rotate ends the active segment, synced as a whole, and begins the next.
func (l *VertexLog) rotate() error {
	if err := l.sync(); err != nil {
		return err
	}
	next, err := l.createSegment(l.active().number+1, segmentStart{first: l.length, bound: l.bound})
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.segments = append(l.segments, next)
	if i := len(l.segments) - 2 - l.opts.recent; i >= 0 {
		l.segments[i].index = nil
	}
	l.mu.Unlock()
	return nil
}

func (l *VertexLog) createSegment(number uint32, start segmentStart) (*segment, error) {
	path := filepath.Join(l.dir, segmentName(number))
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("vertex log: %w", err)
	}
	s := &segment{number: number, path: path, file: l.opts.wrap(f)}
	if err := s.begin(start); err != nil {
		return nil, errors.Join(err, s.file.Close())
	}
	if err := syncDirectory(l.dir); err != nil {
		return nil, errors.Join(err, s.file.Close())
	}
	return s, nil
}

// begin writes the segment's header durably.
func (s *segment) begin(start segmentStart) error {
	s.segmentStart, s.index = start, newSegmentIndex()
	header := segmentHeader(s.number, start)
	if _, err := s.file.WriteAt(header, 0); err != nil {
		return fmt.Errorf("vertex log: write %s: %w", s.path, err)
	}
	if err := s.file.Sync(); err != nil {
		return fmt.Errorf("vertex log: sync %s: %w", s.path, err)
	}
	s.written, s.synced = int64(len(header)), int64(len(header))
	return nil
}

func (l *VertexLog) active() *segment { return l.segments[len(l.segments)-1] }

// end is the offset of the next record in the active segment.
func (l *VertexLog) end() int64 { return l.active().written + int64(len(l.pending)) }

// fail remembers the first failure; afterwards the log takes nothing any more (L4).
func (l *VertexLog) fail(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		err = fmt.Errorf("%w: %w; make room and start the node again, nothing that was acknowledged is lost", ErrLogFull, err)
	}
	if err != nil && l.failed == nil {
		l.failed = err
	}
	return err
}

// Syncs counts the fsyncs of records since the log was opened.
func (l *VertexLog) Syncs() uint64 { return l.syncs.Load() }

// Torn is how many bytes of an unsynced tail Open cut off.
func (l *VertexLog) Torn() int64 { return l.torn }

// Close syncs and closes the log.
func (l *VertexLog) Close() error {
	l.write.Lock()
	defer l.write.Unlock()
	if errors.Is(l.failed, ErrLogClosed) {
		return nil
	}
	var err error
	if l.failed == nil {
		err = l.sync()
	}
	l.failed = ErrLogClosed
	return errors.Join(err, l.closeFiles())
}

func (l *VertexLog) closeFiles() error {
	var errs []error
	for _, s := range l.segments {
		errs = append(errs, s.file.Close())
	}
	return errors.Join(errs...)
}
