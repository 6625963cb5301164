package execution

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/triedb/database"

	"github.com/etherscale/bedrock/types"
)

// history finds trie nodes of states that the state database has overwritten. A node of the state after block h that is not
// in the newest state was replaced by some block above h, which read it first: it is in that block's witness. So states are
// provable as far back as witnesses are kept, which is what settlement takes. One search runs at a time.
type history struct {
	chain *Chain

	mu     sync.Mutex
	marks  map[types.Height][]uint32 // of the nodes of a block's witness, ascending
	last   unpacked
	pruned types.Height // the head when marks of pruned witnesses were last dropped
}

// pruneMarksEvery is how many blocks lie between two looks for marks of witnesses that are gone.
const pruneMarksEvery = 64

// prune drops the marks of witnesses that are not kept any more, which go oldest first.
func (h *history) prune(head types.Height) {
	if head < h.pruned+pruneMarksEvery {
		return
	}
	h.pruned = head
	for _, at := range slices.Sorted(maps.Keys(h.marks)) {
		if _, err := h.chain.Witness(at); err == nil {
			return
		}
		delete(h.marks, at)
	}
}

// unpacked is the witness that was looked into last.
type unpacked struct {
	height types.Height
	nodes  map[common.Hash][]byte
}

// mark is enough of a node's hash to pass over almost all witnesses that do not have it.
func mark(node common.Hash) uint32 { return binary.BigEndian.Uint32(node[:]) }

// find looks for a node in the witnesses of the blocks above a height. It ends early when over says so.
func (h *history) find(above types.Height, node common.Hash, over func() error) ([]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	head := h.chain.Height()
	h.prune(head)
	for at := above + 1; at <= head; at++ {
		if err := over(); err != nil {
			return nil, err
		}
		marks, err := h.marksOf(at)
		if errors.Is(err, ErrUnknown) {
			continue // pruned: if the node was in it, it is nowhere
		}
		if err != nil {
			return nil, err
		}
		if _, found := slices.BinarySearch(marks, mark(node)); !found {
			continue
		}
		if err := h.unpack(at); err != nil {
			return nil, err
		}
		if blob := h.last.nodes[node]; blob != nil {
			return blob, nil
		}
	}
	return nil, fmt.Errorf("trie node %s of the state of block %d: %w", node, above, ErrUnknown)
}

// marksOf makes a block's marks once; the witness is looked into on the way.
func (h *history) marksOf(at types.Height) ([]uint32, error) {
	if marks, known := h.marks[at]; known {
		return marks, nil
	}
	if err := h.unpack(at); err != nil {
		return nil, err
	}
	marks := make([]uint32, 0, len(h.last.nodes))
	for node := range h.last.nodes {
		marks = append(marks, mark(node))
	}
	slices.Sort(marks)
	if h.marks == nil {
		h.marks = make(map[types.Height][]uint32)
	}
	h.marks[at] = marks
	return marks, nil
}

func (h *history) unpack(at types.Height) error {
	if h.last.nodes != nil && h.last.height == at {
		return nil
	}
	w, err := h.chain.Witness(at)
	if err != nil {
		delete(h.marks, at)
		return err
	}
	h.last = unpacked{height: at, nodes: make(map[common.Hash][]byte, len(w.Nodes))}
	for _, n := range w.Nodes {
		h.last.nodes[crypto.Keccak256Hash(n)] = n
	}
	return nil
}

// pastNodes is the state after a block as a database of trie nodes.
type pastNodes struct {
	chain  *Chain
	height types.Height
	over   func() error
}

var _ database.NodeDatabase = pastNodes{}

// NodeReader implements database.NodeDatabase.
func (p pastNodes) NodeReader(root common.Hash) (database.NodeReader, error) {
	r := &pastReader{pastNodes: p, found: make(map[common.Hash][]byte)}
	r.own, _ = p.chain.tdb.NodeReader(root) // where the state is kept as it was
	r.newest, _ = p.chain.tdb.NodeReader(p.chain.head.Load().claim.Root)
	return r, nil
}

// pastReader reads a node from where it still is: by its path in a state that is kept, where the hash says whether it is the
// one, else from a witness.
type pastReader struct {
	pastNodes
	own, newest database.NodeReader // nil: not kept
	found       map[common.Hash][]byte
}

// Node implements database.NodeReader.
func (r *pastReader) Node(owner common.Hash, path []byte, hash common.Hash) ([]byte, error) {
	for _, state := range []database.NodeReader{r.own, r.newest} {
		if state == nil {
			continue
		}
		if blob, err := state.Node(owner, path, hash); err == nil && crypto.Keccak256Hash(blob) == hash {
			return blob, nil
		}
	}
	if blob := r.found[hash]; blob != nil {
		return blob, nil
	}
	blob, err := r.chain.past.find(r.height, hash, r.over)
	if err != nil {
		return nil, err
	}
	r.found[hash] = blob
	return blob, nil
}
