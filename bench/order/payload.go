package main

import "strconv"

const payloadSize = 250

// idDigits is the length of a transaction's number at its head.
const idDigits = 16

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// payload is transaction number id: 16 hex digits, "=" and noise. So it is a key and a value to CometBFT's kvstore, which
// takes nothing else, and bytes to bedrock.
func payload(id uint64) []byte {
	out := make([]byte, 0, payloadSize)
	digits := strconv.FormatUint(id, 16)
	for range idDigits - len(digits) {
		out = append(out, '0')
	}
	out = append(append(out, digits...), '=')
	for x := id*0x9e3779b97f4a7c15 | 1; len(out) < payloadSize; {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		for bits := x; bits > 63 && len(out) < payloadSize; bits >>= 6 {
			out = append(out, alphabet[bits&63])
		}
	}
	return out
}
