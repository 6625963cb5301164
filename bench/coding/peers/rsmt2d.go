package main

import (
	peer "github.com/celestiaorg/rsmt2d"
)

// shareSize is the size of rsmt2d's shares in bytes, as Celestia uses it.
const shareSize = 512

// rsmt2d is data in a square of shares, coded by rsmt2d.
type rsmt2d struct {
	shares [][]byte
}

// newRsmt2d lays the data, filled up with zeros, into the smallest square that holds it.
func newRsmt2d(data []byte) *rsmt2d {
	side := 1
	for side*side*shareSize < len(data) {
		side++
	}
	padded := make([]byte, side*side*shareSize)
	copy(padded, data)
	return &rsmt2d{cut(padded, shareSize)}
}

// encode extends the square and makes the roots of all its rows and columns.
func (r *rsmt2d) encode() error {
	square, err := r.extended()
	if err != nil {
		return err
	}
	_, err = square.Roots()
	return err
}

func (r *rsmt2d) extended() (*peer.ExtendedDataSquare, error) {
	return peer.ComputeExtendedDataSquare(r.shares, peer.NewLeoRSCodec(), peer.NewDefaultTree)
}
