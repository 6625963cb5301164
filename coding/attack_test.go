package coding

import (
	"bytes"
	"errors"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// forge commits to arbitrary rows and combinations, as a dishonest publisher may. y is given the honest combinations of
// the first K rows (whatever they are) and may change them.
func forge(tb testing.TB, p Params, rows [][]byte, change func(y [][16]byte)) *Block {
	tb.Helper()
	b := &Block{params: p, rows: rows, y: make([][16]byte, p.K)}
	b.rowTree = newTree(p.N, func(j int) []byte { return rows[j] })
	c := newCombiner(coefficientSeed(p, b.rowTree.root()), p.RowSize)
	for i := range b.y {
		b.y[i] = c.combine(rows[i])
	}
	if change != nil {
		change(b.y)
	}
	b.valueTree = valueTree(b.y)
	b.commitment = commit(p, b.rowTree.root(), b.valueTree.root())
	return b
}

// honestRows is a copy of all rows of the encoding of data.
func honestRows(tb testing.TB, data []byte) (Params, [][]byte) {
	b := mustEncode(tb, data)
	rows := make([][]byte, len(b.rows))
	for i := range rows {
		rows[i] = bytes.Clone(b.rows[i])
	}
	return b.params, rows
}

func wantBad(tb testing.TB, err error, reason Reason) *BadEncodingError {
	tb.Helper()
	var bad *BadEncodingError
	if !errors.As(err, &bad) || bad.Reason != reason {
		tb.Fatalf("got %v, want bad encoding: %v", err, reason)
	}
	return bad
}

// TestGarbageParity: the publisher commits to random parity and to the true combinations of its data rows. Exactly the
// K rows that y was chosen through pass, as theory says; every parity row convicts.
func TestGarbageParity(t *testing.T) {
	p, rows := honestRows(t, testData(1, 3000))
	for i := p.K; i < p.N; i++ {
		rows[i] = testData(uint64(1000+i), p.RowSize)
	}
	block := forge(t, p, rows, nil)
	v := mustVerifier(t, block)
	passed := 0
	for i := range uint32(p.N) {
		err := v.Verify(mustShard(t, block, i))
		if err == nil {
			passed++
			continue
		}
		bad := wantBad(t, err, ReasonCombination)
		if bad.Index != i {
			t.Fatalf("row %d convicted as row %d", i, bad.Index)
		}
		if err := bad.Evidence.Check(block.commitment, p); err != nil {
			t.Fatalf("evidence of row %d: %v", i, err)
		}
	}
	if passed != p.K {
		t.Fatalf("%d rows passed, want K = %d", passed, p.K)
	}
}

// TestOneGarbageRow: one committed parity row is garbage. Readers decode the data all the same; only rebuilding rows to
// serve them is refused. "Re-encode and compare" must not decide validity.
func TestOneGarbageRow(t *testing.T) {
	data := testData(2, 3000)
	p, rows := honestRows(t, data)
	rows[p.N-1][5] ^= 1
	block := forge(t, p, rows, nil)
	v := mustVerifier(t, block)
	for i := range uint32(p.N - 1) {
		if err := v.Verify(mustShard(t, block, i)); err != nil {
			t.Fatalf("row %d: %v", i, err)
		}
	}
	wantBad(t, v.Verify(mustShard(t, block, uint32(p.N-1))), ReasonCombination)
	good := shardsAt(t, block, ascending(p.N - 1)[p.N-1-p.K:])
	if got, err := Reconstruct(v, good); err != nil || !bytes.Equal(got, data) {
		t.Fatalf("reconstruct from correct rows: %v", err)
	}
	if _, err := ReconstructAll(v, good); !errors.Is(err, ErrInconsistent) {
		t.Fatalf("rebuilding all rows: %v, want ErrInconsistent", err)
	}
	if _, err := Reconstruct(v, shardsAt(t, block, ascending(p.N)[p.N-p.K:])); err == nil {
		t.Fatal("reconstruct used the garbage row")
	}
}

// TestWrongValue: y of a data row is a lie. The row convicts with the opening and stand-alone.
func TestWrongValue(t *testing.T) {
	p, rows := honestRows(t, testData(3, 3000))
	block := forge(t, p, rows, func(y [][16]byte) { y[3][15] ^= 0x80 })
	wantBad(t, mustVerifier(t, block).Verify(mustShard(t, block, 3)), ReasonCombination)
	s, err := block.Standalone(3)
	if err != nil {
		t.Fatal(err)
	}
	bad := wantBad(t, VerifyStandalone(block.commitment, p, s), ReasonCombination)
	if err := bad.Evidence.Check(block.commitment, p); err != nil {
		t.Fatal(err)
	}
	if s, err = block.Standalone(4); err != nil {
		t.Fatal(err)
	}
	if err := VerifyStandalone(block.commitment, p, s); err != nil {
		t.Fatalf("an honest row of the block: %v", err)
	}
}

// TestI6PaddingIsZero: a properly coded block with a non-zero byte behind its data would be a second block with the
// same data. Its padded row convicts; decoding is refused even when only parity rows are at hand.
func TestI6PaddingIsZero(t *testing.T) {
	data := testData(4, 1000) // 16 rows of 64 bytes: row 15 holds 40 bytes of data
	p, err := ParamsFor(uint64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	rows := layRows(p, data)
	rows[15][63] = 1
	extendRows(rows)
	block := forge(t, p, rows, nil)
	v := mustVerifier(t, block)
	for i := range uint32(p.N) {
		err := v.Verify(mustShard(t, block, i))
		if i != 15 && err != nil {
			t.Fatalf("row %d: %v", i, err)
		}
		if i == 15 {
			bad := wantBad(t, err, ReasonPadding)
			if err := bad.Evidence.Check(block.commitment, p); err != nil {
				t.Fatal(err)
			}
		}
	}
	s, err := block.Standalone(15)
	if err != nil {
		t.Fatal(err)
	}
	wantBad(t, VerifyStandalone(block.commitment, p, s), ReasonPadding)
	if _, err := Reconstruct(v, shardsAt(t, block, ascending(p.N)[p.K:])); !errors.Is(err, ErrPadding) {
		t.Fatalf("reconstruct from parity: %v, want ErrPadding", err)
	}
}

// TestI6ShapeIsCommitted: rows of zeros combine to zero under any coefficient, so only the shape in the hash keeps
// blocks of zeros apart.
func TestI6ShapeIsCommitted(t *testing.T) {
	seen := map[[32]byte]int{}
	for _, n := range []int{0, 1, 2, 63, 64, 1023, 1024, 1025, 4096, 4097} {
		b := mustEncode(t, make([]byte, n))
		if m, twice := seen[b.Commitment()]; twice {
			t.Fatalf("%d and %d zero bytes have one commitment", m, n)
		}
		seen[b.Commitment()] = n
		v := mustVerifier(t, b)
		for i := range uint32(b.params.N) {
			if err := v.Verify(mustShard(t, b, i)); err != nil {
				t.Fatalf("%d zero bytes, row %d: %v", n, i, err)
			}
		}
	}
}

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

// TestForgedSizes: a publisher commits to trees of another depth, to rows of another size, to more values. None of them
// gets through, although every hash leads to the commitment and every combination agrees.
func TestForgedSizes(t *testing.T) {
	p, rows := honestRows(t, testData(11, 1000))
	honest := forge(t, p, rows, nil)

	t.Run("long row", func(t *testing.T) {
		long := append([][]byte{append(bytes.Clone(rows[0]), make([]byte, 64)...)}, rows[1:]...)
		block := forge(t, p, long, nil)
		if err := mustVerifier(t, block).Verify(mustShard(t, block, 0)); !errors.Is(err, ErrPath) {
			t.Fatalf("verdict %v, want ErrPath", err)
		}
	})
	t.Run("shallow row", func(t *testing.T) { // row 0 stands for the whole lower half of the tree
		sibling := honest.rowTree.nodes[3]
		var leaf [32]byte
		newLeafHasher().sum(rows[0], &leaf)
		rowRoot := hashNode(&leaf, &sibling)
		c := newCombiner(coefficientSeed(p, rowRoot), p.RowSize)
		y := make([][16]byte, p.K)
		for i := range y {
			y[i] = c.combine(rows[i])
		}
		v, err := NewVerifier(p, commit(p, rowRoot, valueTree(y).root()), rowRoot, y)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range []uint32{0, 2, 4} {
			s := Shard{Index: i, Row: rows[0], Path: [][32]byte{sibling}}
			if err := v.Verify(s); !errors.Is(err, ErrPath) {
				t.Fatalf("verdict %v, want ErrPath", err)
			}
		}
	})
	t.Run("shallow value", func(t *testing.T) { // y_0 stands for the whole lower half of the value tree
		sibling := honest.valueTree.nodes[3]
		s, err := honest.Standalone(0)
		if err != nil {
			t.Fatal(err)
		}
		s.YPath = [][32]byte{sibling}
		commitment := commit(p, honest.RowRoot(), rootFromPath(s.Y[:], 0, s.YPath))
		if err := VerifyStandalone(commitment, p, s); !errors.Is(err, ErrPath) {
			t.Fatalf("verdict %v, want ErrPath", err)
		}
	})
	t.Run("parity row with a data value", func(t *testing.T) {
		c := newCombiner(coefficientSeed(p, honest.RowRoot()), p.RowSize)
		block := forge(t, p, rows, func(y [][16]byte) { y[3] = c.combine(rows[p.K+3]) })
		s := StandaloneShard{Shard: mustShard(t, block, uint32(p.K+3)), Y: block.y[3], YPath: block.valueTree.path(3)}
		if err := VerifyStandalone(block.commitment, p, s); !errors.Is(err, ErrPath) {
			t.Fatalf("verdict %v, want ErrPath", err)
		}
	})
	t.Run("too many values", func(t *testing.T) {
		y := append(append([][16]byte{}, honest.y...), honest.y...)
		commitment := commit(p, honest.RowRoot(), valueTree(y).root())
		if _, err := NewVerifier(p, commitment, honest.RowRoot(), y); !errors.Is(err, ErrOpening) {
			t.Fatalf("verdict %v, want ErrOpening", err)
		}
	})
}
