package fraud

import (
	"fmt"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/types"
)

// Blocks gives what a challenge shows of a block besides its execution.
type Blocks interface {
	// Certified is the certified header of a height.
	Certified(types.Height) (types.CertifiedHeader, bool)
	// Encoded is the block's data, encoded; the error says why it cannot be had.
	Encoded(types.Height) (*coding.Block, error)
	// Data is the block's data.
	Data(types.Height) ([]byte, error)
}

// builder gathers the parts of a wrong-state challenge.
type builder struct {
	exec    Executor
	blocks  Blocks
	signed  *SignedAssertion
	at      Place
	header  types.Header
	params  coding.Params
	data    []byte
	touched map[uint32]bool
}

// BuildWrongState makes the challenge of the first wrong claim that Compare found. It fails if what it needs is no
// longer kept here, or if the challenge would be too long.
func BuildWrongState(exec Executor, blocks Blocks, signed *SignedAssertion, at Place, payee [20]byte) (*Challenge, error) {
	a := &signed.Assertion
	height := a.Height(at.Block)
	certified, ok := blocks.Certified(a.Last())
	if !ok {
		return nil, fmt.Errorf("challenge block %d: certified header %d is not here", height, a.Last())
	}
	header, err := exec.Header(height)
	if err != nil {
		return nil, fmt.Errorf("challenge block %d: %w", height, err)
	}
	rules := exec.Rules()
	if at.Prefix {
		return buildWrongPrefix(exec, &certified, signed, at, payee)
	}
	data, err := blocks.Data(height)
	if err != nil {
		return nil, fmt.Errorf("challenge block %d: %w", height, err)
	}
	params, err := coding.ParamsFor(uint64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("challenge block %d: %w", height, err)
	}
	b := &builder{exec: exec, blocks: blocks, signed: signed, at: at, header: header, params: params, data: data,
		touched: make(map[uint32]bool)}
	body := &WrongState{Assertion: signed.Encode(), Block: uint64(at.Block), Chunk: uint64(at.Chunk), Header: certified.Encode()}
	if err := b.fill(body); err != nil {
		return nil, fmt.Errorf("challenge block %d, chunk %d: %w", height, at.Chunk, err)
	}
	c := newChallenge(rules.Network, KindWrongState, payee, body)
	if size := len(c.Encode()); size > MaxChallengeBytes {
		return nil, fmt.Errorf("challenge block %d, chunk %d: %d bytes, at most %d", height, at.Chunk, size, MaxChallengeBytes)
	}
	return c, nil
}

// buildWrongPrefix makes the challenge of a prefix that is not the hash of claims that are right.
func buildWrongPrefix(exec Executor, certified *types.CertifiedHeader, signed *SignedAssertion, at Place, payee [20]byte) (*Challenge, error) {
	height := signed.Assertion.Height(at.Block)
	claims, err := exec.Claims(height)
	if err != nil {
		return nil, fmt.Errorf("challenge block %d: %w", height, err)
	}
	below, err := HeadersBelow(exec, signed.Assertion.Last(), height)
	if err != nil {
		return nil, fmt.Errorf("challenge block %d: %w", height, err)
	}
	return NewWrongPrefix(payee, certified.Header.Network, signed, at.Block, claims[:len(claims)-1], certified, below), nil
}

// HeadersBelow are the encoded headers below a height, newest first, down to the lowest, inclusive.
func HeadersBelow(exec interface {
	Header(types.Height) (types.Header, error)
}, height, lowest types.Height) ([][]byte, error) {
	var encoded [][]byte
	for ; height > lowest; height-- {
		h, err := exec.Header(height - 1)
		if err != nil {
			return nil, err
		}
		encoded = append(encoded, h.Encode())
	}
	return encoded, nil
}

// fillClaims shows what the challenged claim builds on, where the assertion does not.
func (b *builder) fillClaims(body *WrongState) error {
	if b.at.Block == 0 {
		parent, err := OwnParent(b.exec, b.header.Height-1)
		if err != nil {
			return err
		}
		body.Parent = parent.Encode()
	}
	if b.at.Chunk == 0 || b.at.Chunk == b.signed.Assertion.Blocks[b.at.Block].Chunks() {
		return nil
	}
	before, err := b.before()
	body.Before = before.Encode()
	return err
}

// before is the own claim before the challenged one, which is right if that is the first wrong one.
func (b *builder) before() (execution.Claim, error) {
	own, err := b.exec.Claims(b.header.Height)
	if err != nil {
		return execution.Claim{}, err
	}
	if b.at.Chunk > len(own) {
		return execution.Claim{}, fmt.Errorf("the claim before chunk %d is another's: %w", b.at.Chunk, ErrForeignParent)
	}
	return own[b.at.Chunk-1], nil
}

func (b *builder) fill(body *WrongState) error {
	if err := b.fillClaims(body); err != nil {
		return err
	}
	reader := newBlockReader(uint64(len(b.data)), b.read)
	oldest := uint64(b.header.Height)
	end, err := b.pastEnd(reader)
	if err != nil {
		return err
	}
	proof, err := b.prove(reader, end)
	if err != nil {
		return err
	}
	if proof.Chunk != nil {
		oldest = proof.Oldest
		body.Nodes, body.Codes = packNodes(proof.Before.Root, proof.Witness.Nodes), proof.Witness.Codes
	}
	body.Frontier = proof.Frontier.Hashes()
	if body.Ancestors, err = b.ancestors(oldest); err != nil {
		return err
	}
	body.Rows, err = b.rows()
	return err
}

// pastEnd reports whether the challenged claim is missing or too many: then the table of lengths proves it alone.
func (b *builder) pastEnd(reader *blockReader) (bool, error) {
	claims := &b.signed.Assertion.Blocks[b.at.Block]
	switch b.at.Chunk {
	case 0:
		return false, nil
	case claims.Chunks():
		_, _, _, err := reader.span(claims.Last.Place)
		return true, err
	}
	before, err := b.before()
	if err != nil {
		return false, err
	}
	_, _, more, err := reader.span(before.Place)
	return !more, err
}

// prove derives the chunk's proof from the block's witness. For a claim past the block's end only the frontier counts.
func (b *builder) prove(reader *blockReader, pastEnd bool) (*execution.ChunkProof, error) {
	height := b.header.Height
	witness, err := b.exec.Witness(height)
	if err != nil {
		return nil, err
	}
	parent, err := b.exec.Header(height - 1)
	if err != nil {
		return nil, err
	}
	claims, err := b.exec.Claims(height - 1)
	if err != nil {
		return nil, err
	}
	rules := b.exec.Rules()
	parentClaim := claims[len(claims)-1]
	env := execution.NewEnv(&rules, b.header, parent, parentClaim, b.digest)
	whole := newBlockReader(uint64(len(b.data)), func(from, to uint64) ([]byte, error) { return b.data[from:to], nil })
	if pastEnd {
		proof, err := env.ProveChunk(witness, parentClaim, b.at.Chunk-1, whole.source)
		if err != nil {
			return nil, err
		}
		return &execution.ChunkProof{Frontier: proof.Chunk.Frontier}, nil
	}
	proof, err := env.ProveChunk(witness, parentClaim, b.at.Chunk, whole.source)
	if err != nil {
		return nil, err
	}
	for place := proof.Before.Place; place < proof.Asked; place++ { // the verifier will read these rows
		if _, _, err := reader.source(place); err != nil {
			return nil, err
		}
	}
	return proof, nil
}

func (b *builder) digest(height uint64) types.Hash {
	h, err := b.exec.Header(types.Height(height))
	if err != nil {
		return types.Hash{} // the proof then does not replay to the own claim, and verification tells
	}
	return h.Digest()
}

// read serves block data and remembers the rows it came from.
func (b *builder) read(from, to uint64) ([]byte, error) {
	first, end, err := b.params.RowsOfRange(from, to)
	if err != nil {
		return nil, err
	}
	for i := first; i < end; i++ {
		b.touched[i] = true
	}
	return b.data[from:to], nil
}

// ancestors are the headers below the assertion's last block, from its parent down to the challenged block's parent, and on
// to the one whose parent digest answers for height oldest.
func (b *builder) ancestors(oldest uint64) ([][]byte, error) {
	lowest := b.header.Height - 1
	if oldest+1 < uint64(lowest) {
		lowest = types.Height(oldest + 1)
	}
	return HeadersBelow(b.exec, b.signed.Assertion.Last(), lowest)
}

func (b *builder) rows() ([][]byte, error) {
	if len(b.touched) == 0 {
		return nil, nil
	}
	block, err := b.blocks.Encoded(b.header.Height)
	if err != nil {
		return nil, err
	}
	var rows [][]byte
	for i := uint32(0); int64(i) < int64(b.params.K); i++ {
		if !b.touched[i] {
			continue
		}
		shard, err := block.Standalone(i)
		if err != nil {
			return nil, err
		}
		encoded, err := shard.MarshalBinary()
		if err != nil {
			return nil, err
		}
		rows = append(rows, encoded)
	}
	return rows, nil
}
