package store

import (
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// markerPrefix begins the names of the empty files by which pebble says which manifest is the current one.
const markerPrefix = "marker."

// orderedFS makes directory entries durable in the order pebble relies on. Pebble makes a manifest, makes the marker that
// names it, removes the old marker, and then syncs the directory once. A disk that keeps the marker but not yet the
// manifest leaves a database that cannot be opened; one that keeps the removal but not yet the new marker, one that looks
// empty. Common file systems keep that order by themselves; the crash tests do not, and two more syncs for each new
// manifest cost nothing.
type orderedFS struct{ vfs.FS }

// Create implements vfs.FS: what a marker names is durable before the marker is made.
func (fs orderedFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if err := fs.settle(name); err != nil {
		return nil, err
	}
	return fs.FS.Create(name, category)
}

// Remove implements vfs.FS: the new marker is durable before the old one goes.
func (fs orderedFS) Remove(name string) error {
	if err := fs.settle(name); err != nil {
		return err
	}
	return fs.FS.Remove(name)
}

// Unwrap implements vfs.FS.
func (fs orderedFS) Unwrap() vfs.FS { return fs.FS }

func (fs orderedFS) settle(name string) error {
	if !strings.HasPrefix(fs.PathBase(name), markerPrefix) {
		return nil
	}
	return syncDir(fs.FS, fs.PathDir(name))
}
