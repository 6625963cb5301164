package audit

import (
	"fmt"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

// encode answers the core. The block that holds the target is always encoded from its envelopes; of others a known
// header's commitment is believed, after its length was compared.
func (r *Replay) encode(e consensus.Encode) (consensus.Encoded, error) {
	certified, known := r.certified(e.Height)
	asked := r.cfg.Recompute != nil && r.cfg.Recompute(e.Height)
	var total uint64
	envelopes := make([][]byte, 0, len(e.Transactions))
	for _, ref := range e.Transactions {
		b := r.bodies[ref.Batch]
		if b == nil || int(ref.Index) >= len(b.txs) {
			return consensus.Encoded{}, fmt.Errorf("block %d: the body of batch %s is gone: %w", e.Height, ref.Batch, ErrTooMuch)
		}
		asked = asked || b.txs[ref.Index].Hash == r.cfg.Target
		total += b.txs[ref.Index].Size
		envelopes = append(envelopes, b.envelopes[ref.Index])
	}
	length := types.BlockDataSize(len(envelopes), total)
	if known && !asked {
		return consensus.Encoded{Height: e.Height, DataLength: length, Commitment: certified.Commitment}, nil
	}
	block, err := r.encoder.Encode(types.EncodeBlockData(envelopes))
	if err != nil {
		return consensus.Encoded{}, fmt.Errorf("block %d: %w", e.Height, err)
	}
	return consensus.Encoded{Height: e.Height, DataLength: length, Commitment: block.Commitment()}, nil
}

func (r *Replay) certified(height types.Height) (types.Header, bool) {
	if r.cfg.Header == nil {
		return types.Header{}, false
	}
	return r.cfg.Header(height)
}

// closeBlock compares a recomputed header with the certified one and looks for the target in the block.
func (r *Replay) closeBlock(block consensus.Closed) error {
	r.height = block.Header.Height
	certified, known := r.certified(r.height)
	if known {
		if err := compareHeaders(&certified, &block.Header); err != nil {
			return fmt.Errorf("block %d: %w", r.height, err)
		}
	}
	for i, ref := range block.Transactions {
		if r.bodies[ref.Batch].txs[ref.Index].Hash == r.cfg.Target {
			r.finding = &Finding{
				Transaction: r.cfg.Target, Record: r.records[ref.Batch], Header: block.Header, Certified: known,
				Height: r.height, Index: uint32(i), Vertices: r.taken + 1,
			}
			return nil
		}
	}
	if n := len(block.Transactions); n > 0 {
		r.drained(block.Transactions[n-1].Batch)
	}
	return nil
}

// compareHeaders names the first field in which the headers differ, in the order in which a difference arises.
func compareHeaders(certified, computed *types.Header) error {
	if certified.Digest() == computed.Digest() {
		return nil
	}
	return first(
		differ(ErrHeader, "network", certified.Network, computed.Network),
		differ(ErrHeader, "epoch", certified.Epoch, computed.Epoch),
		differ(ErrHeader, "height", certified.Height, computed.Height),
		differ(ErrHeader, "parent", certified.Parent, computed.Parent),
		differ(ErrHeader, "time", certified.Time, computed.Time),
		differ(ErrHeader, "vertex index", certified.VertexIndex, computed.VertexIndex),
		differ(ErrHeader, "vertex digest", certified.VertexDigest, computed.VertexDigest),
		differ(ErrHeader, "data length", certified.DataLength, computed.DataLength),
		differ(ErrHeader, "commitment", certified.Commitment, computed.Commitment),
		differ(ErrHeader, "verdicts", fmt.Sprint(certified.Verdicts), fmt.Sprint(computed.Verdicts)),
		differ(ErrHeader, "header", certified.Digest(), computed.Digest()), // version, epoch end
	)
}
