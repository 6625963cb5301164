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
func Encode(data []byte) (*Block, error) {
	p, err := ParamsFor(uint64(len(data)))
	if err != nil {
		return nil, err
	}
	b := &Block{params: p, rows: layRows(p, data)}
	if p.K > 0 {
		extendRows(b.rows)
	}
	b.rowTree = newTree(p.N, func(j int) []byte { return b.rows[j] })
	b.y = make([][16]byte, p.K)
	if p.K > 0 {
		c := newCombiner(coefficientSeed(p, b.rowTree.root()), p.RowSize)
		for i := range b.y {
			b.y[i] = c.combine(b.rows[i])
		}
	}
	b.valueTree = valueTree(b.y)
	b.commitment = commit(p, b.rowTree.root(), b.valueTree.root())
	return b, nil
}

// layRows copies data into the first rows of one slab of N rows; padding and parity rows are zero.
func layRows(p Params, data []byte) [][]byte {
	slab := make([]byte, p.N*p.RowSize)
	copy(slab, data)
	rows := make([][]byte, p.N)
	for i := range rows {
		rows[i] = slab[i*p.RowSize : (i+1)*p.RowSize : (i+1)*p.RowSize]
	}
	return rows
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
