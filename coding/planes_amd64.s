#include "textflag.h"

// COLUMN adds one quarter of the 128 bit planes of eight coefficients, multiplied by the bits of eight symbols.
#define COLUMN(off, low, high) \
	VMOVDQU         off(DX), Y10        \
	VGF2P8AFFINEQB  $0, Y8, Y10, Y11    \
	VGF2P8AFFINEQB  $0, Y9, Y10, Y12    \
	VPXOR           Y11, low, low       \
	VPXOR           Y12, high, high

// OCTET adds the products of eight symbols, whose transposed low bytes are at low(SP) and high bytes at high(SP).
#define OCTET(low, high) \
	VPBROADCASTQ low(SP), Y8   \
	VPBROADCASTQ high(SP), Y9  \
	COLUMN(0, Y0, Y4)          \
	COLUMN(32, Y1, Y5)         \
	COLUMN(64, Y2, Y6)         \
	COLUMN(96, Y3, Y7)         \
	ADDQ $128, DX

// func addPlanes(sums *[2][128]byte, row *byte, planes *byte, chunks int)
TEXT ·addPlanes(SB), NOSPLIT, $64-32
	MOVQ         sums+0(FP), DI
	MOVQ         row+8(FP), SI
	MOVQ         planes+16(FP), DX
	MOVQ         chunks+24(FP), CX
	VPBROADCASTQ antidiagonal<>(SB), Y13
	VPXOR        Y0, Y0, Y0
	VPXOR        Y1, Y1, Y1
	VPXOR        Y2, Y2, Y2
	VPXOR        Y3, Y3, Y3
	VPXOR        Y4, Y4, Y4
	VPXOR        Y5, Y5, Y5
	VPXOR        Y6, Y6, Y6
	VPXOR        Y7, Y7, Y7

chunk:
	TESTQ CX, CX
	JEQ   done

	// A product of constant columns with a matrix of bits is its transpose.
	VMOVDQU        (SI), Y14
	VGF2P8AFFINEQB $0, Y14, Y13, Y14
	VMOVDQU        Y14, 0(SP)
	VMOVDQU        32(SI), Y14
	VGF2P8AFFINEQB $0, Y14, Y13, Y14
	VMOVDQU        Y14, 32(SP)
	OCTET(0, 32)
	OCTET(8, 40)
	OCTET(16, 48)
	OCTET(24, 56)
	ADDQ           $64, SI
	DECQ           CX
	JMP            chunk

done:
	VMOVDQU Y0, 0(DI)
	VMOVDQU Y1, 32(DI)
	VMOVDQU Y2, 64(DI)
	VMOVDQU Y3, 96(DI)
	VMOVDQU Y4, 128(DI)
	VMOVDQU Y5, 160(DI)
	VMOVDQU Y6, 192(DI)
	VMOVDQU Y7, 224(DI)
	VZEROUPPER
	RET

// antidiagonal has bit 7-k in byte k.
DATA antidiagonal<>+0(SB)/8, $0x0102040810204080
GLOBL antidiagonal<>(SB), RODATA|NOPTR, $8
