//go:build !unix

package store

// isReadOnly reports whether the system refused because the disk is mounted for reading only: here that is a refusal of permission.
func isReadOnly(error) bool { return false }
