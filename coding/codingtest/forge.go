// Package codingtest forges blocks that are committed to and wrong, for tests of those who must notice. It follows the format
// of package coding's doc.go with plain code of its own, so honest rows of its blocks also check that description.
package codingtest

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"testing"

	"github.com/klauspost/reedsolomon"

	"github.com/etherscale/bedrock/coding"
)

// Forged is a block as a dishonest publisher commits to it.
type Forged struct {
	Params     coding.Params
	Commitment [32]byte
	Opening    coding.Opening
	rows       [][]byte
	tree       [][32]byte // as a heap, the root at 1
}

// Forge encodes data, lets spoil change rows, and commits to the outcome, with the true combinations of the first K rows as
// they are then.
func Forge(tb testing.TB, data []byte, spoil func(p coding.Params, rows [][]byte)) *Forged {
	tb.Helper()
	honest, err := coding.Encode(data)
	if err != nil {
		tb.Fatal(err)
	}
	f := &Forged{Params: honest.Params()}
	for _, row := range honest.Rows() {
		f.rows = append(f.rows, bytes.Clone(row))
	}
	spoil(f.Params, f.rows)
	f.tree = merkle(f.rows)
	f.Opening.RowRoot = f.tree[1]
	coefficients := f.coefficients()
	values := make([][]byte, f.Params.K)
	for i := range values {
		y := combine(coefficients, f.rows[i])
		f.Opening.Y = append(f.Opening.Y, y)
		values[i] = y[:]
	}
	sum := sha256.New()
	sum.Write(f.shape("bedrock/commitment/1"))
	sum.Write(f.Opening.RowRoot[:])
	sum.Write(merkle(values)[1][:])
	f.Commitment = [32]byte(sum.Sum(nil))
	return f
}

// SpoilRow changes one bit of row i, counted from the last row if negative.
func SpoilRow(i int) func(coding.Params, [][]byte) {
	return func(p coding.Params, rows [][]byte) {
		if i < 0 {
			i += p.N
		}
		rows[i][5] ^= 1
	}
}

// SpoilParity makes garbage of all parity rows: the most that can be wrong while K rows look right.
func SpoilParity(p coding.Params, rows [][]byte) {
	for i, row := range rows[p.K:] {
		for j := range row {
			row[j] ^= byte(i + 7*j + 1)
		}
	}
}

// Shard is row i with its path.
func (f *Forged) Shard(i uint32) coding.Shard {
	s := coding.Shard{Index: i, Row: f.rows[i]}
	for at := f.Params.N + int(i); at > 1; at /= 2 {
		s.Path = append(s.Path, f.tree[at^1])
	}
	return s
}

// Encoded is row i as it travels.
func (f *Forged) Encoded(tb testing.TB, i uint32) []byte {
	tb.Helper()
	raw, err := f.Shard(i).MarshalBinary()
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

// Evidence judges row i as a peer does; it fails the test if the row is right.
func (f *Forged) Evidence(tb testing.TB, i uint32) *coding.BadEncodingError {
	tb.Helper()
	v, err := coding.NewVerifier(f.Params, f.Commitment, f.Opening.RowRoot, f.Opening.Y)
	if err != nil {
		tb.Fatal(err)
	}
	bad, ok := v.Verify(f.Shard(i)).(*coding.BadEncodingError)
	if !ok {
		tb.Fatalf("row %d is not wrong", i)
	}
	return bad
}

func (f *Forged) shape(domain string) []byte {
	b := []byte(domain)
	for _, v := range []int{coding.Version, f.Params.K, f.Params.N, f.Params.RowSize} {
		b = binary.LittleEndian.AppendUint32(b, uint32(v))
	}
	return binary.LittleEndian.AppendUint64(b, f.Params.Length)
}

// coefficients are the 8 words for each symbol of a row.
func (f *Forged) coefficients() [][8]uint16 {
	seed := sha256.Sum256(append(f.shape("bedrock/rlc/1"), f.Opening.RowRoot[:]...))
	out := make([][8]uint16, f.Params.RowSize/2)
	for j := range out {
		d := sha256.Sum256(binary.LittleEndian.AppendUint32(seed[:len(seed):len(seed)], uint32(j/2)))
		for w := range out[j] {
			out[j][w] = binary.LittleEndian.Uint16(d[16*(j%2)+2*w:])
		}
	}
	return out
}

// combine is the sum of symbol times coefficient.
func combine(coefficients [][8]uint16, row []byte) (y [16]byte) {
	var gf reedsolomon.LowLevel
	var sums [8]uint16
	for j, c := range coefficients {
		chunk := row[64*(j/32):]
		symbol := uint16(chunk[32+j%32])<<8 | uint16(chunk[j%32])
		for w := range sums {
			sums[w] ^= gf.GF16Mul(symbol, c[w])
		}
	}
	for w, s := range sums {
		binary.LittleEndian.PutUint16(y[2*w:], s)
	}
	return y
}

// merkle is the RFC 6962 tree over a power of two of leaves.
func merkle(leaves [][]byte) [][32]byte {
	n := len(leaves)
	nodes := make([][32]byte, 2*n)
	for i, leaf := range leaves {
		nodes[n+i] = sha256.Sum256(append([]byte{0}, leaf...))
	}
	for i := n - 1; i > 0; i-- {
		nodes[i] = sha256.Sum256(append(append([]byte{1}, nodes[2*i][:]...), nodes[2*i+1][:]...))
	}
	return nodes
}
