package execution

import (
	"encoding/binary"
	"fmt"

	ethtypes "github.com/ethereum/go-ethereum/core/types"

	"github.com/etherscale/bedrock/types"
)

// placeBytes is the size of the place in front of a receipt.
const placeBytes = 8

// ReceiptLeaf is a leaf of the tree of a block's receipts: BE64 place || consensus encoding. A receipt does not name its
// transaction and a skipped transaction has none, so without the place nobody could tell which transaction it belongs to.
func ReceiptLeaf(place uint64, r *ethtypes.Receipt) ([]byte, error) {
	encoded, err := r.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("receipt of place %d: %w", place, err)
	}
	return append(binary.BigEndian.AppendUint64(make([]byte, 0, placeBytes+len(encoded)), place), encoded...), nil
}

// DecodeReceiptLeaf is the strict inverse of ReceiptLeaf.
func DecodeReceiptLeaf(leaf []byte) (place uint64, r *ethtypes.Receipt, err error) {
	if len(leaf) < placeBytes {
		return 0, nil, fmt.Errorf("receipt of %d bytes: %w", len(leaf), types.ErrMalformed)
	}
	r = new(ethtypes.Receipt)
	if err := r.UnmarshalBinary(leaf[placeBytes:]); err != nil {
		return 0, nil, fmt.Errorf("receipt: %w: %w", types.ErrMalformed, err)
	}
	return binary.BigEndian.Uint64(leaf), r, nil
}
