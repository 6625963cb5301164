package sampling

import (
	"context"
	"errors"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
)

// ErrUnavailable says that fewer rows than needed could be had now.
var ErrUnavailable = errors.New("sampling: too few rows of the block can be had")

// Rows fetches rows of a block. judge is called, from one goroutine at a time, with each answer: it returns true if that
// settles the row, false if the answer was the peer's lie and others should be asked. It may take its time; others are
// asked meanwhile. Rows returns when every row is settled, nobody is left to ask, or ctx ended; two calls may run at
// once. Package dht implements it.
type Rows interface {
	Rows(ctx context.Context, h types.Header, indices []uint32, judge func(from string, s coding.Shard) bool) error
}

// Openings fetches the opening of a block; judge as in Rows.
type Openings interface {
	Opening(ctx context.Context, h types.Header, judge func(from string, o coding.Opening) bool) error
}

// Rebuild fetches any K rows of a block, the data rows first, and decodes them. Errors: ErrUnavailable, the context's,
// and what convicts the block: *coding.BadEncodingError, coding.ErrPadding.
func Rebuild(ctx context.Context, rows Rows, openings Openings, h types.Header) ([]byte, error) {
	p, err := coding.ParamsFor(h.DataLength)
	if err != nil || p.K == 0 {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	f := newFetcher(h, p)
	defer f.open(ctx, cancel, openings)()
	data, err := f.decode(ctx, rows, true)
	return data, errors.Join(err, f.openingError())
}
