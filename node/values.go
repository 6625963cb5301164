package node

import (
	"context"
	"fmt"
	"time"

	"github.com/etherscale/bedrock/fraud"
	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// keyValue is the first byte of a key in store.SpaceFraud, beside those in ledger.go: + height -> fraud.Parent, what settled.
const keyValue = 'p'

// keepValuesEvery is how often what has settled is stored: the tracker remembers more than that.
const keepValuesEvery = time.Second

// keepValues stores every settled value of the retention time, so that a light client that restarts can still prove what it
// could prove before.
func (n *Node) keepValues(ctx context.Context) error {
	tick := time.NewTicker(keepValuesEvery)
	defer tick.Stop()
	kept, forgotten := types.Height(0), types.Height(0)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		settled := n.proofs.tracker.Settled().Height
		if settled == kept {
			continue
		}
		if settled >= forgotten+forgetEvery {
			forgotten = settled
		}
		if err := n.storeValues(kept, settled, forgotten == settled); err != nil {
			return err
		}
		kept = settled
	}
}

// storeValues stores what settled above a height, as far as the tracker remembers it; with forget, it drops what is older than
// the retention time.
func (n *Node) storeValues(above, settled types.Height, forget bool) error {
	batch := n.store.Batch()
	for h := settled; h > above; h-- {
		value, known := n.proofs.tracker.At(h)
		if !known {
			break // further down nothing is remembered
		}
		batch.Set(store.SpaceFraud, heightKey(keyValue, h), value.Encode())
	}
	if forget {
		batch.DeleteRange(store.SpaceFraud, heightKey(keyValue, 0), heightKey(keyValue, n.proofs.retired(settled)+1))
	}
	if err := batch.Commit(store.Unsynced); err != nil {
		return fmt.Errorf("settled values: %w", err)
	}
	return nil
}

// settledValue is a settled value that was stored.
func (n *Node) settledValue(h types.Height) (fraud.Parent, bool) {
	encoded, err := n.store.Get(store.SpaceFraud, heightKey(keyValue, h))
	if err != nil {
		return fraud.Parent{}, false
	}
	value, err := fraud.DecodeParent(encoded)
	return value, err == nil && value.Height == h
}
