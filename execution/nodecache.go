package execution

import (
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/rawdb"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethdb"
	"github.com/ethereum/go-ethereum/triedb/database"
)

// nodeCache holds trie nodes by their hashes: those that lately executed blocks read or wrote, and behind them those on
// disk. Beneath it a read passes up to 128 layers of recent states. A node is what its hash says whichever state it is of,
// so that nothing ever has to be taken back. The cache has two generations, of which the older one is dropped as a whole. A
// nil cache is always empty. Safe for concurrent use.
type nodeCache struct {
	disk ethdb.KeyValueReader

	mu    sync.Mutex
	limit int // bytes of a generation
	bytes int // of young
	young map[common.Hash][]byte
	old   map[common.Hash][]byte
}

// nodeOverhead is about what a node takes of memory beside its bytes.
const nodeOverhead = 100

// newNodeCache makes a cache of at most limit bytes before the nodes of a disk.
func newNodeCache(limit int, disk ethdb.KeyValueReader) *nodeCache {
	return &nodeCache{disk: disk, limit: limit / 2, young: make(map[common.Hash][]byte)}
}

// get returns a node, not to be changed; nil if it is not here.
func (c *nodeCache) get(owner common.Hash, path []byte, hash common.Hash) []byte {
	if c == nil {
		return nil
	}
	if blob := c.recall(hash); blob != nil {
		return blob
	}
	var blob []byte
	if owner == (common.Hash{}) {
		blob = rawdb.ReadAccountTrieNode(c.disk, path)
	} else {
		blob = rawdb.ReadStorageTrieNode(c.disk, owner, path)
	}
	if len(blob) == 0 || crypto.Keccak256Hash(blob) != hash { // another state's
		return nil
	}
	c.put(hash, blob)
	return blob
}

func (c *nodeCache) recall(hash common.Hash) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if blob := c.young[hash]; blob != nil {
		return blob
	}
	blob := c.old[hash]
	if blob != nil {
		c.add(hash, blob)
	}
	return blob
}

// put adds a node, which nobody may change any more.
func (c *nodeCache) put(hash common.Hash, blob []byte) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.young[hash] == nil {
		c.add(hash, blob)
	}
}

func (c *nodeCache) add(hash common.Hash, blob []byte) {
	size := len(blob) + nodeOverhead
	if c.bytes+size > c.limit {
		c.old, c.young, c.bytes = c.young, make(map[common.Hash][]byte, len(c.young)), 0
	}
	c.young[hash] = blob
	c.bytes += size
}

// cachedNodes are a state's nodes behind a cache.
type cachedNodes struct {
	database.NodeDatabase
	cache *nodeCache
}

// NodeReader implements database.NodeDatabase.
func (n cachedNodes) NodeReader(root common.Hash) (database.NodeReader, error) {
	inner, err := n.NodeDatabase.NodeReader(root)
	if err != nil {
		return nil, err
	}
	return cachedNodeReader{inner, n.cache}, nil
}

type cachedNodeReader struct {
	database.NodeReader
	cache *nodeCache
}

// Node implements database.NodeReader.
func (n cachedNodeReader) Node(owner common.Hash, path []byte, hash common.Hash) ([]byte, error) {
	if blob := n.cache.get(owner, path, hash); blob != nil {
		return blob, nil
	}
	blob, err := n.NodeReader.Node(owner, path, hash)
	if err == nil && len(blob) > 0 {
		n.cache.put(hash, blob)
	}
	return blob, err
}
