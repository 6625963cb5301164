package main

import (
	"bytes"

	peer "github.com/celestiaorg/celestia-app/v9/pkg/rsema1d"
	"github.com/celestiaorg/celestia-app/v9/pkg/rsema1d/field"

	"github.com/etherscale/bedrock/coding"
)

// rsema1d is the same block coded by rsema1d.
type rsema1d struct {
	params     coding.Params
	data       [][]byte // K rows
	rows       [][]byte // all rows, their buffers
	coders     map[int]*peer.Coder
	config     *peer.Config // of verifying and reconstructing
	block      *peer.ExtendedData
	commitment peer.Commitment
	opened     *peer.VerificationContext
}

func (r *rsema1d) configure(workers int) *peer.Config {
	return &peer.Config{K: r.params.K, N: r.params.N - r.params.K, RowSize: r.params.RowSize, WorkerCount: workers}
}

// newRsema1d codes data in bedrock's shape p, with coders of these numbers of workers.
func newRsema1d(data []byte, p coding.Params, workers ...int) (*rsema1d, error) {
	r := &rsema1d{params: p}
	padded := make([]byte, p.K*p.RowSize)
	copy(padded, data)
	r.data = cut(padded, p.RowSize)
	r.rows = append(r.rows, r.data...)
	r.rows = append(r.rows, cut(make([]byte, (p.N-p.K)*p.RowSize), p.RowSize)...)
	return r, r.start(workers...)
}

// start makes the coders, encodes once and opens the block.
func (r *rsema1d) start(workers ...int) error {
	r.coders = make(map[int]*peer.Coder)
	for _, w := range workers {
		coder, err := peer.NewCoder(r.configure(w))
		if err != nil {
			return err
		}
		r.coders[w] = coder
	}
	r.config = r.configure(workers[0])
	if err := r.encode(workers[0]); err != nil {
		return err
	}
	r.commitment = r.block.Commitment()
	var err error
	r.opened, err = r.verifier()
	return err
}

// cut divides a slab into rows.
func cut(slab []byte, size int) [][]byte {
	rows := make([][]byte, len(slab)/size)
	for i := range rows {
		rows[i] = slab[i*size : (i+1)*size : (i+1)*size]
	}
	return rows
}

func (r *rsema1d) encode(workers int) (err error) {
	for _, row := range r.rows[r.params.K:] {
		clear(row)
	}
	r.block, err = r.coders[workers].Encode(r.rows)
	return err
}

// encodeFresh encodes a copy of the data in new memory; the Reed-Solomon tables are kept.
func (r *rsema1d) encodeFresh(workers int) error {
	rows := cut(make([]byte, r.params.N*r.params.RowSize), r.params.RowSize)
	for i, row := range r.data {
		copy(rows[i], row)
	}
	block, err := r.coders[workers].Encode(rows)
	if err == nil && block.Commitment() != r.commitment {
		return errWrong
	}
	return err
}

func (r *rsema1d) verifier() (*peer.VerificationContext, error) {
	v, _, err := peer.CreateVerificationContext(append([]field.GF128(nil), r.block.RLC()...), r.config)
	return v, err
}

// proofs are the rows at these indices, with their proofs.
func (r *rsema1d) proofs(indices []int) ([]*peer.RowProof, error) {
	proofs := make([]*peer.RowProof, len(indices))
	for i, index := range indices {
		var err error
		if proofs[i], err = r.block.GenerateRowProof(index); err != nil {
			return nil, err
		}
	}
	return proofs, nil
}

func (r *rsema1d) verify(p *peer.RowProof) error {
	return peer.VerifyRowWithContext(p, r.commitment, r.opened)
}

func (r *rsema1d) verifyBatch(proofs []*peer.RowProof) error {
	return peer.VerifyRowsWithContext(proofs, r.commitment, r.opened)
}

// verifyFresh makes a context and checks one row.
func (r *rsema1d) verifyFresh(p *peer.RowProof) error {
	v, err := r.verifier()
	if err != nil {
		return err
	}
	return peer.VerifyRowWithContext(p, r.commitment, v)
}

// reconstruct rebuilds the K data rows from the rows at these indices.
func (r *rsema1d) reconstruct(indices []int) ([][]byte, error) {
	rows := make([][]byte, len(indices))
	for i, index := range indices {
		rows[i] = r.rows[index]
	}
	return peer.Reconstruct(rows, indices, r.config)
}

// checked is reconstruct, with a look at what came out.
func (r *rsema1d) checked(indices []int) error {
	rows, err := r.reconstruct(indices)
	if err != nil {
		return err
	}
	for i, row := range rows {
		if !bytes.Equal(row, r.data[i]) {
			return errWrong
		}
	}
	return nil
}
