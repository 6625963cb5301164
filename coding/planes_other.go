//go:build !amd64

package coding

func hasPlanes() bool { return false }

// addPlanes is not there: nobody has planes.
func addPlanes(*[2][128]byte, *byte, *byte, int) {}
