package coding

import "encoding/binary"

// planes are the coefficients of a row as 128 planes of bits, for processors that multiply matrices of 8 by 8 bits (GFNI).
//
// The combination of a row is the sum over symbols x_j and coefficients c_j. Over bits, with x_j the sum of x_jb times the
// label 1<<b, and c_j that of c_jv, v = 0..127, times the label 1<<(v mod 16) in word v/16, it is the sum over b and v of
// s_bv times both labels, with s_bv the sum over j of x_jb*c_jv: a product of matrices of bits. For eight symbols at a time
// the processor multiplies their 8 low (or high) bits with all 128 planes. What remains at the end are 128 sums of
// symbols, one a plane, to be multiplied by the label of the plane each.
//
// Byte v of the 128 bytes of eight coefficients has bit v of coefficient 7-i as its bit i, the order that addPlanes needs.
type planes []byte

func newPlanes(coeffs []vector) planes {
	p := make(planes, 0, 16*len(coeffs))
	for ; len(coeffs) >= 8; coeffs = coeffs[8:] {
		for half := range 2 {
			var m [8]uint64 // byte k of m[j] is byte k of half a coefficient
			for j := range m {
				m[j] = coeffs[7-j][half]
			}
			transposeBytes(&m)
			for _, bytes := range m {
				p = binary.LittleEndian.AppendUint64(p, transposeBits(bytes))
			}
		}
	}
	return p
}

// transposeBytes makes byte j of m[k] byte k of m[j].
func transposeBytes(m *[8]uint64) {
	for _, s := range [3]struct {
		distance int
		mask     uint64
	}{{4, 0x00000000ffffffff}, {2, 0x0000ffff0000ffff}, {1, 0x00ff00ff00ff00ff}} {
		for j := range m {
			if j&s.distance != 0 {
				continue
			}
			a, b := &m[j], &m[j+s.distance]
			swap := (*a>>(8*s.distance) ^ *b) & s.mask
			*b ^= swap
			*a ^= swap << (8 * s.distance)
		}
	}
}

// transposeBits makes bit j of byte k bit k of byte j.
func transposeBits(m uint64) uint64 {
	swap := (m>>7 ^ m) & 0x00aa00aa00aa00aa
	m ^= swap ^ swap<<7
	swap = (m>>14 ^ m) & 0x0000cccc0000cccc
	m ^= swap ^ swap<<14
	swap = (m>>28 ^ m) & 0x00000000f0f0f0f0
	return m ^ swap ^ swap<<28
}

// combine is the combination of a row; of a longer one than there are coefficients for, as of a shorter one, only what has
// both counts, for nothing else watches over what addPlanes reads.
func (p planes) combine(basis *[15][2]productLUT, row []byte) (y [16]byte) {
	var sums [2][128]byte
	addPlanes(&sums, &row[0], &p[0], min(len(row)/RowUnit, len(p)/(16*RowUnit/2)))
	low, high := &sums[0], &sums[1]
	for w := range 8 {
		word := uint16(low[16*w]) | uint16(high[16*w])<<8 // label 1 is the field's one
		for bit := 1; bit < 16; bit++ {
			t := &basis[bit-1]
			word ^= t[0][low[16*w+bit]] ^ t[1][high[16*w+bit]]
		}
		binary.LittleEndian.PutUint16(y[2*w:], word)
	}
	return y
}
