package coding

import (
	"bytes"
	"errors"
	"testing"
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
	slab := make([]byte, p.N*p.RowSize)
	copy(slab, data)
	rows := cutRows(slab, p.N)
	rows[15][63] = 1
	extendRows(nil, rows)
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
	_, err = ReconstructAll(v, shardsAt(t, block, ascending(p.N)[p.K:])) // nobody serves row 15, and it convicts all the same
	bad := wantBad(t, err, ReasonPadding)
	if err := bad.Evidence.Check(block.commitment, p); err != nil || bad.Index != 15 {
		t.Fatal(bad.Index, err)
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
