package main

import (
	"fmt"
	"math/big"
	"strings"
)

// weiDigits is how many decimal places of an ether there are.
const weiDigits = 18

// parseEther reads an amount of ether such as 32 or 0.5 as wei. It takes plain decimals only, and no more of them than there are.
func parseEther(text string) (*big.Int, error) {
	whole, part, _ := strings.Cut(text, ".")
	digits := whole + part
	if digits == "" || len(part) > weiDigits || len(digits) > 60 || strings.Trim(digits, "0123456789") != "" {
		return nil, fmt.Errorf("%q is no amount of ether: want a decimal such as 32 or 0.5, with at most %d places", text, weiDigits)
	}
	wei, _ := new(big.Int).SetString(digits+strings.Repeat("0", weiDigits-len(part)), 10)
	return wei, nil
}

// formatEther writes wei as ether, exactly and without needless zeros.
func formatEther(wei *big.Int) string {
	digits := fmt.Sprintf("%0*s", weiDigits+1, new(big.Int).Abs(wei))
	whole, part := digits[:len(digits)-weiDigits], strings.TrimRight(digits[len(digits)-weiDigits:], "0")
	if wei.Sign() < 0 {
		whole = "-" + whole
	}
	if part == "" {
		return whole
	}
	return whole + "." + part
}
