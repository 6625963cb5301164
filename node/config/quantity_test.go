package config

import "testing"

func TestQuantities(t *testing.T) {
	for text, want := range map[string]int64{"": 0, "10Mbit": 1_250_000, "1.5gbit": 187_500_000, "800 kbit": 100_000, "132kbit": 16_500} {
		if got, err := ParseUpload(text); got != want || err != nil {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	for text, want := range map[string]int64{"": 0, "4GiB": 4 << 30, "64MiB": 64 << 20, "0.5TiB": 1 << 39} {
		if got, err := ParseRowBudget(text); got != want || err != nil {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"10", "Mbit", "10MB", "-1Mbit", "100kbit", "1e300Mbit", "NaNMbit", "1 2Mbit", "9999999Gbit"} {
		if got, err := ParseUpload(text); err == nil {
			t.Errorf("upload %q is %d", text, got)
		}
	}
	for _, text := range []string{"4GB", "63MiB", "4", "GiB", "2000TiB"} {
		if got, err := ParseRowBudget(text); err == nil {
			t.Errorf("row budget %q is %d", text, got)
		}
	}
}
