package audit

import "github.com/etherscale/bedrock/types"

// Place is where a transaction stands.
type Place struct {
	Batch  types.BatchID // the batch that brought it into the order first
	Height types.Height
	Index  uint32 // place in the block's order, from 0
}
