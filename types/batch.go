package types

import (
	"fmt"

	"github.com/ethereum/go-ethereum/rlp"
)

// Bounds of a batch.
const (
	MaxBatchTransactions = 1024
	MaxBatchBytes        = 32 << 10
	// MaxLoneTransactionBytes bounds a batch that holds exactly one transaction.
	MaxLoneTransactionBytes = 128 << 10
	// maxBatchEncoded is the largest encoding of any batch: a lone transaction with its RLP prefixes.
	maxBatchEncoded = MaxLoneTransactionBytes + 8
)

// Batch is 1..1024 transactions in one gossip message. Envelopes are EIP-2718 bytes as a wallet signs them.
type Batch struct {
	Envelopes [][]byte
}

// EncodeBatch encodes the envelopes as an RLP list of byte strings and checks the bounds.
func EncodeBatch(envelopes [][]byte) ([]byte, error) {
	encoded, err := rlp.EncodeToBytes(envelopes)
	if err != nil {
		return nil, fmt.Errorf("encode batch: %w", err)
	}
	return encoded, checkBatch(envelopes, len(encoded))
}

// DecodeBatch is the strict inverse of EncodeBatch. It bounds sizes and refuses empty and repeated envelopes; whether
// each envelope is a valid transaction is not its concern. The envelopes share memory with encoded.
func DecodeBatch(encoded []byte) (*Batch, error) {
	if len(encoded) > maxBatchEncoded {
		return nil, fmt.Errorf("batch of %d bytes, at most %d: %w", len(encoded), maxBatchEncoded, ErrMalformed)
	}
	envelopes, err := splitBatch(encoded)
	if err != nil {
		return nil, fmt.Errorf("batch: %w: %w", ErrMalformed, err)
	}
	if err := checkBatch(envelopes, len(encoded)); err != nil {
		return nil, err
	}
	return &Batch{Envelopes: envelopes}, nil
}

// splitBatch cuts an RLP list of at most MaxBatchTransactions byte strings, without the reflection and the copies of
// rlp.DecodeBytes: every peer does it for every batch.
func splitBatch(encoded []byte) ([][]byte, error) {
	list, rest, err := rlp.SplitList(encoded)
	if err == nil && len(rest) > 0 {
		err = rlp.ErrMoreThanOneValue
	}
	if err != nil {
		return nil, err
	}
	count, err := rlp.CountValues(list)
	if err != nil {
		return nil, err
	}
	if count > MaxBatchTransactions {
		return nil, fmt.Errorf("%d transactions, at most %d", count, MaxBatchTransactions)
	}
	envelopes := make([][]byte, count)
	for i := range envelopes {
		if envelopes[i], list, err = rlp.SplitString(list); err != nil {
			return nil, err
		}
		envelopes[i] = envelopes[i][:len(envelopes[i]):len(envelopes[i])]
	}
	return envelopes, nil
}

func checkBatch(envelopes [][]byte, size int) error {
	if len(envelopes) == 0 || len(envelopes) > MaxBatchTransactions {
		return fmt.Errorf("batch of %d transactions, want 1..%d: %w", len(envelopes), MaxBatchTransactions, ErrMalformed)
	}
	if len(envelopes) > 1 && size > MaxBatchBytes {
		return fmt.Errorf("batch of %d bytes, at most %d: %w", size, MaxBatchBytes, ErrMalformed)
	}
	if len(envelopes) == 1 && len(envelopes[0]) > 0 && len(envelopes[0]) <= MaxLoneTransactionBytes {
		return nil
	}
	seen := make(map[string]struct{}, len(envelopes))
	for i, e := range envelopes {
		if len(e) == 0 || len(e) > MaxLoneTransactionBytes {
			return fmt.Errorf("batch transaction %d has %d bytes: %w", i, len(e), ErrMalformed)
		}
		if _, dup := seen[string(e)]; dup {
			return fmt.Errorf("batch transaction %d is a repeat: %w", i, ErrMalformed)
		}
		seen[string(e)] = struct{}{}
	}
	return nil
}
