package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// forgetFile takes a file that is on the disk out of the kernel's cache.
func forgetFile(f *os.File) error {
	if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
		return fmt.Errorf("bench: take %s out of the cache: %w", f.Name(), err)
	}
	return nil
}
