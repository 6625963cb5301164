package types

import (
	"errors"
	"fmt"
)

// ErrUnproven says that what a peer gave does not prove what it was asked for.
var ErrUnproven = errors.New("the answer does not prove what was asked for")

// Bounds of requests for proofs and of their answers.
const (
	// MaxProofSlots bounds the storage slots of one request: their paths, 34 KB each at the very most, fit an answer.
	MaxProofSlots = 64
	// MaxStateRequestBytes is above the longest encoding of a request.
	MaxStateRequestBytes = 128 + MaxProofSlots*33
	// maxProofNodes bounds the trie nodes of an answer before they are decoded: 64 levels for the account and each slot.
	maxProofNodes = 64 * (1 + MaxProofSlots)
	// MaxReceiptsPage bounds the receipts of one answer, which also ends at MaxFetchBytes: no block of 60 M gas has more.
	MaxReceiptsPage = 4096
)

// ProofKind is what a request for proofs asks for.
type ProofKind uint64

// The kinds of requests. What each is held against is Want.
const (
	ProofState    ProofKind = 1 // trie nodes that prove Account and Slots; Want: the state root after block Height
	ProofCode     ProofKind = 2 // contract code; Want: its keccak-256
	ProofReceipts ProofKind = 3 // leaves of the receipts of block Height from index From on; Want: their digest
	ProofPlace    ProofKind = 4 // height of the block that holds a transaction; Want: keccak-256 of its envelope
)

// StateRequest asks an executing peer for something that proves itself. It is an RLP list; fields that the kind does not use
// are zero.
type StateRequest struct {
	Kind    ProofKind
	Height  Height
	Want    Hash
	Account [20]byte
	Slots   []Hash
	From    uint64
}

// Encode is the canonical encoding.
func (r *StateRequest) Encode() []byte { return mustEncode(r) }

// DecodeStateRequest is the strict inverse of Encode.
func DecodeStateRequest(encoded []byte) (*StateRequest, error) {
	if len(encoded) > MaxStateRequestBytes {
		return nil, fmt.Errorf("request for a proof of %d bytes: %w", len(encoded), ErrMalformed)
	}
	r := new(StateRequest)
	if err := Unmarshal(encoded, r); err != nil {
		return nil, fmt.Errorf("request for a proof: %w", err)
	}
	return r, r.check()
}

func (r *StateRequest) check() error {
	switch {
	case r.Kind < ProofState || r.Kind > ProofPlace:
		return fmt.Errorf("request for a proof of kind %d: %w", r.Kind, ErrMalformed)
	case len(r.Slots) > MaxProofSlots:
		return fmt.Errorf("request for %d slots, at most %d: %w", len(r.Slots), MaxProofSlots, ErrMalformed)
	case r.Kind != ProofState && (len(r.Slots) > 0 || r.Account != [20]byte{}):
		return fmt.Errorf("request for a proof of kind %d names an account: %w", r.Kind, ErrMalformed)
	case (r.Kind == ProofCode || r.Kind == ProofPlace) && r.Height != 0:
		return fmt.Errorf("request for a proof of kind %d names a height: %w", r.Kind, ErrMalformed)
	case r.Kind != ProofReceipts && r.From != 0:
		return fmt.Errorf("request for a proof of kind %d names an index: %w", r.Kind, ErrMalformed)
	}
	return nil
}

// EncodeProofNodes lays out the answer to ProofState: distinct trie nodes in any order.
func EncodeProofNodes(nodes [][]byte) []byte { return mustEncode(nodes) }

// DecodeProofNodes is the inverse of EncodeProofNodes. What the nodes prove is for the caller to find out.
func DecodeProofNodes(encoded []byte) ([][]byte, error) {
	return decodeList(encoded, maxProofNodes, "trie nodes")
}

// EncodeReceiptLeaves lays out the answer to ProofReceipts: the first leaves that fit an answer, at least one if there is
// any.
func EncodeReceiptLeaves(leaves [][]byte) []byte {
	size := 0
	for i, leaf := range leaves {
		size += len(leaf) + 9
		if i == MaxReceiptsPage || i > 0 && size > MaxFetchBytes || size > MaxMessageBytes-64 {
			return mustEncode(leaves[:i])
		}
	}
	return mustEncode(leaves)
}

// DecodeReceiptLeaves is the inverse of EncodeReceiptLeaves.
func DecodeReceiptLeaves(encoded []byte) ([][]byte, error) {
	return decodeList(encoded, MaxReceiptsPage, "receipts")
}

func decodeList(encoded []byte, most int, what string) ([][]byte, error) {
	if len(encoded) > MaxMessageBytes {
		return nil, fmt.Errorf("%s in %d bytes: %w", what, len(encoded), ErrMalformed)
	}
	if err := CheckCount(encoded, most); err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	var items [][]byte
	if err := Unmarshal(encoded, &items); err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return items, nil
}

// EncodePlace lays out the answer to ProofPlace.
func EncodePlace(h Height) []byte { return mustEncode(uint64(h)) }

// DecodePlace is the strict inverse of EncodePlace.
func DecodePlace(encoded []byte) (Height, error) {
	var h uint64
	if len(encoded) > 9 {
		return 0, fmt.Errorf("height of %d bytes: %w", len(encoded), ErrMalformed)
	}
	if err := Unmarshal(encoded, &h); err != nil {
		return 0, fmt.Errorf("height: %w", err)
	}
	return Height(h), nil
}
