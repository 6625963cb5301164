package execution

import (
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/core/state"
	ethtypes "github.com/ethereum/go-ethereum/core/types"

	"github.com/etherscale/bedrock/types"
)

// Replay executes one chunk on a witness alone. It fails if the witness lacks anything that execution reads, or if the
// source or Env.Hash cannot answer. The claim before must be the one the witness belongs to.
func (e *Env) Replay(w Witness, first bool, before Claim, frontier Frontier, source Source) (*Chunk, error) {
	s, err := state.New(before.Root, w.database())
	if err != nil {
		return nil, fmt.Errorf("witness: %w", err)
	}
	return e.RunChunk(s, first, before, frontier, source)
}

// ChunkProof is what execution needs to replay one chunk.
type ChunkProof struct {
	Before   Claim // for the first chunk: Env.Start of the parent's claim
	Frontier Frontier
	Witness  Witness
	Oldest   uint64 // lowest height whose digest BLOCKHASH asked for; the block's own height if none
	Chunk    *Chunk // the outcome
	Asked    uint64 // places below this one were asked of the source: the chunk's end depends on them
}

// ErrNoChunk says that a block has no chunk of this index.
var ErrNoChunk = errors.New("block has no such chunk")

// ProveChunk derives the proof of chunk index from the witness of the whole block: it replays the block chunk by chunk in
// memory and records the chunk asked for. If the block ends before that chunk the error wraps ErrNoChunk.
func (e *Env) ProveChunk(block Witness, parentClaim Claim, index int, source Source) (*ChunkProof, error) {
	db := block.database()
	proof := &ChunkProof{Before: e.Start(parentClaim)}
	for i := 0; ; i++ {
		rec := newRecorder()
		proof.Oldest, proof.Asked = uint64(e.Header.Height), 0
		watched := *e
		watched.Hash = func(height uint64) types.Hash {
			proof.Oldest = min(proof.Oldest, height)
			return e.Hash(height)
		}
		s, err := state.New(proof.Before.Root, newRecordingDB(db, rec, nil))
		if err != nil {
			return nil, fmt.Errorf("block witness: %w", err)
		}
		chunk, err := watched.RunChunk(s, i == 0, proof.Before, proof.Frontier, proof.watch(source))
		if err != nil {
			return nil, err
		}
		if i > 0 && chunk.Claim.Place == proof.Before.Place {
			return nil, fmt.Errorf("chunk %d of block %d, which has %d: %w", index, e.Header.Height, i, ErrNoChunk)
		}
		if i == index {
			proof.Witness, proof.Chunk = rec.carried(), chunk
			return proof, nil
		}
		if _, err := s.Commit(e.rules(), uint64(e.Header.Height)); err != nil {
			return nil, fmt.Errorf("block witness: %w", err)
		}
		proof.Before, proof.Frontier = chunk.Claim, chunk.Frontier
	}
}

func (p *ChunkProof) watch(source Source) Source {
	return func(place uint64) (*ethtypes.Transaction, bool, error) {
		p.Asked = max(p.Asked, place+1)
		return source(place)
	}
}
