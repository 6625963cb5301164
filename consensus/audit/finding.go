package audit

import (
	"fmt"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

// Finding is a recomputed place.
type Finding struct {
	Transaction types.Hash
	Record      Record       // batch, fair time, entries, and the position after which the batch left
	Height      types.Height // of the block
	Index       uint32       // place in the block's order, from 0
	Header      types.Header // the block's header, recomputed
	Certified   bool         // the header is one that the caller knows as certified
	Vertices    uint64       // vertices of the log that it took
}

// Place is what a sequencer would keep under the transaction's hash.
func (f *Finding) Place() Place {
	return Place{Batch: f.Record.Batch, Height: f.Height, Index: f.Index}
}

// Spread is the record's spread in microseconds.
func (f *Finding) Spread() types.Time { return f.Record.Spread() }

// HeaderDigest is what the committee signed for this block, if the log is true.
func (f *Finding) HeaderDigest() types.Hash { return f.Header.Digest() }

// Verify returns the place that the log fed so far gives to the target. Before the target's block is closed it fails: with
// the error that ended the replay, or with ErrNotOrdered and how far the transaction has come.
func (r *Replay) Verify() (*Finding, error) {
	if r.finding != nil {
		return r.finding, nil
	}
	if r.err != nil {
		return nil, r.err
	}
	how := "no batch of it holds the transaction"
	switch {
	case r.left:
		how = "its batch has its fair time, but no block has closed with it"
	case r.met:
		how = "its batch has not left the fair order"
	}
	return nil, fmt.Errorf("transaction %s: %w: after %d vertices and block %d, %s: read on, or ask another sequencer",
		r.cfg.Target, ErrNotOrdered, r.taken, r.height, how)
}

// ComparePlace returns a DifferenceError for the first field in which a claimed place is not the recomputed one.
func (f *Finding) ComparePlace(claimed Place) error {
	place := f.Place()
	return first(
		differ(ErrMismatch, "batch", claimed.Batch, place.Batch),
		differ(ErrMismatch, "height", claimed.Height, place.Height),
		differ(ErrMismatch, "index", claimed.Index, place.Index),
	)
}

// CompareRecord returns a DifferenceError for the first field in which a claimed record is not the recomputed one.
func (f *Finding) CompareRecord(claimed Record) error {
	err := first(
		differ(ErrMismatch, "batch", claimed.Batch, f.Record.Batch),
		differ(ErrMismatch, "fair time", claimed.FairTime, f.Record.FairTime),
		differ(ErrMismatch, "number of entries", len(claimed.Entries), len(f.Record.Entries)),
	)
	if err != nil {
		return err
	}
	for i := range f.Record.Entries {
		if err := compareEntries(i, claimed.Entries[i], f.Record.Entries[i]); err != nil {
			return err
		}
	}
	return differ(ErrMismatch, "sequence index", claimed.Index, f.Record.Index)
}

func compareEntries(i int, claimed, computed consensus.Entry) error {
	field := func(name string) string { return fmt.Sprintf("entries[%d].%s", i, name) }
	return first(
		differ(ErrMismatch, field("author"), claimed.Author, computed.Author),
		differ(ErrMismatch, field("time"), claimed.Time, computed.Time),
		differ(ErrMismatch, field("explicit"), claimed.Explicit, computed.Explicit),
		differ(ErrMismatch, field("round"), claimed.Vertex.Round, computed.Vertex.Round),
		differ(ErrMismatch, field("vertex"), claimed.Vertex.Digest, computed.Vertex.Digest),
	)
}
