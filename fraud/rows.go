package fraud

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/types"

	ethtypes "github.com/ethereum/go-ethereum/core/types"
)

// errNotShown says that a row is needed which the challenge does not carry.
var errNotShown = errors.New("row is not in the challenge")

// blockReader reads the transactions of a block from parts of its data, exactly as types.BlockDataSpans reads the whole:
// a count, a table of lengths, the envelopes; what is malformed ends the list.
type blockReader struct {
	length uint64                                // of the data
	read   func(from, to uint64) ([]byte, error) // within the data
	ends   []uint64                              // ends[i] is where envelope i ends; known so far
	txs    map[uint64]*ethtypes.Transaction      // decoded so far
}

func newBlockReader(length uint64, read func(from, to uint64) ([]byte, error)) *blockReader {
	return &blockReader{length: length, read: read, txs: make(map[uint64]*ethtypes.Transaction)}
}

// source is the reader as execution wants it.
func (b *blockReader) source(place uint64) (*ethtypes.Transaction, bool, error) {
	from, to, ok, err := b.span(place)
	if err != nil || !ok {
		return nil, false, err
	}
	if tx, known := b.txs[place]; known {
		return tx, true, nil
	}
	envelope, err := b.read(from, to)
	if err != nil {
		return nil, false, err
	}
	b.txs[place] = execution.DecodeTransaction(envelope)
	return b.txs[place], true, nil
}

var _ execution.Source = (*blockReader)(nil).source

// span finds the bytes of the envelope at place; false if the block has no such place.
func (b *blockReader) span(place uint64) (from, to uint64, ok bool, err error) {
	if b.length < 4 {
		return 0, 0, false, nil
	}
	count, err := b.word(0)
	if err != nil {
		return 0, 0, false, err
	}
	table := 4 + 4*count
	if table > b.length || place >= count {
		return 0, 0, false, nil
	}
	for i := uint64(len(b.ends)); i <= place; i++ {
		at := table
		if i > 0 {
			at = b.ends[i-1]
		}
		n, err := b.word(4 + 4*i)
		if err != nil {
			return 0, 0, false, err
		}
		if n == 0 || at+n > b.length {
			return 0, 0, false, nil
		}
		b.ends = append(b.ends, at+n)
	}
	from = table
	if place > 0 {
		from = b.ends[place-1]
	}
	return from, b.ends[place], true, nil
}

func (b *blockReader) word(at uint64) (uint64, error) {
	bytes, err := b.read(at, at+4)
	if err != nil {
		return 0, err
	}
	return uint64(binary.LittleEndian.Uint32(bytes)), nil
}

// rowSet serves data from proven rows.
type rowSet struct {
	params coding.Params
	rows   map[uint32][]byte
}

// openRows checks every row against the header's commitment. Rows are in ascending order of index.
func openRows(h *types.Header, encoded [][]byte) (*rowSet, error) {
	params, err := coding.ParamsFor(h.DataLength)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	set := &rowSet{params: params, rows: make(map[uint32][]byte, len(encoded))}
	last := int64(-1)
	for _, b := range encoded {
		shard, err := coding.UnmarshalStandalone(b, params)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
		}
		if int64(shard.Index) <= last {
			return nil, fmt.Errorf("row %d is not above the one before it: %w", shard.Index, ErrInvalid)
		}
		if err := coding.VerifyStandalone(h.Commitment, params, shard); err != nil {
			return nil, fmt.Errorf("row %d: %w: %w", shard.Index, ErrInvalid, err)
		}
		last = int64(shard.Index)
		set.rows[shard.Index] = shard.Row
	}
	return set, nil
}

func (s *rowSet) read(from, to uint64) ([]byte, error) {
	first, end, err := s.params.RowsOfRange(from, to)
	if err != nil {
		return nil, err
	}
	for i := first; i < end; i++ { // before memory is taken for what a table of lengths may only pretend
		if s.rows[i] == nil {
			return nil, fmt.Errorf("row %d: %w", i, errNotShown)
		}
	}
	out := make([]byte, 0, to-from)
	for i := first; i < end; i++ {
		row := s.rows[i]
		start := uint64(i) * uint64(s.params.RowSize)
		out = append(out, row[max(from, start)-start:min(to, start+uint64(len(row)))-start]...)
	}
	return out, nil
}
