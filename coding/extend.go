package coding

import (
	"fmt"

	"github.com/klauspost/reedsolomon"
)

// newCode is Leopard's Reed-Solomon code over GF(2^16) with k data and (Expansion-1)*k parity rows. GF(2^16) is forced:
// for few rows the library would choose another field, that is, another format.
func newCode(k int) (reedsolomon.Encoder, error) {
	code, err := reedsolomon.New(k, (Expansion-1)*k, reedsolomon.WithLeopardGF16(true))
	if err != nil {
		return nil, fmt.Errorf("coding: make Reed-Solomon code of %d rows: %w", k, err)
	}
	return code, nil
}

// extendRows fills the parity rows from the data rows. All rows have the same size, a multiple of RowUnit.
func extendRows(rows [][]byte) error {
	code, err := newCode(len(rows) / Expansion)
	if err != nil {
		return err
	}
	if err := code.Encode(rows); err != nil {
		return fmt.Errorf("coding: extend rows: %w", err)
	}
	return nil
}

// extendValues extends the K combinations of the data rows to those of all N rows. By linearity it is the row code
// itself, so the values are laid out as rows: word w of a value is symbol w of a 64-byte row.
func extendValues(y [][16]byte) ([][16]byte, error) {
	n := Expansion * len(y)
	slab := make([]byte, n*RowUnit)
	rows := make([][]byte, n)
	for i := range rows {
		rows[i] = slab[i*RowUnit : (i+1)*RowUnit : (i+1)*RowUnit]
	}
	for i := range y {
		for w := range 8 {
			rows[i][w], rows[i][w+RowUnit/2] = y[i][2*w], y[i][2*w+1]
		}
	}
	if err := extendRows(rows); err != nil {
		return nil, err
	}
	all := make([][16]byte, n)
	for i := range all {
		for w := range 8 {
			all[i][2*w], all[i][2*w+1] = rows[i][w], rows[i][w+RowUnit/2]
		}
	}
	return all, nil
}

// decodeRows fills the absent (empty) data rows, into their capacity, from K present rows.
func decodeRows(rows [][]byte) error {
	code, err := newCode(len(rows) / Expansion)
	if err != nil {
		return err
	}
	if err := code.ReconstructData(rows); err != nil {
		return fmt.Errorf("coding: decode rows: %w", err)
	}
	return nil
}
