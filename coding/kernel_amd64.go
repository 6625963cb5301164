package coding

import "github.com/klauspost/cpuid/v2"

// hasMatrices says whether this processor multiplies matrices of 8 by 8 bits: most of those made since 2021 do. The
// functions below are for such only.
func hasMatrices() bool { return cpuid.CPU.Supports(cpuid.AVX2, cpuid.GFNI) }

// scaleMatrix sets n bytes at y to m times those at x. n is a multiple of RowUnit above 0, here and below.
//
//go:noescape
func scaleMatrix(x, y *byte, n int, m *matrix)

// addScaledMatrix adds m times n bytes at x to those at y.
//
//go:noescape
func addScaledMatrix(x, y *byte, n int, m *matrix)

// forward2 is a butterfly of an evaluation: x += m*y, then y += x.
//
//go:noescape
func forward2(x, y *byte, n int, m *matrix)

// backward2 is its inverse: y += x, then x += m*y.
//
//go:noescape
func backward2(x, y *byte, n int, m *matrix)

// forward4 is two layers of an evaluation: m[0] on w, y and on x, z; then m[1] on w, x and m[2] on y, z.
//
//go:noescape
func forward4(w, x, y, z *byte, n int, m *[3]matrix)

// scaleForward4 is forward4 on m[3] times in; in stays as it is.
//
//go:noescape
func scaleForward4(in, out *[4]*byte, n int, m *[4]matrix)

// backward4 is the inverse of forward4.
//
//go:noescape
func backward4(w, x, y, z *byte, n int, m *[3]matrix)

// addPlanes sets sums to the sums over all symbols of a row of 64*chunks bytes, see planes.
//
//go:noescape
func addPlanes(sums *[2][128]byte, row *byte, planes *byte, chunks int)
