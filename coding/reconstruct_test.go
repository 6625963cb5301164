package coding

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"
)

// TestI1AnyKRows rebuilds data and block from random K of N rows, over sizes around every kind of boundary.
func TestI1AnyKRows(t *testing.T) {
	sizes := []int{1, 63, 64, 65, 1000, 1024, 1025, 4096, 4097, 16 << 10, 70000, 128 << 10, 300001}
	for seed, n := range sizes {
		data := testData(uint64(seed), n)
		block := mustEncode(t, data)
		v := mustVerifier(t, block)
		for try := range uint64(3) {
			indices := randomIndices(uint64(n)+try, block.params.N)[:block.params.K]
			shards := shardsAt(t, block, indices)
			got, err := Reconstruct(v, shards)
			if err != nil {
				t.Fatalf("%d bytes: %v", n, err)
			}
			if !bytes.Equal(got, data) {
				t.Fatalf("%d bytes: other data", n)
			}
			if try > 0 {
				continue
			}
			again, err := ReconstructAll(v, shards)
			if err != nil {
				t.Fatalf("%d bytes: %v", n, err)
			}
			for i := range block.rows {
				if !bytes.Equal(again.rows[i], block.rows[i]) {
					t.Fatalf("%d bytes: rebuilt row %d differs", n, i)
				}
			}
		}
	}
}

// TestI1Extremes takes the sets of rows that random draws miss, and leaves the shards as they were.
func TestI1Extremes(t *testing.T) {
	data := testData(1, 9999)
	block := mustEncode(t, data)
	p, v := block.params, mustVerifier(t, block)
	all := ascending(p.N)
	for name, indices := range map[string][]int{
		"data":           all[:p.K],
		"first parity":   all[p.K : 2*p.K],
		"last parity":    all[p.N-p.K:],
		"all":            all,
		"all but one":    all[1 : p.K+1],
		"one data":       append([]int{3}, all[p.N-p.K+1:]...),
		"duplicates":     append(append([]int{}, all[p.K:2*p.K]...), all[p.K:2*p.K]...),
		"more than need": all[p.K/2 : 3*p.K],
	} {
		shards := shardsAt(t, block, indices)
		for i := range shards {
			shards[i] = clone(shards[i])
		}
		got, err := Reconstruct(v, shards)
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: %v", name, err)
		}
		for _, s := range shards {
			if !bytes.Equal(s.Row, block.rows[s.Index]) {
				t.Errorf("%s: row %d was written to", name, s.Index)
			}
		}
		clear(got) // the result must not share memory with the shards either
		for _, s := range shards {
			if !bytes.Equal(s.Row, block.rows[s.Index]) {
				t.Errorf("%s: result shares memory with row %d", name, s.Index)
			}
		}
	}
}

func TestReconstructRefuses(t *testing.T) {
	block := mustEncode(t, testData(2, 3000))
	other := mustEncode(t, testData(3, 3000))
	p, v := block.params, mustVerifier(t, block)
	if _, err := Reconstruct(v, nil); !errors.Is(err, ErrTooFew) {
		t.Errorf("no shards: %v", err)
	}
	few := shardsAt(t, block, ascending(p.K-1))
	if _, err := Reconstruct(v, few); !errors.Is(err, ErrTooFew) {
		t.Errorf("K-1 shards: %v", err)
	}
	if _, err := Reconstruct(v, append(few, few...)); !errors.Is(err, ErrTooFew) {
		t.Errorf("K-1 distinct shards twice: %v", err)
	}
	if _, err := Reconstruct(v, append(few, mustShard(t, other, uint32(p.N-1)))); !errors.Is(err, ErrPath) {
		t.Errorf("a shard of another block: %v", err)
	}
	for _, s := range []Shard{{Index: uint32(p.N), Row: few[0].Row}, {Index: 1, Row: few[0].Row[1:]}, {Index: 1}} {
		if _, err := ReconstructVerified(p, append(few, s)); !errors.Is(err, ErrPath) {
			t.Errorf("row %d of %d bytes: %v", s.Index, len(s.Row), err)
		}
	}
}

func TestEmptyBlock(t *testing.T) {
	block := mustEncode(t, nil)
	if block.Params() != (Params{}) || len(block.Rows()) != 0 || block.RowRoot() != [32]byte{} {
		t.Fatalf("empty block is %+v", block)
	}
	if block.Commitment() != commit(Params{}, [32]byte{}, [32]byte{}) {
		t.Fatal("commitment of the empty block is not that of zero roots")
	}
	v := mustVerifier(t, block)
	if data, err := Reconstruct(v, nil); err != nil || data == nil || len(data) != 0 {
		t.Fatalf("reconstruct: %v, %v", data, err)
	}
	if _, err := ReconstructAll(v, nil); err != nil {
		t.Fatal(err)
	}
	if err := v.Verify(Shard{}); !errors.Is(err, ErrPath) {
		t.Fatalf("a row of the empty block: %v", err)
	}
	if err := VerifyStandalone(block.Commitment(), Params{}, StandaloneShard{}); !errors.Is(err, ErrPath) {
		t.Fatalf("a data row of the empty block: %v", err)
	}
}

// TestI6OneCommitmentPerData: different data, different commitment; same data, same commitment.
func TestI6OneCommitmentPerData(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.SliceOfN(rapid.Byte(), 0, 2000).Draw(t, "a")
		b := bytes.Clone(a)
		switch rapid.IntRange(0, 2).Draw(t, "change") {
		case 1:
			b = append(b, 0)
		case 2:
			if len(b) > 0 {
				b[rapid.IntRange(0, len(b)-1).Draw(t, "at")] ^= 1
			}
		}
		x, err := Encode(a)
		if err != nil {
			t.Fatal(err)
		}
		y, err := Encode(b)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(a, b) != (x.Commitment() == y.Commitment()) {
			t.Fatal("commitments do not tell the data apart")
		}
	})
}

func TestEncodeCopiesAndBounds(t *testing.T) {
	data := testData(4, 1024)
	block := mustEncode(t, data)
	row := bytes.Clone(block.rows[0])
	clear(data)
	if !bytes.Equal(block.rows[0], row) {
		t.Fatal("block shares memory with the data")
	}
}

// TestReconstructUsesKRows: of more than K rows the data rows and the lowest parity rows are used, whatever their order,
// so a result never depends on which surplus row came along.
func TestReconstructUsesKRows(t *testing.T) {
	data := testData(5, 3000)
	block := mustEncode(t, data)
	p := block.params
	shards := shardsAt(t, block, append(ascending(p.K)[1:], p.N-1, p.K))
	surplus := clone(shards[p.K-1])
	surplus.Row[0] ^= 1
	shards[p.K-1] = surplus
	got, err := ReconstructVerified(p, shards)
	if err != nil || !bytes.Equal(got, data) {
		t.Fatalf("a surplus row was used (%v)", err)
	}
}
