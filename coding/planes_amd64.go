package coding

import "github.com/klauspost/cpuid/v2"

// hasPlanes says whether this processor has the instructions of addPlanes: most of those made since 2021.
func hasPlanes() bool { return cpuid.CPU.Supports(cpuid.AVX2, cpuid.GFNI) }

// addPlanes sets sums to the sums over all symbols of a row of 64*chunks bytes, see planes.
//
//go:noescape
func addPlanes(sums *[2][128]byte, row *byte, planes *byte, chunks int)
