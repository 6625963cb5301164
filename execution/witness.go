package execution

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/rawdb"
	"github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/ethereum/go-ethereum/triedb"

	"github.com/etherscale/bedrock/types"
)

// Witness is a part of a state: trie nodes and codes by their bytes. Whether it is complete shows in execution only. That of
// a chunk does not carry the codes of the system calls, which every program has.
type Witness struct {
	Nodes [][]byte // ascending, distinct
	Codes [][]byte // ascending, distinct
}

func sorted(set map[common.Hash][]byte) [][]byte {
	return slices.SortedFunc(maps.Values(set), bytes.Compare)
}

// Size is the number of bytes in the witness.
func (w Witness) Size() int {
	size := 0
	for _, list := range [...][][]byte{w.Nodes, w.Codes} {
		for _, b := range list {
			size += len(b)
		}
	}
	return size
}

// database is a state database in memory that holds the witness and the codes that every program has, and nothing else.
func (w Witness) database() state.Database {
	disk := rawdb.NewMemoryDatabase()
	for _, node := range w.Nodes {
		rawdb.WriteLegacyTrieNode(disk, crypto.Keccak256Hash(node), node)
	}
	for _, code := range w.Codes {
		rawdb.WriteCode(disk, crypto.Keccak256Hash(code), code)
	}
	for hash, code := range wellKnownCodes() {
		rawdb.WriteCode(disk, hash, code)
	}
	return state.NewMPTDatabase(triedb.NewDatabase(disk, triedb.HashDefaults), nil)
}

// blockWitness is the stored form of a whole block's witness. Codes are immutable and in the state database, so their
// hashes do.
type blockWitness struct {
	Nodes [][]byte
	Codes []common.Hash
}

func (r *recorder) encodeBlock() ([]byte, error) {
	stored := blockWitness{Nodes: sorted(r.nodes), Codes: slices.SortedFunc(maps.Keys(r.codes), common.Hash.Cmp)}
	return rlp.EncodeToBytes(&stored)
}

func decodeBlockWitness(encoded []byte, code func(common.Hash) []byte) (Witness, error) {
	var stored blockWitness
	if err := rlp.DecodeBytes(encoded, &stored); err != nil {
		return Witness{}, fmt.Errorf("stored witness: %w: %w", types.ErrMalformed, err)
	}
	w := Witness{Nodes: stored.Nodes}
	for _, hash := range stored.Codes {
		c := code(hash)
		if c == nil {
			return Witness{}, fmt.Errorf("stored witness: code %s is not in the database", hash)
		}
		w.Codes = append(w.Codes, c)
	}
	slices.SortFunc(w.Codes, bytes.Compare)
	return w, nil
}
