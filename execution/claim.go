package execution

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/ethereum/go-ethereum/common"

	"github.com/etherscale/bedrock/types"
)

// ClaimBytes is the size of an encoded claim.
const ClaimBytes = 32 + 5*8 + 32

// Claim is the outcome of a block up to and including one chunk: everything that crosses a chunk boundary.
type Claim struct {
	Root         common.Hash // state root
	BaseFee      uint64      // wei; of the block, the same in all its claims
	Gas          uint64      // used in the block so far
	Place        uint64      // ordered transactions of the block consumed so far, skipped ones included
	Transactions uint64      // of these, executed: they have receipts
	Logs         uint64      // in the block so far
	Receipts     types.Hash  // RFC 6962 root over the block's receipts so far (ReceiptLeaf)
}

// Encode lays the claim out, integers big endian:
//
//	root (32) | base fee (8) | gas (8) | place (8) | transactions (8) | logs (8) | receipts (32)
func (c Claim) Encode() []byte {
	b := append(make([]byte, 0, ClaimBytes), c.Root[:]...)
	for _, v := range [...]uint64{c.BaseFee, c.Gas, c.Place, c.Transactions, c.Logs} {
		b = binary.BigEndian.AppendUint64(b, v)
	}
	return append(b, c.Receipts[:]...)
}

// DecodeClaim is the strict inverse of Encode.
func DecodeClaim(b []byte) (Claim, error) {
	if len(b) != ClaimBytes {
		return Claim{}, fmt.Errorf("claim of %d bytes, want %d: %w", len(b), ClaimBytes, types.ErrMalformed)
	}
	c := Claim{Root: common.Hash(b[:32]), Receipts: types.Hash(b[72:])}
	for i, v := range [...]*uint64{&c.BaseFee, &c.Gas, &c.Place, &c.Transactions, &c.Logs} {
		*v = binary.BigEndian.Uint64(b[32+8*i:])
	}
	return c, nil
}

// Hash names the claim: sha256("bedrock/claim" || encoding).
func (c Claim) Hash() types.Hash {
	return sha256.Sum256(append([]byte("bedrock/claim"), c.Encode()...))
}

// Differences names the fields in which two claims differ, in the order of the encoding; empty if they are equal.
func (c Claim) Differences(other Claim) []string {
	var names []string
	note := func(differs bool, name string) {
		if differs {
			names = append(names, name)
		}
	}
	note(c.Root != other.Root, "state root")
	note(c.BaseFee != other.BaseFee, "base fee")
	note(c.Gas != other.Gas, "gas")
	note(c.Place != other.Place, "place")
	note(c.Transactions != other.Transactions, "transactions")
	note(c.Logs != other.Logs, "logs")
	note(c.Receipts != other.Receipts, "receipts")
	return names
}

// EncodeClaims concatenates the claims of a block.
func EncodeClaims(claims []Claim) []byte {
	b := make([]byte, 0, len(claims)*ClaimBytes)
	for _, c := range claims {
		b = append(b, c.Encode()...)
	}
	return b
}

// DecodeClaims is the strict inverse of EncodeClaims.
func DecodeClaims(b []byte) ([]Claim, error) {
	if len(b)%ClaimBytes != 0 {
		return nil, fmt.Errorf("claims of %d bytes, want a multiple of %d: %w", len(b), ClaimBytes, types.ErrMalformed)
	}
	claims := make([]Claim, 0, len(b)/ClaimBytes)
	for ; len(b) > 0; b = b[ClaimBytes:] {
		c, err := DecodeClaim(b[:ClaimBytes])
		if err != nil {
			return nil, err
		}
		claims = append(claims, c)
	}
	return claims, nil
}
