package execution

import (
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/state"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/trie"
	"github.com/ethereum/go-ethereum/triedb/database"
)

// recorder collects every trie node and code that execution reads below the tries, which is the witness of what it
// executes. Recording above the tries, or once a block, misses the siblings that deletions at chunk boundaries pull up.
// Safe for concurrent use: go-ethereum hashes storage tries in parallel.
type recorder struct {
	mu    sync.Mutex
	nodes map[string]struct{}
	codes map[string]struct{}
}

func newRecorder() *recorder {
	return &recorder{nodes: make(map[string]struct{}), codes: make(map[string]struct{})}
}

func (r *recorder) node(blob []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.nodes[string(blob)] = struct{}{}
}

func (r *recorder) code(code []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.codes[string(code)] = struct{}{}
}

// recordingDB is a state database whose reads all go through tries, which the recorder watches.
type recordingDB struct {
	state.Database
	rec *recorder
}

func (d recordingDB) OpenTrie(root common.Hash) (state.Trie, error) {
	return trie.NewStateTrie(trie.StateTrieID(root), recordingNodes{d.TrieDB(), d.rec})
}

func (d recordingDB) OpenStorageTrie(stateRoot common.Hash, a common.Address, root common.Hash, _ state.Trie) (state.Trie, error) {
	id := trie.StorageTrieID(stateRoot, crypto.Keccak256Hash(a[:]), root)
	return trie.NewStateTrie(id, recordingNodes{d.TrieDB(), d.rec})
}

func (d recordingDB) Reader(root common.Hash) (state.Reader, error) {
	inner, err := d.Database.Reader(root)
	if err != nil {
		return nil, err
	}
	accounts, err := d.OpenTrie(root)
	if err != nil {
		return nil, err
	}
	return &recordingReader{Reader: inner, db: d, root: root, accounts: accounts, storage: make(map[common.Address]state.Trie)}, nil
}

type recordingNodes struct {
	database.NodeDatabase
	rec *recorder
}

func (n recordingNodes) NodeReader(root common.Hash) (database.NodeReader, error) {
	inner, err := n.NodeDatabase.NodeReader(root)
	if err != nil {
		return nil, err
	}
	return recordingNodeReader{inner, n.rec}, nil
}

type recordingNodeReader struct {
	database.NodeReader
	rec *recorder
}

func (n recordingNodeReader) Node(owner common.Hash, path []byte, hash common.Hash) ([]byte, error) {
	blob, err := n.NodeReader.Node(owner, path, hash)
	if err == nil && len(blob) > 0 {
		n.rec.node(blob)
	}
	return blob, err
}

// recordingReader answers account and slot reads from tries of its own, not from flat state, so that each read leaves
// its path with the recorder.
type recordingReader struct {
	state.Reader // for code
	db           recordingDB
	root         common.Hash

	mu       sync.Mutex
	accounts state.Trie
	storage  map[common.Address]state.Trie
}

func (r *recordingReader) Account(a common.Address) (*ethtypes.StateAccount, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.accounts.GetAccount(a)
}

func (r *recordingReader) Storage(a common.Address, slot common.Hash) (common.Hash, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t, err := r.storageTrie(a)
	if err != nil {
		return common.Hash{}, err
	}
	value, err := t.GetStorage(a, slot[:])
	return common.BytesToHash(value), err
}

func (r *recordingReader) storageTrie(a common.Address) (state.Trie, error) {
	if t, ok := r.storage[a]; ok {
		return t, nil
	}
	account, err := r.accounts.GetAccount(a)
	if err != nil {
		return nil, err
	}
	root := ethtypes.EmptyRootHash
	if account != nil {
		root = account.Root
	}
	t, err := r.db.OpenStorageTrie(r.root, a, root, nil)
	if err != nil {
		return nil, err
	}
	r.storage[a] = t
	return t, nil
}

func (r *recordingReader) Code(a common.Address, hash common.Hash) []byte {
	code := r.Reader.Code(a, hash)
	if len(code) > 0 {
		r.db.rec.code(code)
	}
	return code
}

// CodeSize loads the code itself: a verifier without it could not know its size.
func (r *recordingReader) CodeSize(a common.Address, hash common.Hash) int {
	return len(r.Code(a, hash))
}
