package coding

import "github.com/klauspost/reedsolomon"

// extendRows fills the parity rows, which are zero, from the data rows. All rows have the same size, a multiple of
// RowUnit. It works on stripes of columns, which the transforms keep in the cache and workers can share out.
//
// It computes what Leopard's encoder computes, with transforms of size K instead of 4K and no memory of its own.
// Leopard puts parity at the field points 0..3K-1 and data at 4K..5K-1, takes the polynomial of degree < 4K through the
// data that is zero at 5K..8K-1, and evaluates it at the parity points. That polynomial is Z*q, where Z vanishes on those
// 3K zeros and q has degree < K. On each coset of K points Z is a constant: with S the linear polynomial that
// vanishes on 0..K-1, normalised so that S maps point jK to point j, Z(x) = L(t)/t for t = S(x - 4K) and
// L(t) = t^4 + t. It is 1 on the data (t = 0) and 1/(4+j) on parity coset j, as L(4+j) = L(4) = 1 in the Cantor basis
// (numbers are labels of field elements; L vanishes on 0..3). So: interpolate q over the data coset, and for each parity
// coset evaluate it and scale.
func extendRows(spread Spread, rows [][]byte) {
	if len(rows) > 0 {
		spread.stripes(len(rows[0]), func(from, to int) { extendStripe(rows, from, to) })
	}
}

// extendStripe fills the bytes from..to of the parity rows.
func extendStripe(whole [][]byte, from, to int) {
	var gf reedsolomon.LowLevel
	rows := make([][]byte, len(whole))
	for i := range whole {
		rows[i] = whole[i][from:to]
	}
	k := len(rows) / Expansion
	data, parity := rows[:k], [Expansion - 1][][]byte{rows[k : 2*k], rows[2*k : 3*k], rows[3*k:]}
	last := len(parity) - 1
	q := parity[last] // q is interpolated in the place of the last coset, which is evaluated in place at the end
	addScaled(gf, inverse(Expansion+uint16(last)), data, q)
	interpolate(gf, q, Expansion*k)
	for j := range last {
		addScaled(gf, gf.GF16Mul(inverse(Expansion+uint16(j)), Expansion+uint16(last)), q, parity[j])
		evaluate(gf, parity[j], j*k)
	}
	evaluate(gf, q, last*k)
}

// addScaled adds s times in to out.
func addScaled(gf reedsolomon.LowLevel, s uint16, in, out [][]byte) {
	for i := range in {
		gf.GF16MulSliceXor(s, in[i], out[i])
	}
}

// add adds in to out. The library's addition is up to half again as fast as subtle.XORBytes.
func add(gf reedsolomon.LowLevel, out, in []byte) { gf.GalMulSliceXor(1, in, out) }

// interpolate turns the values of a polynomial of degree < len(v) at the points base.. into its coefficients in
// Leopard's basis (Lin, Chung, Han: "Novel polynomial basis and its application to Reed-Solomon erasure codes", 2014).
// In a Cantor basis the twiddle factor of the points at base is the element labelled base/half. Recursion, not layer by
// layer, so that small sub-transforms stay in the cache whatever its size.
func interpolate(gf reedsolomon.LowLevel, v [][]byte, base int) {
	half := len(v) / 2
	if half == 0 {
		return
	}
	lower, upper := v[:half], v[half:]
	interpolate(gf, lower, base)
	interpolate(gf, upper, base+half)
	twiddle := uint16(base / half)
	for i := range lower {
		add(gf, upper[i], lower[i])
		gf.GF16MulSliceXor(twiddle, upper[i], lower[i])
	}
}

// evaluate is the inverse of interpolate.
func evaluate(gf reedsolomon.LowLevel, v [][]byte, base int) {
	half := len(v) / 2
	if half == 0 {
		return
	}
	lower, upper := v[:half], v[half:]
	twiddle := uint16(base / half)
	for i := range lower {
		gf.GF16MulSliceXor(twiddle, upper[i], lower[i])
		add(gf, upper[i], lower[i])
	}
	evaluate(gf, lower, base)
	evaluate(gf, upper, base+half)
}

// inverse of a field element other than 0: x^(2^16-2) = x^2 * x^4 * .. * x^(2^15).
func inverse(x uint16) uint16 {
	var gf reedsolomon.LowLevel
	inv := uint16(1)
	for range 15 {
		x = gf.GF16Mul(x, x)
		inv = gf.GF16Mul(inv, x)
	}
	return inv
}

// extendValues extends the K combinations of the data rows to those of all N rows. By linearity it is the row code
// itself, so the values are laid out as rows: word w of a value is symbol w of a 64-byte row.
func extendValues(y [][16]byte) [][16]byte {
	n := Expansion * len(y)
	rows := newRows(n, RowUnit)
	for i := range y {
		for w := range 8 {
			rows[i][w], rows[i][w+RowUnit/2] = y[i][2*w], y[i][2*w+1]
		}
	}
	extendRows(nil, rows)
	all := make([][16]byte, n)
	for i := range all {
		for w := range 8 {
			all[i][2*w], all[i][2*w+1] = rows[i][w], rows[i][w+RowUnit/2]
		}
	}
	return all
}
