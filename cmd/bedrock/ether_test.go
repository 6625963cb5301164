package main

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func TestParseEther(t *testing.T) {
	for text, want := range map[string]string{
		"1": "1000000000000000000", "0.5": "500000000000000000", ".25": "250000000000000000", "32.": "32000000000000000000",
		"0.000000000000000001": "1", "0": "0", "007": "7000000000000000000",
	} {
		wei, err := parseEther(text)
		if err != nil || wei.String() != want {
			t.Errorf("%q is %v wei, want %s: %v", text, wei, want, err)
		}
	}
	for _, text := range []string{"", ".", "-1", "+1", "1e18", "0x1", "1,5", " 1", "1.0000000000000000001", "one", "1.2.3",
		"1000000000000000000000000000000000000000000000000000000000000"} {
		if wei, err := parseEther(text); err == nil {
			t.Errorf("%q was read as %s wei", text, wei)
		}
	}
}

func TestEtherRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		wei := new(big.Int).SetBytes(rapid.SliceOfN(rapid.Byte(), 0, 16).Draw(t, "wei"))
		back, err := parseEther(formatEther(wei))
		if err != nil || back.Cmp(wei) != 0 {
			t.Fatalf("%s wei are written as %q, which is read as %v: %v", wei, formatEther(wei), back, err)
		}
	})
	if have := formatEther(big.NewInt(-1_500_000_000_000_000_000)); have != "-1.5" {
		t.Error(have)
	}
}
