package types

import (
	"fmt"
	"strconv"
	"strings"
)

// Checkpoint names the last header of an epoch, which names the next committee: where a node may begin that has it from
// somebody it trusts.
type Checkpoint struct {
	Height Height
	Digest Hash // of the header
}

// String is HEIGHT:DIGEST.
func (c Checkpoint) String() string { return fmt.Sprintf("%d:%s", c.Height, c.Digest) }

// ParseCheckpoint is the inverse of String; the digest may begin with 0x.
func ParseCheckpoint(s string) (c Checkpoint, err error) {
	height, digest, ok := strings.Cut(s, ":")
	n, err := strconv.ParseUint(height, 10, 64)
	if !ok || err != nil || n == 0 {
		return c, fmt.Errorf("checkpoint %q: want HEIGHT:DIGEST of an epoch's last header: %w", s, ErrMalformed)
	}
	if err := c.Digest.UnmarshalText([]byte(digest)); err != nil {
		return c, fmt.Errorf("checkpoint %q: digest: %w: %w", s, ErrMalformed, err)
	}
	c.Height = Height(n)
	return c, nil
}
