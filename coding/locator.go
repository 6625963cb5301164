package coding

import "math/bits"

// fieldOrder is the number of elements of GF(2^16) without zero; logarithms count modulo it.
const fieldOrder = 1<<16 - 1

// logarithms are tables of the field's logarithm to the base that is labelled generator. log of 0 is given as 0, so that
// in a sum of logarithms a factor 0 counts as none.
type logarithms struct {
	log [1 << 16]uint16 // of a label; below fieldOrder
	exp [1 << 16]uint16 // label of a power; exp[fieldOrder] = exp[0]
}

// generator is the label of x, the element 2 of the polynomial basis, whose powers are all elements but 0.
const generator = 0x4690

// newLogarithms makes the table of powers twice as long again and again: the second half is the first times a constant. It
// takes some 0.1 ms: little beside a decoding, and it spares the package a global.
func newLogarithms() *logarithms {
	t := new(logarithms)
	t.exp[0] = 1
	for n, x := 1, uint16(generator); n < len(t.exp); n, x = 2*n, mul(x, x) {
		var products [16]uint16 // of x with 1, 2, 4, ..
		for bit := range products {
			products[bit] = mul(x, 1<<bit)
		}
		times := productTables(&products)
		for i, e := range t.exp[:n] {
			t.exp[n+i] = times[0][byte(e)] ^ times[1][e>>8]
		}
	}
	for i, e := range t.exp[:fieldOrder] {
		t.log[e] = uint16(i)
	}
	return t
}

// mul is the product of two elements other than 0.
func (t *logarithms) mul(x, y uint16) uint16 {
	return t.exp[(uint32(t.log[x])+uint32(t.log[y]))%fieldOrder]
}

// inverse of the element labelled x, not 0.
func (t *logarithms) inverse(x uint16) uint16 { return t.exp[fieldOrder-t.log[x]] }

// locate returns for each point x < len(erased), a power of two below 2^16, the logarithm of the product of x - e over
// the erased points e other than x: on the points that are not erased that is the value of the polynomial that vanishes on the
// erased ones, on the erased ones the value of its derivative.
//
// Subtraction of points is XOR of labels, so the sums of logarithms are a convolution over XOR, which the
// Walsh-Hadamard transform turns into products. Three transforms of len(erased) points; Leopard has two of 2^16.
func (t *logarithms) locate(erased []bool) []uint16 {
	n := len(erased)
	a, b := make([]int64, n), make([]int64, n)
	for x := range n {
		if erased[x] {
			a[x] = 1
		}
		b[x] = int64(t.log[x])
	}
	walsh(a)
	walsh(b)
	for i := range a {
		a[i] = modOrder(a[i]) * modOrder(b[i]) // below 2^32; the sum of 2^15 of them does not overflow
	}
	walsh(a)
	// The product of the transforms is n times the result; 2^16 is 1 modulo the order, so 2^16/n is the inverse of n.
	inverseOfN := int64(1) << (16 - bits.TrailingZeros(uint(n)))
	out := make([]uint16, n)
	for x := range out {
		out[x] = uint16(modOrder(modOrder(a[x]) * inverseOfN))
	}
	return out
}

// modOrder is x modulo fieldOrder, not negative.
func modOrder(x int64) int64 {
	if x %= fieldOrder; x < 0 {
		x += fieldOrder
	}
	return x
}

// walsh is the Walsh-Hadamard transform in place. Values grow by a factor len(v).
func walsh(v []int64) {
	for half := 1; half < len(v); half *= 2 {
		for from := 0; from < len(v); from += 2 * half {
			lower, upper := v[from:from+half], v[from+half:from+2*half]
			for i := range lower {
				lower[i], upper[i] = lower[i]+upper[i], lower[i]-upper[i]
			}
		}
	}
}
