package coding

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"testing"

	"github.com/klauspost/reedsolomon"
	"pgregory.net/rapid"
)

// naiveCombine is the definition: eight multiplications a symbol with the library's field, the twin of combine.
func naiveCombine(seed [32]byte, row []byte) (y [16]byte) {
	var gf reedsolomon.LowLevel
	for j := range len(row) / 2 {
		chunk := row[j/32*64:]
		symbol := uint16(chunk[j%32]) | uint16(chunk[32+j%32])<<8
		d := sha256.Sum256(binary.LittleEndian.AppendUint32(seed[:], uint32(j/2)))
		for w := range 8 {
			c := binary.LittleEndian.Uint16(d[j%2*16+2*w:])
			p := gf.GF16Mul(symbol, c)
			y[2*w] ^= byte(p)
			y[2*w+1] ^= byte(p >> 8)
		}
	}
	return y
}

// TestCombineMatchesDefinition holds for both ways to combine, where the processor has both.
func TestCombineMatchesDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := sha256.Sum256(binary.LittleEndian.AppendUint32(nil, rapid.Uint32().Draw(t, "seed")))
		size := RowUnit * rapid.IntRange(1, 5).Draw(t, "chunks")
		row := rapid.SliceOfN(rapid.Byte(), size, size).Draw(t, "row")
		before, want := bytes.Clone(row), naiveCombine(seed, row)
		c := newCombiner(seed, size)
		if got := c.combine(row); got != want {
			t.Fatalf("combine = %x, want %x", got, want)
		}
		c.coeffs, c.planes = coefficients(seed, size), nil
		if got := c.combine(row); got != want {
			t.Fatalf("by buckets combine = %x, want %x", got, want)
		}
		if !bytes.Equal(row, before) {
			t.Fatal("combine wrote to the row")
		}
	})
}

// TestPlanesAreBits: byte v of eight coefficients has bit v of coefficient 7-i as its bit i.
func TestPlanesAreBits(t *testing.T) {
	coeffs := coefficients(sha256.Sum256(nil), 2*RowUnit)
	p := newPlanes(coeffs)
	if len(p) != 16*len(coeffs) {
		t.Fatalf("%d bytes for %d coefficients", len(p), len(coeffs))
	}
	for j, c := range coeffs {
		for v := range 128 {
			if byte(c[v/64]>>(v%64))&1 != p[j/8*128+v]>>(7-j%8)&1 {
				t.Fatalf("bit %d of coefficient %d is not in its plane", v, j)
			}
		}
	}
}

// TestLongRowsCombineAlike compares both ways over rows as long as they get.
func TestLongRowsCombineAlike(t *testing.T) {
	for _, size := range []int{8 << 10, MaxRowSize - RowUnit, MaxRowSize} {
		seed := sha256.Sum256([]byte{byte(size >> 8)})
		row := testData(uint64(size), size)
		c := newCombiner(seed, size)
		d := &combiner{coeffs: coefficients(seed, size), basis: c.basis}
		if c.combine(row) != d.combine(row) {
			t.Fatalf("%d bytes: combinations differ", size)
		}
	}
}

// TestCombineStaysInside: rows of another length than the coefficients are for are combined as far as both go, by both ways.
func TestCombineStaysInside(t *testing.T) {
	seed := sha256.Sum256([]byte("inside"))
	row := testData(1, 3*RowUnit)
	c := newCombiner(seed, 2*RowUnit)
	d := &combiner{coeffs: coefficients(seed, 2*RowUnit), basis: c.basis}
	for n := RowUnit; n <= len(row); n += RowUnit {
		want := naiveCombine(seed, row[:min(n, 2*RowUnit)])
		if c.combine(row[:n]) != want || d.combine(row[:n]) != want {
			t.Fatalf("%d bytes: other combination than of what both cover", n)
		}
	}
}

// field is GF(2^16) built from its definition alone, without the library: labels in the Cantor basis over 0x1002D.
type field struct {
	element [1 << 16]uint16 // of a label
	label   [1 << 16]uint16 // of an element
}

func newField() *field {
	cantor := [16]uint16{
		0x0001, 0xACCA, 0x3C0E, 0x163E, 0xC582, 0xED2E, 0x914C, 0x4012,
		0x6C98, 0x10D8, 0x6A72, 0xB900, 0xFDB8, 0xFB34, 0xFF38, 0x991E,
	}
	f := new(field)
	for x := range f.element {
		for bit, b := range cantor {
			if x>>bit&1 == 1 {
				f.element[x] ^= b
			}
		}
		f.label[f.element[x]] = uint16(x)
	}
	return f
}

// mul multiplies labels: carry-less product of the elements modulo x^16 + x^5 + x^3 + x^2 + 1.
func (f *field) mul(a, b uint16) uint16 {
	x, y, product := uint32(f.element[a]), f.element[b], uint32(0)
	for ; y != 0; y >>= 1 {
		if y&1 == 1 {
			product ^= x
		}
		if x <<= 1; x>>16 == 1 {
			x ^= 0x1002D
		}
	}
	return f.label[product]
}

func (f *field) inv(a uint16) uint16 {
	r := uint16(1)
	for range 15 {
		a = f.mul(a, a)
		r = f.mul(r, a)
	}
	return r
}

func TestFieldFromFirstPrinciples(t *testing.T) {
	f := newField()
	var gf reedsolomon.LowLevel
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Uint16().Draw(t, "a"), rapid.Uint16().Draw(t, "b")
		if f.mul(a, b) != gf.GF16Mul(a, b) {
			t.Fatalf("%#x * %#x: %#x by definition, %#x in the library", a, b, f.mul(a, b), gf.GF16Mul(a, b))
		}
	})
}

// TestCodeFromFirstPrinciples computes parity by Lagrange interpolation in the field above: the polynomial of degree
// below 4K through the data at the points 4K..5K-1 and zero at 5K..8K-1, evaluated at 0..3K-1. A library that changed
// its basis, polynomial, point order or byte order would fork the network; this test and the vectors would fail.
func TestCodeFromFirstPrinciples(t *testing.T) {
	const k = MinK
	f := newField()
	rows := randomRows(k, RowUnit)
	extendRows(nil, rows)
	symbol := func(row []byte, j int) uint16 { return uint16(row[j]) | uint16(row[j+32])<<8 }
	for x := range uint16(3 * k) {
		var weights [k]uint16
		for i := range uint16(k) {
			num, den := uint16(1), uint16(1)
			for p := uint16(4 * k); p < 8*k; p++ {
				if p != 4*k+i {
					num, den = f.mul(num, x^p), f.mul(den, (4*k+i)^p)
				}
			}
			weights[i] = f.mul(num, f.inv(den))
		}
		for j := range 32 {
			var want uint16
			for i := range k {
				want ^= f.mul(weights[i], symbol(rows[i], j))
			}
			if got := symbol(rows[k+int(x)], j); got != want {
				t.Fatalf("parity row %d symbol %d is %#x, want %#x", x, j, got, want)
			}
		}
	}
}
