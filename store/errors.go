package store

import (
	"errors"
	"fmt"

	"github.com/etherscale/bedrock/types"
)

// Conditions that callers test with errors.Is.
var (
	// ErrNotFound says that no value is stored under the key.
	ErrNotFound = errors.New("not found in the store")
	// ErrClosed says that the store was closed.
	ErrClosed = errors.New("the store is closed")
	// ErrInUse says that another process uses the data directory.
	ErrInUse = errors.New("data directory is in use")
	// ErrOtherNetwork says that the data directory belongs to another network; see OtherNetworkError.
	ErrOtherNetwork = errors.New("data directory belongs to another network")
	// ErrVersion says that a newer program wrote the data directory.
	ErrVersion = errors.New("data directory was written by a newer version")
	// ErrBroken says that the data directory cannot be read.
	ErrBroken = errors.New("data directory is damaged")
	// ErrDiskFull says that too little space is free to go on safely.
	ErrDiskFull = errors.New("disk is almost full")
	// ErrReadOnly says that a store opened read-only was written to.
	ErrReadOnly = errors.New("the store was opened read-only")
)

// OtherNetworkError carries both network ids.
type OtherNetworkError struct {
	Dir          string
	Stored, Want types.NetworkID
}

// Error says which networks and what to do.
func (e *OtherNetworkError) Error() string {
	return fmt.Sprintf("%s: %v: it holds %s, this node is configured for %s; use another data directory, or the genesis file of the network it holds",
		e.Dir, ErrOtherNetwork, e.Stored, e.Want)
}

// Is makes errors.Is(err, ErrOtherNetwork) true.
func (e *OtherNetworkError) Is(target error) bool { return target == ErrOtherNetwork }

func inUse(dir string, cause error) error {
	err := fmt.Errorf("%s: %w by another process; stop it, or give this node a data directory of its own", dir, ErrInUse)
	if cause != nil {
		err = fmt.Errorf("%w (%w)", err, cause)
	}
	return err
}

func broken(dir string, cause error) error {
	return fmt.Errorf("%s: %w, nothing was changed: %w; check the disk, restore the directory from a copy, or move it away and let the node fetch the blocks again",
		dir, ErrBroken, cause)
}
