package store

import (
	"errors"
	"fmt"
	"os"

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
	// ErrNotWritable says that the system does not let the node write its data directory: a read-only disk, or another user's.
	ErrNotWritable = errors.New("data directory cannot be written")
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

// NotWritable is ErrNotWritable for a refusal of the system's, nil for anything else.
func NotWritable(dir string, cause error) error {
	if !errors.Is(cause, os.ErrPermission) && !isReadOnly(cause) {
		return nil
	}
	return fmt.Errorf("%s: %w: %w; mount its disk for writing, give it to the user of the node, or choose another --home", dir, ErrNotWritable, cause)
}

func lockProblem(dir string, cause error) error {
	if err := NotWritable(dir, cause); err != nil {
		return err
	}
	return fmt.Errorf("%s: lock the data directory: %w", dir, cause)
}

// broken is what a failure to open means: the system's refusal, or damage.
func broken(dir string, cause error) error {
	if err := NotWritable(dir, cause); err != nil {
		return err
	}
	return fmt.Errorf("%s: %w, nothing was changed: %w; check the disk, restore the directory from a copy, or move it away and let the node fetch the blocks again",
		dir, ErrBroken, cause)
}
