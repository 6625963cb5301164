package coding

import (
	"testing"

	"github.com/klauspost/reedsolomon"
)

// TestBasisProductsAreTheLibrarys: the table is the library's own multiplication.
func TestBasisProductsAreTheLibrarys(t *testing.T) {
	var gf reedsolomon.LowLevel
	for b := range basisProducts {
		for bit, product := range basisProducts[b] {
			if want := gf.GF16Mul(uint16(2)<<b, 1<<bit); product != want {
				t.Errorf("label %#x times label %#x: %#x, the library says %#x", 2<<b, 1<<bit, product, want)
			}
		}
	}
}
