package store

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// FreeSpace is the number of bytes that may still be written to the disk that holds dir.
func FreeSpace(dir string) (uint64, error) {
	usage, err := vfs.Default.GetDiskUsage(dir)
	if err != nil {
		return 0, fmt.Errorf("free space of %s: %w", dir, err)
	}
	return usage.AvailBytes, nil
}

// checkFree fails with ErrDiskFull below the watermark. It is one statfs (about a microsecond) before each write: cheap
// beside the write, and other programs fill disks too. A file system that cannot tell is let pass.
func (db *DB) checkFree() error {
	usage, err := db.fs.GetDiskUsage(db.dir)
	if err != nil || usage.AvailBytes >= db.minFree {
		return nil
	}
	return fmt.Errorf("%s: %w: %d MiB free, %d MiB must stay free; make room and start the node again",
		db.dir, ErrDiskFull, usage.AvailBytes>>20, db.minFree>>20)
}
