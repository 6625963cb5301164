package chain

import (
	"encoding/binary"
	"fmt"

	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// Listed is a verdict with the height of the certified header that lists it.
type Listed struct {
	Height  types.Height
	Verdict types.Verdict
}

// Verdicts lists the verdicts of stored headers from a height on, in order: all of as many headers as give at least most, or of
// all there are. Go on from the last one's height + 1.
func (c *Chain) Verdicts(from types.Height, most int) ([]Listed, error) {
	var out []Listed
	err := c.store.Scan(store.SpaceVerdicts, store.Range{From: store.BigEndian(from)}, func(key, _ []byte) error {
		if len(out) >= most {
			return store.ErrStop
		}
		if len(key) != 8 {
			return fmt.Errorf("chain: a height of %d bytes: %w", len(key), store.ErrBroken)
		}
		ch, err := c.readHeader(types.Height(binary.BigEndian.Uint64(key)))
		if err != nil {
			return err
		}
		for _, v := range ch.Header.Verdicts {
			out = append(out, Listed{ch.Header.Height, v})
		}
		return nil
	})
	return out, err
}

// checkVerdicts: a header lists a verdict once.
func checkVerdicts(list []types.Verdict) error {
	seen := make(map[types.Verdict]struct{}, len(list))
	for _, v := range list {
		if _, twice := seen[v]; twice {
			return fmt.Errorf("the verdict on challenge %s stands twice", v.Challenge)
		}
		seen[v] = struct{}{}
	}
	return nil
}
