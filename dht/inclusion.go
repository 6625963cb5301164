package dht

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
)

// This file recomputes a block's commitment from one row, its path and the value root, as the format in coding's doc.go
// defines it. It proves that a row was committed to, not that it is encoded well.

// rootFromPath is the RFC 6962 root that leaf at index claims with its path.
func rootFromPath(leaf []byte, index uint32, path [][32]byte) types.Hash {
	h := sha256.New()
	h.Write([]byte{0})
	h.Write(leaf)
	cur := types.Hash(h.Sum(nil))
	for _, sibling := range path {
		if index&1 == 0 {
			cur = treeNode(cur, sibling)
		} else {
			cur = treeNode(sibling, cur)
		}
		index >>= 1
	}
	return cur
}

// valueRoot is the RFC 6962 root over the combinations y, whose number is a power of two.
func valueRoot(y [][16]byte) types.Hash {
	if len(y) == 0 {
		return types.Hash{}
	}
	level := make([]types.Hash, len(y))
	for i := range y {
		level[i] = sha256.Sum256(append([]byte{0}, y[i][:]...))
	}
	for len(level) > 1 {
		for i := range len(level) / 2 {
			level[i] = treeNode(level[2*i], level[2*i+1])
		}
		level = level[:len(level)/2]
	}
	return level[0]
}

func treeNode(left, right types.Hash) types.Hash {
	var b [65]byte
	b[0] = 1
	copy(b[1:], left[:])
	copy(b[33:], right[:])
	return sha256.Sum256(b[:])
}

// commitmentOf is the commitment to a block of shape p with these roots.
func commitmentOf(p coding.Params, rowRoot, yRoot types.Hash) types.Hash {
	b := []byte("bedrock/commitment/1")
	b = binary.LittleEndian.AppendUint32(b, coding.Version)
	b = binary.LittleEndian.AppendUint32(b, uint32(p.K))
	b = binary.LittleEndian.AppendUint32(b, uint32(p.N))
	b = binary.LittleEndian.AppendUint32(b, uint32(p.RowSize))
	b = binary.LittleEndian.AppendUint64(b, p.Length)
	b = append(b, rowRoot[:]...)
	return sha256.Sum256(append(b, yRoot[:]...))
}
