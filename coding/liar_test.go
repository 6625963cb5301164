package coding

import (
	"errors"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// TestI3NothingIsCachedFromALiar: with a wrong row root no verifier comes to be; and a verifier that was shown lies
// first still accepts every honest row.
func TestI3NothingIsCachedFromALiar(t *testing.T) {
	block := mustEncode(t, testData(5, 3000))
	other := mustEncode(t, testData(6, 3000))
	for name, o := range map[string]Opening{
		"row root of another block": {RowRoot: other.RowRoot(), Y: block.Y()},
		"values of another block":   {RowRoot: block.RowRoot(), Y: other.Y()},
		"no values":                 {RowRoot: block.RowRoot()},
		"too few values":            {RowRoot: block.RowRoot(), Y: block.Y()[1:]},
		"too many values":           {RowRoot: block.RowRoot(), Y: append(other.Y(), block.Y()...)},
	} {
		if v, err := NewVerifier(block.params, block.commitment, o.RowRoot, o.Y); !errors.Is(err, ErrOpening) || v != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	y := append([][16]byte(nil), block.Y()...)
	v, err := NewVerifier(block.params, block.commitment, block.RowRoot(), y)
	if err != nil {
		t.Fatal(err)
	}
	clear(y) // the caller's slice is not the verifier's
	for i := range uint32(block.params.N) {
		if err := v.Verify(mustShard(t, other, i)); !errors.Is(err, ErrPath) {
			t.Fatalf("row %d of another block: %v", i, err)
		}
		if err := v.Verify(mustShard(t, block, i)); err != nil {
			t.Fatalf("row %d after a lie: %v", i, err)
		}
	}
	if err := v.Opening().Check(block.params, block.commitment); err != nil {
		t.Fatalf("the verifier's own opening: %v", err)
	}
}

// TestI4PeersLieIsNotTheBlocks: whatever single byte or place a peer falsifies in an honest shard, the verdict is
// ErrPath, never bad encoding.
func TestI4PeersLieIsNotTheBlocks(t *testing.T) {
	block := mustEncode(t, testData(7, 9000))
	p := block.params
	v := mustVerifier(t, block)
	rapid.Check(t, func(t *rapid.T) {
		i := rapid.Uint32Range(0, uint32(p.N-1)).Draw(t, "row")
		s, err := block.Shard(i)
		if err != nil {
			t.Fatal(err)
		}
		s = clone(s)
		switch rapid.IntRange(0, 6).Draw(t, "lie") {
		case 0:
			s.Row[rapid.IntRange(0, p.RowSize-1).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		case 1:
			s.Path[rapid.IntRange(0, p.PathLen()-1).Draw(t, "hash")][rapid.IntRange(0, 31).Draw(t, "byte")]++
		case 2:
			s.Index = (i + rapid.Uint32Range(1, uint32(p.N-1)).Draw(t, "shift")) % uint32(p.N)
		case 3: // same low bits: only the range check tells
			s.Index = i + uint32(p.N)*rapid.Uint32Range(1, 1000).Draw(t, "multiple")
		case 4:
			s.Path = s.Path[:rapid.IntRange(0, p.PathLen()-1).Draw(t, "hashes")]
		case 5:
			s.Path = append(s.Path, [32]byte{})
		case 6:
			s.Row = s.Row[:rapid.IntRange(0, p.RowSize-1).Draw(t, "bytes")]
		}
		if err := v.Verify(s); !errors.Is(err, ErrPath) {
			t.Fatalf("verdict %v, want ErrPath", err)
		}
	})
}

// TestNodeIsNoRow: with rows of 64 bytes an inner node has the size of a row; prefix and depth keep it from being one.
func TestNodeIsNoRow(t *testing.T) {
	block := mustEncode(t, testData(8, 1000))
	v := mustVerifier(t, block)
	nodes := block.rowTree.nodes
	parent := block.params.N / 2
	row := append(append([]byte(nil), nodes[2*parent][:]...), nodes[2*parent+1][:]...)
	path := block.rowTree.path(0)
	for _, s := range []Shard{{Row: row, Path: path[1:]}, {Row: row, Path: path}} {
		if err := v.Verify(s); !errors.Is(err, ErrPath) {
			t.Fatalf("verdict %v, want ErrPath", err)
		}
	}
}

// TestI5HonestRowsNeverConvict: all rows of honest blocks are correct, with the opening and stand-alone, and are no
// evidence.
func TestI5HonestRowsNeverConvict(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := testData(rapid.Uint64().Draw(t, "seed"), rapid.IntRange(0, 12000).Draw(t, "length"))
		block, err := Encode(data)
		if err != nil {
			t.Fatal(err)
		}
		p, o := block.params, block.Opening()
		v, err := NewVerifier(p, block.commitment, o.RowRoot, o.Y)
		if err != nil {
			t.Fatal(err)
		}
		for i := range uint32(p.N) {
			s, err := block.Shard(i)
			if err != nil {
				t.Fatal(err)
			}
			if err := v.Verify(s); err != nil {
				t.Fatalf("row %d: %v", i, err)
			}
		}
		for i := uint32(0); i < uint32(p.K); i += 7 {
			s, err := block.Standalone(i)
			if err != nil {
				t.Fatal(err)
			}
			if err := VerifyStandalone(block.commitment, p, s); err != nil {
				t.Fatalf("row %d alone: %v", i, err)
			}
			for _, e := range []Evidence{{Standalone: &s}, {Shard: &s.Shard, Opening: &o}} {
				if err := e.Check(block.commitment, p); !errors.Is(err, ErrNotEvidence) {
					t.Fatalf("row %d as evidence: %v", i, err)
				}
			}
		}
	})
}

// TestStandaloneLies: every falsified part of a stand-alone shard is the peer's lie.
func TestStandaloneLies(t *testing.T) {
	block := mustEncode(t, testData(9, 3000))
	p := block.params
	for name, lie := range map[string]func(*StandaloneShard){
		"row":               func(s *StandaloneShard) { s.Row[0]++ },
		"row path":          func(s *StandaloneShard) { s.Path[1][0]++ },
		"row path short":    func(s *StandaloneShard) { s.Path = s.Path[1:] },
		"value":             func(s *StandaloneShard) { s.Y[0]++ },
		"value path":        func(s *StandaloneShard) { s.YPath[0][0]++ },
		"value path short":  func(s *StandaloneShard) { s.YPath = s.YPath[1:] },
		"value path long":   func(s *StandaloneShard) { s.YPath = append(s.YPath, [32]byte{}) },
		"index":             func(s *StandaloneShard) { s.Index++ },
		"index of parity":   func(s *StandaloneShard) { s.Index += uint32(p.K) },
		"index beyond":      func(s *StandaloneShard) { s.Index += uint32(p.N) },
		"row of wrong size": func(s *StandaloneShard) { s.Row = s.Row[1:] },
	} {
		s, err := block.Standalone(5)
		if err != nil {
			t.Fatal(err)
		}
		s.Shard, s.YPath = clone(s.Shard), append([][32]byte(nil), s.YPath...)
		lie(&s)
		if err := VerifyStandalone(block.commitment, p, s); !errors.Is(err, ErrPath) {
			t.Errorf("%s: %v, want ErrPath", name, err)
		}
		if err := (Evidence{Standalone: &s}).Check(block.commitment, p); !errors.Is(err, ErrPath) {
			t.Errorf("%s as evidence: %v, want ErrPath", name, err)
		}
	}
	if _, err := block.Standalone(uint32(p.K)); err == nil {
		t.Error("a parity row got a stand-alone proof")
	}
	if _, err := block.Shard(uint32(p.N)); err == nil {
		t.Error("a row beyond N got a proof")
	}
}

// TestVerifierIsConcurrent is for the race detector.
func TestVerifierIsConcurrent(t *testing.T) {
	block := mustEncode(t, testData(10, 3000))
	v := mustVerifier(t, block)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range uint32(block.params.N) {
				s, err := block.Shard((i + uint32(16*g)) % uint32(block.params.N))
				if err != nil {
					t.Error(err)
				}
				if err := v.Verify(s); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
