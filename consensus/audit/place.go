package audit

import (
	"encoding/binary"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

// Place is where a transaction stands; it is kept under the transaction's hash.
//
//	version (1) | batch (36) | height (8) | index (4)
type Place struct {
	Batch  types.BatchID // the batch that brought it into the order first
	Height types.Height
	Index  uint32 // place in the block's order, from 0
}

const placeBytes = 1 + 36 + 8 + 4

// Encode is the canonical encoding.
func (p Place) Encode() []byte {
	b := append(make([]byte, 0, placeBytes), codecVersion)
	b = append(b, p.Batch[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(p.Height))
	return binary.BigEndian.AppendUint32(b, p.Index)
}

// DecodePlace is the strict inverse of Place.Encode.
func DecodePlace(encoded []byte) (Place, error) {
	f, err := open("place", encoded, placeBytes)
	if err != nil {
		return Place{}, err
	}
	batch, err := f.batch("place")
	if err != nil {
		return Place{}, err
	}
	return Place{Batch: batch, Height: types.Height(f.u64()), Index: f.u32()}, nil
}

// Position is one vertex of the committed sequence; it is kept under its index.
//
//	version (1) | vertex (42) | slot (42)       each: author (2) | round (8) | digest (32)
type Position struct {
	Vertex types.VertexRef
	Slot   types.VertexRef // the committed slot whose commit appended the vertex
}

const positionBytes = 1 + 2*vertexRefBytes

// PositionOf drops the index, which is the position's key.
func PositionOf(a consensus.Appended) Position { return Position{Vertex: a.Vertex, Slot: a.Slot} }

// Encode is the canonical encoding.
func (p Position) Encode() []byte {
	b := append(make([]byte, 0, positionBytes), codecVersion)
	return appendRef(appendRef(b, p.Vertex), p.Slot)
}

// DecodePosition is the strict inverse of Position.Encode.
func DecodePosition(encoded []byte) (Position, error) {
	f, err := open("position", encoded, positionBytes)
	if err != nil {
		return Position{}, err
	}
	return Position{Vertex: f.ref(), Slot: f.ref()}, nil
}
