package parallel

import (
	"bytes"
	"slices"
	"sync"
	"testing"

	"github.com/etherscale/bedrock/coding"
)

// TestEachPartOnce holds the contract of coding.Spread.
func TestEachPartOnce(t *testing.T) {
	for _, workers := range []int{2, 3, 8} {
		for _, parts := range []int{0, 1, 2, 7, 100} {
			var mu sync.Mutex
			var done []int
			Workers(workers)(parts, func(part int) {
				mu.Lock()
				defer mu.Unlock()
				done = append(done, part)
			})
			slices.Sort(done)
			if len(done) != parts {
				t.Fatalf("%d workers ran %d of %d parts", workers, len(done), parts)
			}
			for i, part := range done {
				if part != i {
					t.Fatalf("%d workers: parts %v", workers, done)
				}
			}
		}
	}
}

// TestSideBySide: two parts that wait for each other end.
func TestSideBySide(t *testing.T) {
	met := make(chan struct{})
	Workers(2)(2, func(part int) {
		if part == 0 {
			met <- struct{}{}
		} else {
			<-met
		}
	})
}

// TestSameBytes: the number of workers does not show in the block.
func TestSameBytes(t *testing.T) {
	data := bytes.Repeat([]byte("bedrock"), 30000)
	want, err := coding.Encode(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, workers := range []int{0, 1, 2, 5} {
		got, err := Workers(workers).Encode(data)
		if err != nil {
			t.Fatal(err)
		}
		if got.Commitment() != want.Commitment() {
			t.Errorf("%d workers commit to something else", workers)
		}
	}
}
