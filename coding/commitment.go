package coding

import (
	"crypto/sha256"
	"encoding/binary"
)

const (
	seedDomain       = "bedrock/rlc/1"
	commitmentDomain = "bedrock/commitment/1"
)

// appendShape appends LE32 version || LE32 K || LE32 N || LE32 rowSize || LE64 length. Binding the shape keeps, for
// example, an all-zero block from having the same commitment in two shapes.
func appendShape(b []byte, p Params) []byte {
	b = binary.LittleEndian.AppendUint32(b, Version)
	b = binary.LittleEndian.AppendUint32(b, uint32(p.K))
	b = binary.LittleEndian.AppendUint32(b, uint32(p.N))
	b = binary.LittleEndian.AppendUint32(b, uint32(p.RowSize))
	return binary.LittleEndian.AppendUint64(b, p.Length)
}

// commit is the commitment to a block of shape p with these roots.
func commit(p Params, rowRoot, yRoot [32]byte) [32]byte {
	b := appendShape([]byte(commitmentDomain), p)
	b = append(b, rowRoot[:]...)
	b = append(b, yRoot[:]...)
	return sha256.Sum256(b)
}

// coefficientSeed is the Fiat-Shamir seed: it depends on every row, so nobody knows a coefficient before the rows are
// fixed, and no two blocks share coefficients.
func coefficientSeed(p Params, rowRoot [32]byte) [32]byte {
	b := appendShape([]byte(seedDomain), p)
	return sha256.Sum256(append(b, rowRoot[:]...))
}
