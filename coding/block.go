package coding

import "fmt"

// Block is an encoded block, all rows in memory: about 4 times the data, and 64 bytes a row for the tree. It is
// immutable; what its methods return shares its memory and must not be written to.
type Block struct {
	params     Params
	rows       [][]byte
	rowTree    tree
	y          [][16]byte
	valueTree  tree
	commitment [32]byte
}

// Encode encodes and commits data, which it copies. It fails with ErrLength above MaxLength.
func Encode(data []byte) (*Block, error) { return Spread(nil).Encode(data) }

// Encode is the package's Encode, in parts.
func (s Spread) Encode(data []byte) (*Block, error) {
	p, err := ParamsFor(uint64(len(data)))
	if err != nil {
		return nil, err
	}
	return s.encode(p, data, make([]byte, p.N*p.RowSize)), nil
}

// Encoder encodes one block after the other in the same memory, for callers that are done with a block before the next:
// to make and clear four times the data anew takes a fifth of the time of an encoding. The zero value is ready. Not for
// use by two goroutines at once.
type Encoder struct {
	Spread Spread // who runs the parts
	slab   []byte
}

// Encode is the package's Encode, but the block that it returns is valid only until the next call.
func (e *Encoder) Encode(data []byte) (*Block, error) {
	p, err := ParamsFor(uint64(len(data)))
	if err != nil {
		return nil, err
	}
	if size := p.N * p.RowSize; size > cap(e.slab) {
		e.slab = make([]byte, size)
	}
	return e.Spread.encode(p, data, e.slab[:p.N*p.RowSize]), nil
}

// encode makes the block of data in slab, which may hold rubbish.
func (s Spread) encode(p Params, data, slab []byte) *Block {
	clear(slab[copy(slab, data) : p.K*p.RowSize])
	b := &Block{params: p, rows: cutRows(slab, p.N)}
	b.rowTree = extendTree(s, b.rows)
	b.y = combineRows(s, p, b.rowTree.root(), b.rows)
	b.valueTree = valueTree(b.y)
	b.commitment = commit(p, b.rowTree.root(), b.valueTree.root())
	return b
}

// newRows makes n rows of zeros, one behind the other in memory.
func newRows(n, size int) [][]byte {
	return cutRows(make([]byte, n*size), n)
}

// cutRows cuts a slab into n rows of equal size.
func cutRows(slab []byte, n int) [][]byte {
	rows := make([][]byte, n)
	for i := range rows {
		size := len(slab) / n
		rows[i] = slab[i*size : (i+1)*size : (i+1)*size]
	}
	return rows
}

// combineRows are the combinations of the data rows.
func combineRows(s Spread, p Params, rowRoot [32]byte, rows [][]byte) [][16]byte {
	y := make([][16]byte, p.K)
	if p.K == 0 {
		return y
	}
	c := newCombiner(coefficientSeed(p, rowRoot), p.RowSize)
	s.rows(p.K, func(from, to int) {
		for i := from; i < to; i++ {
			y[i] = c.combine(rows[i])
		}
	})
	return y
}

// Params is the block's shape.
func (b *Block) Params() Params { return b.params }

// Commitment identifies the block's data.
func (b *Block) Commitment() [32]byte { return b.commitment }

// RowRoot is the root of the tree over all rows; zero for the empty block.
func (b *Block) RowRoot() [32]byte { return b.rowTree.root() }

// Rows are all N rows, data rows first.
func (b *Block) Rows() [][]byte { return b.rows }

// Y are the combinations of the K data rows.
func (b *Block) Y() [][16]byte { return b.y }

// Opening is what a verifier needs besides the commitment.
func (b *Block) Opening() Opening { return Opening{RowRoot: b.RowRoot(), Y: b.y} }

// Shard is row i with its proof. It fails if i >= N.
func (b *Block) Shard(i uint32) (Shard, error) {
	if int64(i) >= int64(b.params.N) {
		return Shard{}, fmt.Errorf("coding: no row %d in a block of %d rows", i, b.params.N)
	}
	return Shard{Index: i, Row: b.rows[i], Path: b.rowTree.path(int(i))}, nil
}

// Standalone is data row i with a proof that needs no opening. It fails if i >= K.
func (b *Block) Standalone(i uint32) (StandaloneShard, error) {
	if int64(i) >= int64(b.params.K) {
		return StandaloneShard{}, fmt.Errorf("coding: no data row %d in a block of %d data rows", i, b.params.K)
	}
	return StandaloneShard{
		Shard: Shard{Index: i, Row: b.rows[i], Path: b.rowTree.path(int(i))},
		Y:     b.y[i],
		YPath: b.valueTree.path(int(i)),
	}, nil
}
