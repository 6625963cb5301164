package chain

import (
	"container/list"
	"strconv"
	"sync"

	"golang.org/x/sync/singleflight"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
)

// blockCache keeps the encoded blocks used last, within a budget of bytes. Of several callers who miss the same block,
// one encodes it.
type blockCache struct {
	limit  int
	flight singleflight.Group

	mu    sync.Mutex
	bytes int
	order *list.List // of *cachedBlock, used last first
	index map[types.Height]*list.Element
}

type cachedBlock struct {
	height types.Height
	block  *coding.Block
	bytes  int
}

func newBlockCache(limit int) *blockCache {
	return &blockCache{limit: limit, order: list.New(), index: make(map[types.Height]*list.Element)}
}

func (c *blockCache) get(h types.Height, encode func() (*coding.Block, error)) (*coding.Block, error) {
	if block, ok := c.lookup(h); ok {
		return block, nil
	}
	value, err, _ := c.flight.Do(strconv.FormatUint(uint64(h), 10), func() (any, error) {
		block, err := encode()
		if err == nil {
			c.add(h, block)
		}
		return block, err
	})
	if err != nil {
		return nil, err
	}
	return value.(*coding.Block), nil
}

func (c *blockCache) lookup(h types.Height) (*coding.Block, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.index[h]
	if !ok {
		return nil, false
	}
	c.order.MoveToFront(e)
	return e.Value.(*cachedBlock).block, true
}

// add keeps a block; one larger than the whole budget is not kept.
func (c *blockCache) add(h types.Height, block *coding.Block) {
	size := blockMemory(block.Params())
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.index[h]; ok || size > c.limit {
		return
	}
	c.index[h] = c.order.PushFront(&cachedBlock{h, block, size})
	c.bytes += size
	for c.bytes > c.limit {
		oldest := c.order.Back()
		entry := c.order.Remove(oldest).(*cachedBlock)
		delete(c.index, entry.height)
		c.bytes -= entry.bytes
	}
}

// blockMemory is what a block takes in memory: rows, two hashes a row for the tree, slices; and the same for y.
func blockMemory(p coding.Params) int { return 512 + p.N*(p.RowSize+2*32+24) + p.K*(16+2*32) }
