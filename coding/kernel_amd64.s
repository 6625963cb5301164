#include "textflag.h"

// A row is chunks of 32 low and 32 high bytes of symbols. The product of a symbol with a constant is four products of 8 by 8
// bits: low and high byte of the product, each of low and high byte of the symbol.

// TIMES sets PL and PH to the product of the symbols in L and H with the matrix at m(AX).
#define TIMES(m, L, H, PL, PH) \
	VPBROADCASTQ   (m+0)(AX), Y8   \
	VPBROADCASTQ   (m+8)(AX), Y9   \
	VPBROADCASTQ   (m+16)(AX), Y10 \
	VPBROADCASTQ   (m+24)(AX), Y11 \
	VGF2P8AFFINEQB $0, Y8, L, PL   \
	VGF2P8AFFINEQB $0, Y9, H, Y12  \
	VGF2P8AFFINEQB $0, Y10, L, PH  \
	VGF2P8AFFINEQB $0, Y11, H, Y13 \
	VPXOR          Y12, PL, PL     \
	VPXOR          Y13, PH, PH

// FORWARD is the butterfly of an evaluation: x += m*y, y += x.
#define FORWARD(m, XL, XH, YL, YH) \
	TIMES(m, YL, YH, Y14, Y15) \
	VPXOR Y14, XL, XL          \
	VPXOR Y15, XH, XH          \
	VPXOR XL, YL, YL           \
	VPXOR XH, YH, YH

// BACKWARD is the butterfly of an interpolation: y += x, x += m*y.
#define BACKWARD(m, XL, XH, YL, YH) \
	VPXOR XL, YL, YL           \
	VPXOR XH, YH, YH           \
	TIMES(m, YL, YH, Y14, Y15) \
	VPXOR Y14, XL, XL          \
	VPXOR Y15, XH, XH

#define LOAD(ptr, L, H) \
	VMOVDQU (ptr)(DX*1), L   \
	VMOVDQU 32(ptr)(DX*1), H

#define STORE(ptr, L, H) \
	VMOVDQU L, (ptr)(DX*1)   \
	VMOVDQU H, 32(ptr)(DX*1)

#define LOAD4 \
	LOAD(SI, Y0, Y1)  \
	LOAD(DI, Y2, Y3)  \
	LOAD(R8, Y4, Y5)  \
	LOAD(R9, Y6, Y7)

#define STORE4 \
	STORE(SI, Y0, Y1) \
	STORE(DI, Y2, Y3) \
	STORE(R8, Y4, Y5) \
	STORE(R9, Y6, Y7)

#define ARGS2 \
	MOVQ x+0(FP), SI \
	MOVQ y+8(FP), DI \
	MOVQ n+16(FP), CX \
	MOVQ m+24(FP), AX \
	XORQ DX, DX

#define ARGS4 \
	MOVQ w+0(FP), SI  \
	MOVQ x+8(FP), DI  \
	MOVQ y+16(FP), R8 \
	MOVQ z+24(FP), R9 \
	MOVQ n+32(FP), CX \
	MOVQ m+40(FP), AX \
	XORQ DX, DX

#define NEXT(again) \
	ADDQ $64, DX \
	CMPQ DX, CX  \
	JLT  again   \
	VZEROUPPER   \
	RET

// func scaleMatrix(x, y *byte, n int, m *matrix)
TEXT ·scaleMatrix(SB), NOSPLIT, $0-32
	ARGS2

again:
	LOAD(SI, Y0, Y1)
	TIMES(0, Y0, Y1, Y2, Y3)
	STORE(DI, Y2, Y3)
	NEXT(again)

// func addScaledMatrix(x, y *byte, n int, m *matrix)
TEXT ·addScaledMatrix(SB), NOSPLIT, $0-32
	ARGS2

again:
	LOAD(SI, Y0, Y1)
	LOAD(DI, Y4, Y5)
	TIMES(0, Y0, Y1, Y2, Y3)
	VPXOR Y2, Y4, Y4
	VPXOR Y3, Y5, Y5
	STORE(DI, Y4, Y5)
	NEXT(again)

// func forward2(x, y *byte, n int, m *matrix)
TEXT ·forward2(SB), NOSPLIT, $0-32
	ARGS2

again:
	LOAD(SI, Y0, Y1)
	LOAD(DI, Y2, Y3)
	FORWARD(0, Y0, Y1, Y2, Y3)
	STORE(SI, Y0, Y1)
	STORE(DI, Y2, Y3)
	NEXT(again)

// func backward2(x, y *byte, n int, m *matrix)
TEXT ·backward2(SB), NOSPLIT, $0-32
	ARGS2

again:
	LOAD(SI, Y0, Y1)
	LOAD(DI, Y2, Y3)
	BACKWARD(0, Y0, Y1, Y2, Y3)
	STORE(SI, Y0, Y1)
	STORE(DI, Y2, Y3)
	NEXT(again)

// func forward4(w, x, y, z *byte, n int, m *[3]matrix)
TEXT ·forward4(SB), NOSPLIT, $0-48
	ARGS4

again:
	LOAD4
	FORWARD(0, Y0, Y1, Y4, Y5)
	FORWARD(0, Y2, Y3, Y6, Y7)
	FORWARD(32, Y0, Y1, Y2, Y3)
	FORWARD(64, Y4, Y5, Y6, Y7)
	STORE4
	NEXT(again)

// func backward4(w, x, y, z *byte, n int, m *[3]matrix)
TEXT ·backward4(SB), NOSPLIT, $0-48
	ARGS4

again:
	LOAD4
	BACKWARD(32, Y0, Y1, Y2, Y3)
	BACKWARD(64, Y4, Y5, Y6, Y7)
	BACKWARD(0, Y0, Y1, Y4, Y5)
	BACKWARD(0, Y2, Y3, Y6, Y7)
	STORE4
	NEXT(again)

// SCALE multiplies x by the matrix behind the three of a butterfly of four.
#define SCALE(XL, XH) \
	TIMES(96, XL, XH, Y14, Y15) \
	VMOVDQA Y14, XL             \
	VMOVDQA Y15, XH

// func scaleForward4(in, out *[4]*byte, n int, m *[4]matrix)
TEXT ·scaleForward4(SB), NOSPLIT, $0-32
	MOVQ in+0(FP), BX
	MOVQ 0(BX), SI
	MOVQ 8(BX), DI
	MOVQ 16(BX), R8
	MOVQ 24(BX), R9
	MOVQ out+8(FP), BX
	MOVQ 0(BX), R10
	MOVQ 8(BX), R11
	MOVQ 16(BX), R12
	MOVQ 24(BX), R13
	MOVQ n+16(FP), CX
	MOVQ m+24(FP), AX
	XORQ DX, DX

again:
	LOAD4
	SCALE(Y0, Y1)
	SCALE(Y2, Y3)
	SCALE(Y4, Y5)
	SCALE(Y6, Y7)
	FORWARD(0, Y0, Y1, Y4, Y5)
	FORWARD(0, Y2, Y3, Y6, Y7)
	FORWARD(32, Y0, Y1, Y2, Y3)
	FORWARD(64, Y4, Y5, Y6, Y7)
	STORE(R10, Y0, Y1)
	STORE(R11, Y2, Y3)
	STORE(R12, Y4, Y5)
	STORE(R13, Y6, Y7)
	NEXT(again)
