package store

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// format is the on-disk format of pebble that Schema 1 was begun with. Raising it is a migration.
const format = pebble.FormatValueSeparation

const (
	defaultCache = 8 << 20
	memTable     = 8 << 20 // room for a block of 2 MiB: what takes more than half of one is flushed by itself. It grows from 256 KiB
	// separateBytes is from where a value is larger than what a reference to it costs many times over.
	separateBytes = 1 << 10
	openFiles     = 256
	// rewriteAge and rewriteAgeLeast bound the age from which a file of values is rewritten for what in it was deleted; between
	// them it is as long as mostWritten bytes a second take to fill the budget.
	rewriteAge      = 5 * time.Minute
	rewriteAgeLeast = 10 * time.Second
	mostWritten     = 64 << 20
)

// pebbleOptions tunes for a small machine, and for many nodes in one process: little memory, one compaction at a time.
func pebbleOptions(fs vfs.FS, opts Options, pressed *atomic.Bool) *pebble.Options {
	if opts.Cache <= 0 {
		opts.Cache = defaultCache
	}
	o := &pebble.Options{
		FS:                          orderedFS{fs},
		FormatMajorVersion:          format,
		CacheSize:                   opts.Cache,
		MemTableSize:                memTable,
		MemTableStopWritesThreshold: 4,
		MaxOpenFiles:                openFiles,
		CompactionConcurrencyRange:  func() (int, int) { return 1, 1 },
		L0CompactionThreshold:       4,
		BytesPerSync:                1 << 20,
		ReadOnly:                    opts.ReadOnly,
		ErrorIfNotExists:            true, // an empty database in the place of a lost one would go unnoticed
		Logger:                      logger{opts.Logger, opts.Fatal},
	}
	o.Experimental.ValueSeparationPolicy = func() pebble.ValueSeparationPolicy { return separation(opts.Budget, pressed.Load()) }
	return o
}

// separation keeps values of some size, bodies and rows above all, in files of their own: compactions move their keys and
// not them. Keys and values are written once and deleted together with others of their age, so what is garbage in such a
// file soon is the whole of it; the ratio bounds what random deletions leave. A file is rewritten for its garbage when it is old
// enough that the rest of it would have gone by itself: that must be before a small budget is full.
func separation(budget int64, pressed bool) pebble.ValueSeparationPolicy {
	p := pebble.ValueSeparationPolicy{
		Enabled: true, MinimumSize: separateBytes, MaxBlobReferenceDepth: 10, RewriteMinimumAge: rewriteAge, TargetGarbageRatio: 0.3,
	}
	if budget > 0 {
		p.RewriteMinimumAge = min(max(time.Duration(budget/mostWritten)*time.Second, rewriteAgeLeast), rewriteAge)
	}
	if pressed {
		p.TargetGarbageRatio = 0.05
	}
	return p
}

// logger hands pebble's reports to slog: its notes are for developers, its errors for the person who runs the node.
type logger struct {
	out   *slog.Logger
	fatal func(error)
}

// Infof logs at debug level.
func (l logger) Infof(format string, args ...any) {
	if l.out != nil && l.out.Enabled(context.Background(), slog.LevelDebug) {
		l.out.Debug("store_note", "text", fmt.Sprintf(format, args...))
	}
}

// Errorf logs an error.
func (l logger) Errorf(format string, args ...any) {
	if l.out != nil {
		l.out.Error("store_error", "text", fmt.Sprintf(format, args...))
	}
}

// Fatalf ends the process: what is on disk is not known any more (S5).
func (l logger) Fatalf(format string, args ...any) {
	err := fmt.Errorf("the store cannot go on and the node has to stop: %s; check the disk, then start the node again",
		fmt.Sprintf(format, args...))
	if l.out != nil {
		l.out.Error("store_fatal", "error", err)
	}
	if l.fatal != nil {
		l.fatal(err)
	}
	panic(err)
}
