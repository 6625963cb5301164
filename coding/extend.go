package coding

// extendRows fills the parity rows from the data rows. All rows have the same size, a multiple of
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
	k := newKernel()
	spread.columns(len(rows[0]), func(from, to int) {
		for from, to := range stripes(from, to) {
			k.extendStripe(rows, from, to, func(int, int) {})
		}
	})
}

// extendTree fills the parity rows and hashes all rows. Rows of one stripe are hashed coset by coset, as long as they are in
// the cache.
func extendTree(spread Spread, rows [][]byte) tree {
	t := seedTree(len(rows))
	grow := func(from, to int) { t.grow(from, to, func(j int) []byte { return rows[j] }) }
	switch {
	case len(rows) == 0:
	case spread == nil && len(rows[0]) <= wideStripe:
		k := newKernel()
		k.extendStripe(rows, 0, len(rows[0]), grow)
		t.top(Expansion)
	default:
		extendRows(spread, rows)
		t.top(spread.rows(len(rows), grow))
	}
	return t
}

// extendStripe fills the bytes from..to of the parity rows. It tells ready of each quarter of the rows when it is complete.
func (k *kernel) extendStripe(whole [][]byte, from, to int, ready func(from, to int)) {
	rows := make([][]byte, len(whole))
	for i := range whole {
		rows[i] = whole[i][from:to]
	}
	size := len(rows) / Expansion
	data, parity := rows[:size], [Expansion - 1][][]byte{rows[size : 2*size], rows[2*size : 3*size], rows[3*size:]}
	last := len(parity) - 1
	q := parity[last] // q is interpolated in the place of the last coset, which is evaluated in place at the end
	ready(0, size)
	s := inverse(Expansion + uint16(last))
	for i := range q {
		k.scale(s, data[i], q[i])
	}
	k.interpolate(q, Expansion*size)
	for j := range last {
		s := mul(inverse(Expansion+uint16(j)), Expansion+uint16(last))
		k.evaluateScaled(s, q, parity[j], j*size)
		ready((j+1)*size, (j+2)*size)
	}
	k.evaluate(q, last*size)
	ready(3*size, 4*size)
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
