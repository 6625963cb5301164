package coding

// erasureDecoder computes absent data rows from K present rows.
//
// Divided by the constant Z of its coset (see extendRows) every row is a value of one polynomial q of degree < K: on the
// three parity cosets t = 0, 1, 2 and on the data coset t = 4, K points each. Let E be the 3K of these 4K points that are not given,
// v the polynomial that vanishes on E, and P = v*q, of degree < 4K: known everywhere, for it is zero on E. Its derivative is
// P' = v'*q + v*q', so at a point e of E it is v'(e)*q(e). That gives q(e).
//
// To have P' on the data coset, write P = P0 + P1*S + P2*S^2 + P3*S^3 with Pi of degree < K (S as in extendRows, whose
// derivative is 1). On coset t it is the polynomial Rt = P0 + P1*t + P2*t^2 + P3*t^3, interpolated from the K values there; and
// P' on the data coset is (P0' + P1'*4 + P2'*4^2 + P3'*4^3) + (P1 + P3*4^2) = R4' + (d/dt)Rt at t = 4. The latter is
// a sum of the Rt, weighted by the derivatives at 4 of the Lagrange polynomials through 0, 1, 2 and 4.
//
// So: scale the given rows by v, interpolate each coset, add up, evaluate on the data coset, and divide by v'. Five transforms of
// size K, in stripes of columns; Leopard's decoder does two of size 8K, and has 8 rows of memory for each row of data.
type erasureDecoder struct {
	kernel
	k      int
	given  [cosets][]scaled // the given rows by coset; factor: v times the weight of the coset, divided by Z
	weight uint16           // of the data coset, whose rows are needed without it too
	absent []scaled         // the absent data rows; factor: 1/v'
	tables *logarithms
}

// scaled is a row, its place in its coset, and what it is multiplied by.
type scaled struct {
	place  int
	factor uint16
	row    []byte
}

// The cosets that rows lie on: three of parity, and the data.
const (
	cosets    = Expansion
	dataCoset = cosets - 1
)

// cosetNumber is t of each coset: point number / K.
var cosetNumber = [cosets]uint16{0, 1, 2, 4}

// cosetOf says on which coset row i lies, and where on it.
func cosetOf(i, k int) (coset, place int) {
	if i < k {
		return dataCoset, i
	}
	return i/k - 1, i % k
}

// newErasureDecoder prepares to decode the absent (nil) ones of the N rows, of which K are given, into places, which are zero.
func newErasureDecoder(rows, places [][]byte) *erasureDecoder {
	d := &erasureDecoder{kernel: newKernel(), k: len(rows) / Expansion}
	erased := make([]bool, 2*len(rows))
	for i := range rows {
		c, place := cosetOf(i, d.k)
		erased[int(cosetNumber[c])*d.k+place] = rows[i] == nil
	}
	t := newLogarithms()
	v := t.locate(erased)
	weights := d.weights()
	for i := range rows {
		c, place := cosetOf(i, d.k)
		log := v[int(cosetNumber[c])*d.k+place]
		switch {
		case rows[i] != nil && c == dataCoset:
			d.given[c] = append(d.given[c], scaled{place, t.exp[log], rows[i]})
		case rows[i] != nil:
			d.given[c] = append(d.given[c], scaled{place, t.mul(t.exp[log], weights[c]), rows[i]})
		case c == dataCoset:
			d.absent = append(d.absent, scaled{place, t.exp[fieldOrder-log], places[i]})
		}
	}
	d.weight, d.tables = weights[dataCoset], t
	return d
}

// weights are the derivatives at t = 4 of the Lagrange polynomials of the cosets, those of parity divided by Z too.
func (d *erasureDecoder) weights() (w [cosets]uint16) {
	const at = Expansion
	for c, t := range cosetNumber[:dataCoset] {
		w[dataCoset] ^= inverse(at ^ t)
		num, den := uint16(1), uint16(1) // without the factor 4-t of den, which is 1/Z there
		for other, u := range cosetNumber[:dataCoset] {
			if other != c {
				num, den = mul(num, at^u), mul(den, t^u)
			}
		}
		w[c] = mul(num, inverse(den))
	}
	return w
}

// fewAbsent is up to how many absent rows Lagrange's formula, of K products a row, is faster than the transforms.
const fewAbsent = 24

// decode fills the places of the absent rows.
func (d *erasureDecoder) decode(spread Spread, rowSize int) {
	if len(d.absent) <= fewAbsent {
		spread.columns(rowSize, d.lagrange)
		return
	}
	spread.columns(rowSize, d.transform)
}

// transform decodes the bytes from..to of all absent rows.
func (d *erasureDecoder) transform(from, to int) {
	slab := make([]byte, 2*d.k*min(to-from, wideStripe)) // two cosets of one stripe
	for from, to := range stripes(from, to) {
		half := d.k * (to - from)
		d.transformStripe(from, to, cutRows(slab[:half], d.k), cutRows(slab[half:2*half], d.k))
	}
}

// transformStripe does so for one stripe. What sum and v hold is overwritten.
func (d *erasureDecoder) transformStripe(from, to int, sum, v [][]byte) {
	clearRows(sum)
	for c, rows := range d.given {
		if len(rows) == 0 {
			continue
		}
		clearRows(v)
		for _, s := range rows {
			d.scale(s.factor, s.row[from:to], v[s.place])
		}
		d.interpolate(v, int(cosetNumber[c])*d.k)
		if c != dataCoset {
			d.addRows(v, sum)
			continue
		}
		for i := range sum {
			d.addScaled(d.weight, v[i], sum[i])
		}
		d.addDerivative(v, sum)
	}
	d.evaluate(sum, Expansion*d.k)
	for _, s := range d.absent {
		d.scale(s.factor, sum[s.place], s.row[from:to])
	}
}

// lagrange does the same by Lagrange's formula, which in the terms above is q(e) = sum over the given points r of
// v(r)*q(r) * w(e)/w(r) / ((e-r)*v'(e)), where w is the derivative of the polynomial that vanishes on all four cosets,
// a constant on each. On parity w(e)/w(r) is the weight of the coset times 4-t, on the data it is 1.
func (d *erasureDecoder) lagrange(from, to int) {
	for from, to := range stripes(from, to) {
		for c, rows := range d.given {
			for _, r := range rows {
				d.addLagrange(cosetNumber[c], r, from, to)
			}
		}
	}
}

// addLagrange adds to all absent rows what given row r of coset t contributes.
func (d *erasureDecoder) addLagrange(t uint16, r scaled, from, to int) {
	factor := r.factor
	if t != Expansion {
		factor = d.tables.mul(factor, Expansion^t)
	}
	for _, e := range d.absent {
		distance := uint16(Expansion*d.k+e.place) ^ uint16(int(t)*d.k+r.place)
		scalar := d.tables.mul(d.tables.mul(factor, e.factor), d.tables.inverse(distance))
		d.addScaled(scalar, r.row[from:to], e.row[from:to])
	}
}

func clearRows(v [][]byte) {
	for i := range v {
		clear(v[i])
	}
}

func (k *kernel) addRows(in, out [][]byte) {
	for i := range in {
		k.add(in[i], out[i])
	}
}

// addDerivative adds to out the derivative of v, both in Leopard's basis. The basis polynomials are products of linear
// ones whose derivative is 1 in a Cantor basis, so the derivative of lower + S*upper is lower' + S*upper' + upper.
func (k *kernel) addDerivative(v, out [][]byte) {
	half := len(v) / 2
	if half == 0 {
		return
	}
	k.addRows(v[half:], out[:half])
	k.addDerivative(v[:half], out[:half])
	k.addDerivative(v[half:], out[half:])
}
