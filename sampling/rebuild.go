package sampling

import (
	"context"
	"errors"
	"fmt"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
)

// ErrUnavailable says that fewer rows than needed could be had now.
var ErrUnavailable = errors.New("sampling: too few rows of the block can be had")

// Rows fetches rows of a block. judge is called, from one goroutine at a time, with each answer: it returns true if that
// settles the row, false if the answer was the peer's lie and others should be asked. Rows returns when every row is
// settled, nobody is left to ask, or ctx ended. Package dht implements it.
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
	f := &fetcher{header: h, params: p}
	if err := f.open(ctx, openings); err != nil {
		return nil, err
	}
	return f.decode(ctx, rows, true)
}

// fetcher gets verified rows of one block.
type fetcher struct {
	header   types.Header
	params   coding.Params
	verifier *coding.Verifier
	shards   []coding.Shard           // correct ones
	asked    int                      // rows asked for by decode
	wrong    int                      // lies of peers
	bad      *coding.BadEncodingError // the block's lie
	givers   map[string]bool          // of correct rows; nil: not noted
	watch    func(Progress)           // may be nil
}

// open gets the opening and makes the verifier; ErrUnavailable if nobody has it.
func (f *fetcher) open(ctx context.Context, openings Openings) error {
	err := openings.Opening(ctx, f.header, func(_ string, o coding.Opening) bool {
		v, err := coding.NewVerifier(f.params, f.header.Commitment, o.RowRoot, o.Y)
		if err != nil {
			f.wrong++
			return false
		}
		f.verifier = v
		return true
	})
	if f.verifier == nil {
		return fmt.Errorf("%w: no opening of block %d: %w", ErrUnavailable, f.header.Height, err)
	}
	return nil
}

// ask fetches rows; got is called for each correct one. It ends early when the block is convicted.
func (f *fetcher) ask(ctx context.Context, rows Rows, indices []uint32, got func(s coding.Shard)) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	wanted := make(map[uint32]bool, len(indices))
	for _, i := range indices {
		wanted[i] = true
	}
	// What could not be had is simply missing; why does not matter to the verdict.
	_ = rows.Rows(ctx, f.header, indices, func(from string, s coding.Shard) bool {
		if f.bad != nil {
			return true
		}
		missing, asked := wanted[s.Index]
		err := f.verifier.Verify(s)
		switch {
		case errors.As(err, &f.bad):
			cancel()
		case err != nil || !asked:
			f.wrong++
			return false
		case missing:
			wanted[s.Index] = false
			if f.givers != nil {
				f.givers[from] = true
			}
			got(s)
			f.tell()
		}
		return true
	})
}

// decode fetches rows until K are here: the data rows first, then parity rows, each time enough to make up for what is
// missing even if no more than a quarter is served. Unless it is patient, it gives up when no data row at all comes: then
// the rows are probably not published yet.
func (f *fetcher) decode(ctx context.Context, rows Rows, patient bool) ([]byte, error) {
	ctx, enough := context.WithCancel(ctx)
	defer enough()
	next := f.params.K
	for f.asked < f.params.N && len(f.shards) < f.params.K && ctx.Err() == nil {
		indices := make([]uint32, min(next, f.params.N-f.asked))
		for j := range indices {
			indices[j] = uint32(f.asked + j)
		}
		f.asked += len(indices)
		f.ask(ctx, rows, indices, func(s coding.Shard) {
			if f.shards = append(f.shards, s); len(f.shards) == f.params.K {
				enough()
			}
		})
		if f.bad != nil {
			return nil, f.bad
		}
		if len(f.shards) == 0 && !patient {
			break
		}
		next = coding.Expansion * (f.params.K - len(f.shards))
	}
	if len(f.shards) < f.params.K {
		return nil, fmt.Errorf("%w: %d of %d rows of block %d", ErrUnavailable, len(f.shards), f.params.K, f.header.Height)
	}
	return coding.ReconstructVerified(f.params, f.shards)
}
