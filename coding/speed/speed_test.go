package speed

import (
	"context"
	"errors"
	"runtime"
	"testing"
)

// TestMeasure takes every figure of small blocks once.
func TestMeasure(t *testing.T) {
	procs := runtime.GOMAXPROCS(0)
	var seen []int
	rows, err := Measure(t.Context(), Config{Sizes: []int{1, 70000}, Cores: []int{1, 2}, Progress: func(done, total int) {
		if total != 24 {
			t.Errorf("%d figures, want 24", total)
		}
		seen = append(seen, done)
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 4 || len(seen) != 24 || seen[23] != 24 {
		t.Fatalf("%d rows, progress %v", len(rows), seen)
	}
	for i, r := range rows {
		if r.Bytes != []int{1, 70000}[i/2] || r.K != []int{16, 128}[i/2] || r.N != 4*r.K || r.Cores != 1+i%2 {
			t.Errorf("row %d is %+v", i, r)
		}
		for _, figure := range []float64{r.EncodeMBs, r.KeptMBs, r.HashMBs, r.VerifyRowUs, r.VerifierUs, r.ReconstructMBs} {
			if figure <= 0 {
				t.Errorf("row %d has a figure of %v", i, figure)
			}
		}
	}
	if now := runtime.GOMAXPROCS(0); now != procs {
		t.Errorf("GOMAXPROCS is left at %d, was %d", now, procs)
	}
}

func TestMeasureStops(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := Measure(ctx, Config{Sizes: []int{100}, Cores: []int{1}}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestMeasureRefusesTooMuch(t *testing.T) {
	if _, err := Measure(t.Context(), Config{Sizes: []int{1 << 30}, Cores: []int{1}}); err == nil {
		t.Error("1 GiB was encoded")
	}
}
