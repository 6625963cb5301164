package swarm

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/dht"
	"github.com/etherscale/bedrock/types"
)

// Block is a block of the chain with its data.
type Block struct {
	Header types.CertifiedHeader
	Data   []byte
	Coded  *coding.Block
}

// library keeps the blocks that members keep whole; it implements dht.Blocks.
type library struct {
	mu     sync.Mutex
	blocks map[types.Height]*coding.Block
}

func newLibrary() *library { return &library{blocks: make(map[types.Height]*coding.Block)} }

// HasBody implements dht.Blocks.
func (l *library) HasBody(h types.Height) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.blocks[h] != nil
}

// Block implements dht.Blocks.
func (l *library) Block(h types.Height) (*coding.Block, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.blocks[h] == nil {
		return nil, fmt.Errorf("swarm: no block %d", h)
	}
	return l.blocks[h], nil
}

func (l *library) add(h types.Height, b *coding.Block) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.blocks[h] = b
}

// Certify makes the next block out of size random bytes and certifies it: from now on its header is known to all, and the
// members have it whole, but nobody was sent a row.
func (n *Network) Certify(size int) (*Block, error) {
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(n.chance.Uint32())
	}
	coded, err := coding.Encode(data)
	if err != nil {
		return nil, fmt.Errorf("swarm: encode: %w", err)
	}
	h := types.Header{Version: types.Version, Network: n.id, Height: n.Chain.Head().Header.Height + 1,
		Time: types.TimeOf(time.Now()), DataLength: uint64(size), Commitment: coded.Commitment()}
	b := &Block{Header: n.authority.certify(h), Data: data, Coded: coded}
	n.library.add(h.Height, coded)
	n.Chain.add(b.Header)
	return b, nil
}

// Hide has the members forget a block: they certified it and keep it to themselves.
func (n *Network) Hide(b *Block) { n.library.add(b.Header.Header.Height, nil) }

// Publish has the members publish their parts of a block, all at once, and waits until they are done. It returns what each
// reports.
func (n *Network) Publish(ctx context.Context, b *Block) ([]dht.Report, error) {
	return n.PublishSome(ctx, b, func(int) bool { return true })
}

// PublishSome is Publish for the rows that pick selects: the others are withheld.
func (n *Network) PublishSome(ctx context.Context, b *Block, pick func(index int) bool) ([]dht.Report, error) {
	members := n.Members()
	reports, errs := make([]dht.Report, len(members)), make([]error, len(members))
	var wg sync.WaitGroup
	for i, m := range members {
		wg.Go(func() {
			reports[i], errs[i] = m.DHT.Publish(ctx, b.Header.Header, b.Coded, func(index int) bool {
				return index%len(members) == i && pick(index)
			})
		})
	}
	wg.Wait()
	return reports, errors.Join(errs...)
}
