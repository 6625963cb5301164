//go:build unix

package store

import (
	"errors"
	"syscall"
)

// isReadOnly reports whether the system refused because the disk is mounted for reading only.
func isReadOnly(err error) bool { return errors.Is(err, syscall.EROFS) }
