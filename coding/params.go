package coding

import (
	"fmt"
	"math/bits"
)

// Bounds of the shape.
const (
	// Version of the code, bound into seed and commitment.
	Version = 1
	// MinK and MaxK bound the number of data rows of a non-empty block.
	MinK = 16
	MaxK = 4096
	// Expansion is N/K, the inverse of the code's rate.
	Expansion = 4
	// RowUnit divides every row size, in bytes: Leopard's chunk of 32 symbols.
	RowUnit = 64
	// MaxRowSize is the largest row, in bytes.
	MaxRowSize = 64 << 10
	// MaxLength is the longest data, in bytes: MaxK rows of MaxRowSize.
	MaxLength = MaxK * MaxRowSize
)

// Params is the shape of a coded block, a function of its length alone. The zero value is the empty block: no rows.
type Params struct {
	K       int    // data rows, a power of two in MinK..MaxK, or 0
	N       int    // all rows, Expansion*K
	RowSize int    // bytes per row, a multiple of RowUnit
	Length  uint64 // bytes of data
}

// ParamsFor returns the shape of a block of length bytes, or ErrLength above MaxLength.
func ParamsFor(length uint64) (Params, error) {
	if length > MaxLength {
		return Params{}, fmt.Errorf("%w: %d bytes, at most %d", ErrLength, length, MaxLength)
	}
	if length == 0 {
		return Params{}, nil
	}
	k := uint64(MinK)
	for k < MaxK && 16*k*k < length { // k < sqrt(length)/4
		k *= 2
	}
	row := RowUnit * ((length + RowUnit*k - 1) / (RowUnit * k))
	return Params{K: int(k), N: int(Expansion * k), RowSize: int(row), Length: length}, nil
}

// Validate returns ErrParams (or ErrLength) unless p is what ParamsFor gives for p.Length.
func (p Params) Validate() error {
	want, err := ParamsFor(p.Length)
	if err != nil {
		return err
	}
	if p != want {
		return fmt.Errorf("%w: have %+v, want %+v", ErrParams, p, want)
	}
	return nil
}

// PathLen is the number of hashes in a row's path: log2 N.
func (p Params) PathLen() int { return log2(p.N) }

// valuePathLen is the number of hashes in the path of a combination: log2 K.
func (p Params) valuePathLen() int { return log2(p.K) }

// RowsOfRange returns the half-open range [first, end) of the data rows that hold the bytes [a, b) of the data.
// An empty byte range has no rows (first == end). It fails if the range is reversed or leaves the data.
func (p Params) RowsOfRange(a, b uint64) (first, end uint32, err error) {
	if err := p.Validate(); err != nil {
		return 0, 0, err
	}
	if a > b || b > p.Length {
		return 0, 0, fmt.Errorf("coding: byte range [%d, %d) is not within the %d bytes of data", a, b, p.Length)
	}
	if a == b {
		return 0, 0, nil
	}
	size := uint64(p.RowSize)
	return uint32(a / size), uint32((b-1)/size) + 1, nil
}

// RangeOfRow returns the half-open range [a, b) of data bytes that row i holds; empty for parity and padding rows.
// It is the inverse of RowsOfRange.
func (p Params) RangeOfRow(i uint32) (a, b uint64) {
	if int64(i) >= int64(p.K) {
		return p.Length, p.Length
	}
	size := uint64(p.RowSize)
	return min(uint64(i)*size, p.Length), min(uint64(i+1)*size, p.Length)
}

// paddingOK reports whether all bytes of data row i behind the end of the data are zero. Parity rows have no padding.
func (p Params) paddingOK(i uint32, row []byte) bool {
	if int64(i) >= int64(p.K) {
		return true
	}
	a, b := p.RangeOfRow(i)
	return allZero(row[b-a:])
}

func allZero(b []byte) bool {
	for _, v := range b {
		if v != 0 {
			return false
		}
	}
	return true
}

// log2 of a power of two; 0 for 0.
func log2(n int) int {
	if n == 0 {
		return 0
	}
	return bits.TrailingZeros(uint(n))
}
