package sampling

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/coding/codingtest"
	"github.com/etherscale/bedrock/types"
)

// forgedSource serves chosen rows of a forged block.
type forgedSource struct {
	f      *codingtest.Forged
	serves func(i uint32) bool
	asked  int
}

// Rows implements Rows.
func (s *forgedSource) Rows(ctx context.Context, _ types.Header, indices []uint32, judge func(string, coding.Shard) bool) error {
	for _, i := range indices {
		s.asked++
		if s.serves(i) && ctx.Err() == nil {
			judge([]string{"a", "b"}[i%2], s.f.Shard(i))
		}
	}
	return ctx.Err()
}

// Opening implements Openings.
func (s *forgedSource) Opening(_ context.Context, _ types.Header, judge func(string, coding.Opening) bool) error {
	judge("a", s.f.Opening)
	return nil
}

// TestRestoreFindsTheWrongRow: data that rebuilds from K correct rows is not the block's if some other committed row is wrong;
// the row is looked for wherever it is, and only where nobody serves it the block is not convicted.
func TestRestoreFindsTheWrongRow(t *testing.T) {
	data := bytes.Repeat([]byte("a block "), 1000)
	for name, c := range map[string]struct {
		spoil  func(coding.Params, [][]byte)
		serves func(i uint32) bool
		convicts,
		data bool
	}{
		"honest":            {func(coding.Params, [][]byte) {}, func(uint32) bool { return true }, false, true},
		"the last row":      {codingtest.SpoilRow(-1), func(uint32) bool { return true }, true, true},
		"a withheld row":    {codingtest.SpoilRow(-1), func(i uint32) bool { return i < 126 }, false, true},
		"all parity":        {codingtest.SpoilParity, func(uint32) bool { return true }, true, true},
		"padding, served":   {spoilPadding(t), func(i uint32) bool { return i != 0 }, true, false},
		"padding, withheld": {spoilPadding(t), func(i uint32) bool { return i != 31 }, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := codingtest.Forge(t, data, c.spoil)
			source := &forgedSource{f: f, serves: c.serves}
			h := types.Header{Height: 7, DataLength: f.Params.Length, Commitment: f.Commitment}
			var last Progress
			got, err := Restore(t.Context(), source, source, h, func(p Progress) { last = p })
			var bad *coding.BadEncodingError
			if errors.As(err, &bad) != c.convicts {
				t.Fatal(err)
			}
			if c.convicts && bad.Evidence.Check(f.Commitment, f.Params) != nil {
				t.Fatal("the proof proves nothing")
			}
			if c.data && (!bytes.Equal(got, data) || last.Rows != f.Params.K || last.Needed != f.Params.K || last.Peers != 2) {
				t.Fatalf("%d bytes, %+v", len(got), last)
			}
			if name == "honest" && (err != nil || source.asked != f.Params.K) {
				t.Fatal(err, source.asked)
			}
			if name == "a withheld row" && !errors.Is(err, coding.ErrInconsistent) {
				t.Fatal(err)
			}
		})
	}
}

// spoilPadding makes a true codeword of data that is longer than the length committed to.
func spoilPadding(t *testing.T) func(coding.Params, [][]byte) {
	return func(p coding.Params, rows [][]byte) {
		padded := bytes.Join(rows[:p.K], nil)
		padded[len(padded)-1] ^= 1
		longer, err := coding.Encode(padded)
		if err != nil || longer.Params().N != p.N || longer.Params().RowSize != p.RowSize {
			t.Fatal("the shape of the padded data differs", err)
		}
		for i, row := range longer.Rows() {
			copy(rows[i], row)
		}
	}
}
