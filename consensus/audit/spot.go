package audit

import (
	"fmt"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

// CheckEntry holds one entry of a record against the one signed vertex it names: cheap, and enough to see that the author
// did sign it. The counted time may be later than what the vertex says, never earlier, because an author's receipts count
// no earlier than its vertices sequenced before (watermark); whether the delay is right only Replay can tell.
func CheckEntry(e consensus.Entry, batch types.BatchID, v *types.Vertex, network types.NetworkID, epoch types.Epoch, c *types.Committee) error {
	if err := differ(ErrMismatch, "vertex", e.Vertex, v.Ref()); err != nil {
		return err
	}
	if err := checkSigned(v, network, epoch, c); err != nil {
		return err
	}
	at := v.Time()
	if e.Explicit {
		listed := false
		for _, r := range v.Body().Receipts {
			if r.Batch == batch {
				at, listed = r.Time, true
			}
		}
		if !listed {
			return fmt.Errorf("vertex of member %d, round %d has no receipt of %s: %w", e.Author, e.Vertex.Round, batch, ErrMismatch)
		}
	}
	if e.Time < at {
		return differ(ErrMismatch, "entry time", e.Time, at)
	}
	return nil
}

// checkSigned verifies all of a vertex that needs no other vertex.
func checkSigned(v *types.Vertex, network types.NetworkID, epoch types.Epoch, c *types.Committee) error {
	if err := v.CheckShape(network, epoch, c); err != nil {
		return fmt.Errorf("%w: %w", ErrForged, err)
	}
	if err := v.CheckSignatures(c); err != nil {
		return fmt.Errorf("%w: %w", ErrForged, err)
	}
	return nil
}
