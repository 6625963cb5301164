package coding

import (
	"bytes"
	"testing"

	"github.com/klauspost/reedsolomon"
	"pgregory.net/rapid"
)

// kernels are both ways to compute; they are the same where the processor has no instructions for matrices.
var kernels = map[string]func() kernel{
	"own":     newKernel,
	"library": func() kernel { return kernel{} },
}

// TestKernelsAgree does every operation by both, over rows of one or more chunks and any constants, zero and one among them.
func TestKernelsAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := RowUnit * rapid.IntRange(1, 5).Draw(t, "chunks")
		seed := rapid.Uint64().Draw(t, "seed")
		s := rapid.OneOf(rapid.Uint16(), rapid.Uint16Range(0, 3)).Draw(t, "s")
		n := 1 << rapid.IntRange(1, 6).Draw(t, "points")
		base := n * rapid.IntRange(0, (1<<15)/n-1).Draw(t, "coset")
		for name, operation := range map[string]func(k *kernel, rows [][]byte){
			"scale":       func(k *kernel, rows [][]byte) { k.scale(s, rows[0], rows[len(rows)-1]) },
			"addScaled":   func(k *kernel, rows [][]byte) { k.addScaled(s, rows[0], rows[len(rows)-1]) },
			"interpolate": func(k *kernel, rows [][]byte) { k.interpolate(rows, base) },
			"evaluateScaled": func(k *kernel, rows [][]byte) {
				k.evaluateScaled(s, rows[:n/2], rows[n/2:], base)
			},
			"evaluate":      func(k *kernel, rows [][]byte) { k.evaluate(rows, base) },
			"addDerivative": func(k *kernel, rows [][]byte) { k.addDerivative(rows[:n/2], rows[n/2:n/2*2]) },
		} {
			results := map[string][]byte{}
			for which, with := range kernels {
				slab := testData(seed, n*size)
				k := with()
				operation(&k, cutRows(slab, n))
				results[which] = slab
			}
			if !bytes.Equal(results["own"], results["library"]) {
				t.Fatalf("%s by %d rows of %d bytes differs", name, n, size)
			}
		}
	})
}

// TestTransformsAreInverse: what is interpolated is evaluated back, by both.
func TestTransformsAreInverse(t *testing.T) {
	for name, with := range kernels {
		k := with()
		for n := 1; n <= 512; n *= 2 {
			slab := testData(uint64(n), n*RowUnit)
			rows := cutRows(slab, n)
			k.interpolate(rows, 3*n)
			k.evaluate(rows, 3*n)
			if !bytes.Equal(slab, testData(uint64(n), n*RowUnit)) {
				t.Fatalf("%s: %d points come back changed", name, n)
			}
		}
	}
}

// TestMulIsTheLibrarys holds the multiplication of elements against the library's.
func TestMulIsTheLibrarys(t *testing.T) {
	var gf reedsolomon.LowLevel
	l := newLogarithms()
	rapid.Check(t, func(t *rapid.T) {
		x, y := rapid.Uint16().Draw(t, "x"), rapid.Uint16().Draw(t, "y")
		want := gf.GF16Mul(x, y)
		if got := mul(x, y); got != want {
			t.Fatalf("%#x * %#x = %#x, want %#x", x, y, got, want)
		}
		if x != 0 && y != 0 && (l.mul(x, y) != want || mul(x, inverse(x)) != 1) {
			t.Fatalf("by logarithms %#x * %#x = %#x, want %#x", x, y, l.mul(x, y), want)
		}
	})
}
