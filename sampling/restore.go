package sampling

import (
	"context"
	"errors"
	"fmt"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
)

// Progress is how far the rebuilding of a block has come.
type Progress struct {
	Rows   int // correct rows so far
	Needed int // rows that suffice, K
	Asked  int // rows asked for
	Peers  int // who gave correct rows
	Wrong  int // answers that were a peer's lie
}

// Restore is Rebuild for those who need to know that the data is the block's, as one who has it whole knows: it encodes what
// was rebuilt. Where that is not what the header commits to, some committed row is wrong, and all rows are asked for until one
// convicts the block. watch, if not nil, is told of every row, from one goroutine at a time. Errors beside Rebuild's:
// coding.ErrInconsistent with the data of K correct rows, if nobody serves the wrong row.
func Restore(ctx context.Context, rows Rows, openings Openings, h types.Header, watch func(Progress)) ([]byte, error) {
	p, err := coding.ParamsFor(h.DataLength)
	if err != nil || p.K == 0 {
		return nil, err
	}
	fetching, cancel := context.WithCancel(ctx)
	defer cancel()
	f := newFetcher(h, p)
	f.watch = watch
	f.mu.Lock()
	f.tell()
	f.mu.Unlock()
	defer f.open(fetching, cancel, openings)()
	data, err := f.decode(fetching, rows, true)
	if errors.Is(err, coding.ErrPadding) {
		return nil, f.hunted(ctx, rows, err)
	}
	if err != nil {
		return nil, errors.Join(err, f.openingError())
	}
	block, err := coding.Encode(data)
	if err != nil {
		return nil, err
	}
	if types.Hash(block.Commitment()) == h.Commitment {
		return data, nil
	}
	return data, f.hunted(ctx, rows, fmt.Errorf("block %d: %w", h.Height, coding.ErrInconsistent))
}

// hunted is the proof against a block that is known to have a wrong row, or why if the row is nowhere to be had.
func (f *fetcher) hunted(ctx context.Context, rows Rows, why error) error {
	f.hunt(ctx, rows)
	if f.bad == nil && errors.Is(why, coding.ErrPadding) {
		f.convictPadding()
	}
	if f.bad != nil {
		return f.bad
	}
	return errors.Join(why, ctx.Err())
}

// convictPadding makes the proof that padding is not zero out of rows that lack the padded ones: nobody need serve these.
func (f *fetcher) convictPadding() {
	_, err := coding.ReconstructAllVerified(f.verifier, f.shards())
	errors.As(err, &f.bad)
}

// huntRows is how many rows are asked for at once.
const huntRows = 256

// hunt asks for every row that is not here yet, those with padding first, until one convicts the block.
func (f *fetcher) hunt(ctx context.Context, rows Rows) {
	here := make(map[uint32]bool, len(f.answers))
	for _, a := range f.answers {
		here[a.shard.Index] = true
	}
	var missing []uint32
	first := uint32(f.params.Length / uint64(f.params.RowSize)) // the first row that has padding
	for j := range uint32(f.params.N) {
		if i := (first + j) % uint32(f.params.N); !here[i] {
			missing = append(missing, i)
		}
	}
	for len(missing) > 0 && f.bad == nil && ctx.Err() == nil {
		n := min(huntRows, len(missing))
		f.ask(ctx, rows, missing[:n], func(answer) {})
		missing = missing[n:]
	}
}

// tell reports the progress to whoever watches. It is called under mu.
func (f *fetcher) tell() {
	if f.watch == nil {
		return
	}
	f.watch(Progress{Rows: len(f.answers), Needed: f.params.K, Asked: f.asked, Peers: len(f.givers), Wrong: f.wrong})
}
