package store

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// Hold keeps every node away from a data directory, without opening it, until release is called. A directory that is not there is
// nobody's. It fails with ErrInUse while a node runs on it.
func Hold(dir string) (release func() error, err error) {
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return func() error { return nil }, nil
	}
	lock := flock.New(filepath.Join(dir, lockName))
	locked, err := lock.TryLock()
	if err != nil {
		return nil, lockProblem(dir, err)
	}
	if !locked {
		return nil, inUse(dir, nil)
	}
	return lock.Unlock, nil
}
