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
	nodes map[common.Hash][]byte
	codes map[common.Hash][]byte
}

func newRecorder() *recorder {
	return &recorder{nodes: make(map[common.Hash][]byte), codes: make(map[common.Hash][]byte)}
}

// node keeps a blob, which nobody changes any more, under its hash.
func (r *recorder) node(hash common.Hash, blob []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.nodes[hash] = blob
}

func (r *recorder) code(hash common.Hash, code []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.codes[hash] = code
}

// recordingDB is the state database of one StateDB. All reads go through tries, which the recorder watches, and they are
// the tries that the StateDB writes to: a node is resolved once, and a read of what no chunk has changed yet finds the same
// value in a trie that other chunks have changed. (What a chunk did change, the StateDB has itself and does not ask for.)
type recordingDB struct {
	state.Database
	rec   *recorder
	nodes *nodeCache // may be nil
	tries *sharedTries
}

func newRecordingDB(db state.Database, rec *recorder, nodes *nodeCache) recordingDB {
	return recordingDB{db, rec, nodes, &sharedTries{storage: make(map[common.Address]*sharedTrie)}}
}

// watched are the nodes that tries are opened on.
func (d recordingDB) watched() recordingNodes {
	return recordingNodes{cachedNodes{d.TrieDB(), d.nodes}, d.rec}
}

// sharedTries are the tries of the StateDB and of its reader.
type sharedTries struct {
	mu       sync.Mutex
	root     common.Hash // that accounts was opened at
	accounts state.Trie
	storage  map[common.Address]*sharedTrie
}

// sharedTrie is the trie of one account's slots.
type sharedTrie struct {
	state.Trie
	root  common.Hash // that it was opened at
	taken bool        // the StateDB writes to it
}

// OpenTrie implements state.Database.
func (d recordingDB) OpenTrie(root common.Hash) (state.Trie, error) {
	t := d.tries
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.accounts != nil && t.root == root {
		return t.accounts, nil
	}
	opened, err := trie.NewStateTrie(trie.StateTrieID(root), d.watched())
	if err != nil {
		return nil, err
	}
	if t.accounts == nil {
		t.accounts, t.root = opened, root
	}
	return opened, nil
}

// OpenStorageTrie implements state.Database. The StateDB opens an account's trie once; if it does so again it is for another
// account at the same address, which begins with a trie of its own.
func (d recordingDB) OpenStorageTrie(stateRoot common.Hash, a common.Address, root common.Hash, _ state.Trie) (state.Trie, error) {
	t := d.tries
	t.mu.Lock()
	defer t.mu.Unlock()
	shared := t.storage[a]
	if shared == nil || shared.taken || shared.root != root {
		opened, err := d.openStorage(stateRoot, a, root)
		if err != nil || shared != nil {
			return opened, err
		}
		shared = &sharedTrie{Trie: opened, root: root}
		t.storage[a] = shared
	}
	shared.taken = true
	return shared.Trie, nil
}

func (d recordingDB) openStorage(stateRoot common.Hash, a common.Address, root common.Hash) (state.Trie, error) {
	id := trie.StorageTrieID(stateRoot, crypto.Keccak256Hash(a[:]), root)
	return trie.NewStateTrie(id, d.watched())
}

// Reader implements state.Database.
func (d recordingDB) Reader(root common.Hash) (state.Reader, error) {
	inner, err := d.Database.Reader(root)
	if err != nil {
		return nil, err
	}
	accounts, err := d.OpenTrie(root)
	if err != nil {
		return nil, err
	}
	return &recordingReader{Reader: inner, db: d, root: root, accounts: accounts}, nil
}

// Commit implements state.Database.
func (d recordingDB) Commit(update *state.StateUpdate) error {
	if d.nodes != nil && update.Nodes != nil {
		for _, set := range update.Nodes.Sets {
			for _, node := range set.Nodes {
				if !node.IsDeleted() {
					d.nodes.put(node.Hash, node.Blob)
				}
			}
		}
	}
	return d.Database.Commit(update)
}

type recordingNodes struct {
	database.NodeDatabase
	rec *recorder
}

// NodeReader implements database.NodeDatabase.
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

// Node implements database.NodeReader.
func (n recordingNodeReader) Node(owner common.Hash, path []byte, hash common.Hash) ([]byte, error) {
	blob, err := n.NodeReader.Node(owner, path, hash)
	if err == nil && len(blob) > 0 {
		n.rec.node(hash, blob)
	}
	return blob, err
}

// recordingReader answers account and slot reads from the tries, not from flat state, so that each read leaves its path
// with the recorder.
type recordingReader struct {
	state.Reader // for code
	db           recordingDB
	root         common.Hash
	accounts     state.Trie
	mu           sync.Mutex
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
	if err != nil || t == nil {
		return common.Hash{}, err
	}
	value, err := t.GetStorage(a, slot[:])
	return common.BytesToHash(value), err
}

// storageTrie is nil for an account without slots.
func (r *recordingReader) storageTrie(a common.Address) (state.Trie, error) {
	t := r.db.tries
	t.mu.Lock()
	defer t.mu.Unlock()
	if shared := t.storage[a]; shared != nil {
		return shared.Trie, nil
	}
	account, err := r.accounts.GetAccount(a)
	if err != nil || account == nil || account.Root == ethtypes.EmptyRootHash {
		return nil, err
	}
	opened, err := r.db.openStorage(r.root, a, account.Root)
	if err != nil {
		return nil, err
	}
	t.storage[a] = &sharedTrie{Trie: opened, root: account.Root}
	return opened, nil
}

func (r *recordingReader) Code(a common.Address, hash common.Hash) []byte {
	code := r.Reader.Code(a, hash)
	if len(code) > 0 {
		r.db.rec.code(hash, code)
	}
	return code
}

// CodeSize loads the code itself: a verifier without it could not know its size.
func (r *recordingReader) CodeSize(a common.Address, hash common.Hash) int {
	return len(r.Code(a, hash))
}
