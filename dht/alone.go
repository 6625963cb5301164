package dht

import (
	"context"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
)

// Alone reads blocks from the holders of their rows, without the last resort: it takes nothing out of a block that this node
// keeps whole, and turns to members of the committee only where they are among a row's nearest servers. What it can read is
// what the network would still have without the committee's good will.
type Alone struct{ d *DHT }

// Alone returns the view.
func (d *DHT) Alone() Alone { return Alone{d} }

// Rows is DHT.Rows.
func (a Alone) Rows(ctx context.Context, h types.Header, indices []uint32, judge Judge) error {
	return a.d.fetch(ctx, h, indices, judge, true)
}

// Opening is DHT.Opening.
func (a Alone) Opening(ctx context.Context, h types.Header, judge func(from string, o coding.Opening) bool) error {
	return a.d.Opening(ctx, h, judge)
}
