package coding

import (
	"math/bits"

	"github.com/klauspost/reedsolomon"
)

// matrix is multiplication by a constant as a matrix of bits, in four parts of 8 by 8 as the processor wants them: what the
// low and the high byte of a symbol give to the low byte of the product, and what they give to the high byte. In each,
// bit b of byte 7-i says whether bit b of the one enters bit i of the other.
type matrix [4]uint64

// kernel multiplies rows by constants and transforms columns. It does so by matrices where the processor has instructions for
// them, twice as fast as the library, and with tables of some KiB; else by the library, whose tables of 75 MB take 0.15 s to build.
type kernel struct {
	gf    reedsolomon.LowLevel
	basis *[16]matrix // of the labels 1, 2, 4, ..; multiplication is linear in the constant. nil: use the library
}

func newKernel() kernel {
	if !hasMatrices() {
		return kernel{}
	}
	k := kernel{basis: new([16]matrix)}
	for i := range k.basis {
		var products [16]uint16
		for bit := range products {
			if products[bit] = 1 << bit; i > 0 {
				products[bit] = basisProducts[i-1][bit]
			}
		}
		k.basis[i] = newMatrix(&products)
	}
	return k
}

// newMatrix is multiplication by a constant, given its products with the labels 1, 2, 4, ...
func newMatrix(products *[16]uint16) (m matrix) {
	for i := range m {
		var columns uint64 // byte b is what bit b of byte i mod 2 of a symbol gives to byte i/2 of the product
		for b := range 8 {
			columns |= uint64(byte(products[i%2*8+b]>>(i/2*8))) << (8 * b)
		}
		m[i] = bits.ReverseBytes64(transposeBits(columns))
	}
	return m
}

// matrix is multiplication by the element labelled s.
func (k *kernel) matrix(s uint16) (m matrix) {
	for ; s != 0; s &= s - 1 {
		b := &k.basis[bits.TrailingZeros16(s)]
		m[0] ^= b[0]
		m[1] ^= b[1]
		m[2] ^= b[2]
		m[3] ^= b[3]
	}
	return m
}

// mul is the product of two elements, inverse the inverse of one other than 0: x^(2^16-2) = x^2 * x^4 * .. * x^(2^15).
func mul(x, y uint16) (product uint16) {
	for ; x != 0; x &= x - 1 {
		for rest := y; rest != 0; rest &= rest - 1 {
			product ^= basisProduct(bits.TrailingZeros16(x), bits.TrailingZeros16(rest))
		}
	}
	return product
}

func inverse(x uint16) uint16 {
	inv := uint16(1)
	for range 15 {
		x = mul(x, x)
		inv = mul(inv, x)
	}
	return inv
}

// basisProduct is the product of the labels 1<<i and 1<<j.
func basisProduct(i, j int) uint16 {
	if i == 0 {
		return 1 << j
	}
	return basisProducts[i-1][j]
}

// scale sets out to s times in.
func (k *kernel) scale(s uint16, in, out []byte) {
	if k.basis == nil {
		clear(out)
		k.gf.GF16MulSliceXor(s, in, out)
		return
	}
	m, out := k.matrix(s), out[:len(in)]
	scaleMatrix(&in[0], &out[0], len(in), &m)
}

// addScaled adds s times in to out.
func (k *kernel) addScaled(s uint16, in, out []byte) {
	if k.basis == nil {
		k.gf.GF16MulSliceXor(s, in, out)
		return
	}
	m, out := k.matrix(s), out[:len(in)]
	addScaledMatrix(&in[0], &out[0], len(in), &m)
}

// add adds in to out. The library's addition is up to half again as fast as subtle.XORBytes.
func (k *kernel) add(in, out []byte) { k.gf.GalMulSliceXor(1, in, out) }

// interpolate turns the values of a polynomial of degree < len(v) at the points base.. into its coefficients in
// Leopard's basis (Lin, Chung, Han: "Novel polynomial basis and its application to Reed-Solomon erasure codes", 2014).
// In a Cantor basis the twiddle factor of the points at base is the element labelled base/half. Recursion, not layer by
// layer, so that small sub-transforms stay in the cache whatever its size; two layers at a time, so that a row goes to
// the processor and back half as often.
func (k *kernel) interpolate(v [][]byte, base int) {
	half, quarter := len(v)/2, len(v)/4
	switch {
	case half == 0:
	case k.basis == nil || quarter == 0:
		lower, upper := v[:half], v[half:]
		k.interpolate(lower, base)
		k.interpolate(upper, base+half)
		k.backward(lower, upper, uint16(base/half))
	default:
		for i := range 4 {
			k.interpolate(v[i*quarter:(i+1)*quarter], base+i*quarter)
		}
		m := k.twiddles(base, half)
		for i := range quarter {
			backward4(&v[i][0], &v[quarter+i][0], &v[half+i][0], &v[half+quarter+i][0], len(v[i]), &m)
		}
	}
}

// evaluate is the inverse of interpolate.
func (k *kernel) evaluate(v [][]byte, base int) {
	half, quarter := len(v)/2, len(v)/4
	switch {
	case half == 0:
	case k.basis == nil || quarter == 0:
		lower, upper := v[:half], v[half:]
		k.forward(lower, upper, uint16(base/half))
		k.evaluate(lower, base)
		k.evaluate(upper, base+half)
	default:
		m := k.twiddles(base, half)
		for i := range quarter {
			forward4(&v[i][0], &v[quarter+i][0], &v[half+i][0], &v[half+quarter+i][0], len(v[i]), &m)
		}
		for i := range 4 {
			k.evaluate(v[i*quarter:(i+1)*quarter], base+i*quarter)
		}
	}
}

// evaluateScaled sets v to the evaluation of s times q. Its first pass over the rows does both.
func (k *kernel) evaluateScaled(s uint16, q, v [][]byte, base int) {
	half, quarter := len(v)/2, len(v)/4
	if k.basis == nil || quarter == 0 {
		for i := range q {
			k.scale(s, q[i], v[i])
		}
		k.evaluate(v, base)
		return
	}
	t := k.twiddles(base, half)
	m := [4]matrix{t[0], t[1], t[2], k.matrix(s)}
	for i := range quarter {
		scaleForward4(
			&[4]*byte{&q[i][0], &q[quarter+i][0], &q[half+i][0], &q[half+quarter+i][0]},
			&[4]*byte{&v[i][0], &v[quarter+i][0], &v[half+i][0], &v[half+quarter+i][0]}, len(v[i]), &m)
	}
	for i := range 4 {
		k.evaluate(v[i*quarter:(i+1)*quarter], base+i*quarter)
	}
}

// twiddles are those of a layer, and of the lower and the upper half of the next.
func (k *kernel) twiddles(base, half int) [3]matrix {
	quarter := half / 2
	return [3]matrix{
		k.matrix(uint16(base / half)), k.matrix(uint16(base / quarter)), k.matrix(uint16((base + half) / quarter)),
	}
}

// forward is one layer of an evaluation.
func (k *kernel) forward(lower, upper [][]byte, twiddle uint16) {
	if k.basis != nil {
		m := k.matrix(twiddle)
		for i := range lower {
			forward2(&lower[i][0], &upper[i][0], len(lower[i]), &m)
		}
		return
	}
	for i := range lower {
		k.gf.GF16MulSliceXor(twiddle, upper[i], lower[i])
		k.add(lower[i], upper[i])
	}
}

// backward is its inverse.
func (k *kernel) backward(lower, upper [][]byte, twiddle uint16) {
	if k.basis != nil {
		m := k.matrix(twiddle)
		for i := range lower {
			backward2(&lower[i][0], &upper[i][0], len(lower[i]), &m)
		}
		return
	}
	for i := range lower {
		k.add(lower[i], upper[i])
		k.gf.GF16MulSliceXor(twiddle, upper[i], lower[i])
	}
}
