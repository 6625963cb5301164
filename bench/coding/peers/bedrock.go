package main

import (
	"bytes"
	"errors"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/coding/parallel"
	"github.com/etherscale/bedrock/coding/speed"
)

var errWrong = errors.New("what came out is not what went in")

// bedrock is one block coded by bedrock.
type bedrock struct {
	data     []byte
	block    *coding.Block
	opened   *coding.Verifier
	encoders map[int]*coding.Encoder // by workers
}

// newBedrock codes data, with encoders of these numbers of workers.
func newBedrock(data []byte, workers ...int) (*bedrock, error) {
	b := &bedrock{data: data, encoders: make(map[int]*coding.Encoder)}
	for _, w := range workers {
		b.encoders[w] = &coding.Encoder{Spread: parallel.Workers(w)}
	}
	var err error
	if b.block, err = coding.Encode(data); err != nil {
		return nil, err
	}
	b.opened, err = b.verifier()
	return b, err
}

// encode encodes in memory that is kept.
func (b *bedrock) encode(workers int) error {
	block, err := b.encoders[workers].Encode(b.data)
	if err == nil && block.Commitment() != b.block.Commitment() {
		return errWrong
	}
	return err
}

// encodeFresh encodes in new memory.
func (b *bedrock) encodeFresh(workers int) error {
	_, err := parallel.Workers(workers).Encode(b.data)
	return err
}

func (b *bedrock) verifier() (*coding.Verifier, error) {
	return coding.NewVerifier(b.block.Params(), b.block.Commitment(), b.block.RowRoot(), b.block.Y())
}

// shards are the rows at these indices, with their proofs.
func (b *bedrock) shards(indices []int) ([]coding.Shard, error) {
	shards := make([]coding.Shard, len(indices))
	for i, index := range indices {
		var err error
		if shards[i], err = b.block.Shard(uint32(index)); err != nil {
			return nil, err
		}
	}
	return shards, nil
}

// verify checks rows one by one.
func (b *bedrock) verify(shards []coding.Shard) error {
	for _, s := range shards {
		if err := b.opened.Verify(s); err != nil {
			return err
		}
	}
	return nil
}

// verifyFresh makes a verifier and checks one row.
func (b *bedrock) verifyFresh(s coding.Shard) error {
	v, err := b.verifier()
	if err != nil {
		return err
	}
	return v.Verify(s)
}

// reconstruct rebuilds the data from rows that are known to be right.
func (b *bedrock) reconstruct(shards []coding.Shard) ([]byte, error) {
	return coding.ReconstructVerified(b.block.Params(), shards)
}

// checked is reconstruct, with a look at what came out.
func (b *bedrock) checked(shards []coding.Shard) error {
	data, err := b.reconstruct(shards)
	if err == nil && !bytes.Equal(data, b.data) {
		return errWrong
	}
	return err
}

// hash is SHA-256 over all rows of the block, and nothing else.
func (b *bedrock) hash(workers int) { speed.HashRows(parallel.Workers(workers), b.block.Rows()) }
