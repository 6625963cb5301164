package types

import "fmt"

// Bounds of snapshots: what one request names and one answer holds. A part ends with the first account or slot that reaches
// one of them, so that every peer cuts a state into the same parts.
const (
	// SnapshotPartBytes is where a part of a snapshot ends: a home line sends it in some seconds.
	SnapshotPartBytes = 256 << 10
	// MaxSnapshotItems bounds the accounts of a part, and the slots of a part of a storage.
	MaxSnapshotItems = 4096
	// MaxSnapshotInlineSlots bounds the storage that travels with its account; of larger ones the slots come in parts.
	MaxSnapshotInlineSlots = 64
	// MaxSnapshotInlineCode bounds the code that travels with its account; larger ones come by their hash.
	MaxSnapshotInlineCode = 256
	// MaxSnapshotRequestBytes is above the longest encoding of a request.
	MaxSnapshotRequestBytes = 128
	// maxSnapshotProof bounds the trie nodes of a part's two edges: 64 levels each.
	maxSnapshotProof = 128
	// maxSnapshotClaims bounds the claims of a block: one for each chunk, which holds some transactions.
	maxSnapshotClaims = 1 << 15
	// maxSnapshotHeader bounds the Ethereum-style header.
	maxSnapshotHeader = 4 << 10
)

// SnapshotKind is what a request for a piece of a snapshot asks for.
type SnapshotKind uint64

// The kinds of requests.
const (
	SnapshotBase     SnapshotKind = 1 // what names the state of block Height: its claims
	SnapshotAccounts SnapshotKind = 2 // accounts from Start on
	SnapshotStorage  SnapshotKind = 3 // slots of account Owner (keccak-256 of its address) from Start on
	SnapshotCode     SnapshotKind = 4 // the code with the keccak-256 Owner
)

// SnapshotRequest asks for a piece of the state after a settled block. It is an RLP list; fields that the kind does not use
// are zero.
type SnapshotRequest struct {
	Kind   SnapshotKind
	Height Height
	Owner  Hash
	Start  Hash
}

// Encode is the canonical encoding.
func (r *SnapshotRequest) Encode() []byte { return mustEncode(r) }

// DecodeSnapshotRequest is the strict inverse of Encode.
func DecodeSnapshotRequest(encoded []byte) (*SnapshotRequest, error) {
	if len(encoded) > MaxSnapshotRequestBytes {
		return nil, fmt.Errorf("request for a piece of a snapshot of %d bytes: %w", len(encoded), ErrMalformed)
	}
	r := new(SnapshotRequest)
	if err := Unmarshal(encoded, r); err != nil {
		return nil, fmt.Errorf("request for a piece of a snapshot: %w", err)
	}
	zero := Hash{}
	owned := r.Kind == SnapshotStorage || r.Kind == SnapshotCode
	ranged := r.Kind == SnapshotStorage || r.Kind == SnapshotAccounts
	if r.Kind < SnapshotBase || r.Kind > SnapshotCode || !owned && r.Owner != zero || !ranged && r.Start != zero || (r.Kind == SnapshotCode) != (r.Height == 0) {
		return nil, fmt.Errorf("request for a piece of a snapshot, kind %d: %w", r.Kind, ErrMalformed)
	}
	return r, nil
}

// SnapshotRoot is the answer to SnapshotBase. The claims are proven by whoever settled them. The Ethereum-style header
// contains hashes of blocks since the genesis, which nothing proves: they are what others call the blocks, no more.
type SnapshotRoot struct {
	Claims []byte // of the block, one after the other
	Header []byte // Ethereum-style, RLP
}

// Encode is the canonical encoding.
func (r *SnapshotRoot) Encode() []byte { return mustEncode(r) }

// DecodeSnapshotRoot is the strict inverse of Encode.
func DecodeSnapshotRoot(encoded []byte) (*SnapshotRoot, error) {
	r := new(SnapshotRoot)
	if err := decodeMessage("root of a snapshot", encoded, r); err != nil {
		return nil, err
	}
	if len(r.Claims) > maxSnapshotClaims*112 || len(r.Header) > maxSnapshotHeader {
		return nil, fmt.Errorf("root of a snapshot of %d and %d bytes: %w", len(r.Claims), len(r.Header), ErrMalformed)
	}
	return r, nil
}

// SnapshotSlot is one slot of a storage: keccak-256 of its key, and the trie's value.
type SnapshotSlot struct {
	Key   Hash
	Value []byte
}

// SnapshotAccount is one account: keccak-256 of its address, and the trie's value. Code and Slots are there where they are
// small: the storage then is whole.
type SnapshotAccount struct {
	Key   Hash
	Value []byte
	Code  []byte
	Slots []SnapshotSlot
}

// SnapshotPart is the answer to SnapshotAccounts (Accounts) or SnapshotStorage (Slots): what follows the start without a
// gap, ascending, and the trie nodes that prove it.
type SnapshotPart struct {
	Accounts []SnapshotAccount
	Slots    []SnapshotSlot
	Proof    [][]byte
}

// Encode is the canonical encoding.
func (p *SnapshotPart) Encode() []byte { return mustEncode(p) }

// DecodeSnapshotPart is the strict inverse of Encode. What the nodes prove is for the caller to find out.
func DecodeSnapshotPart(encoded []byte) (*SnapshotPart, error) {
	p := new(SnapshotPart)
	if err := decodeMessage("part of a snapshot", encoded, p); err != nil {
		return nil, err
	}
	if len(p.Accounts) > MaxSnapshotItems || len(p.Slots) > MaxSnapshotItems || len(p.Proof) > maxSnapshotProof || len(p.Accounts) > 0 && len(p.Slots) > 0 {
		return nil, fmt.Errorf("part of a snapshot with %d accounts, %d slots, %d nodes: %w", len(p.Accounts), len(p.Slots), len(p.Proof), ErrMalformed)
	}
	for i := range p.Accounts {
		if len(p.Accounts[i].Slots) > MaxSnapshotInlineSlots || len(p.Accounts[i].Code) > MaxSnapshotInlineCode {
			return nil, fmt.Errorf("account %s of a snapshot carries %d slots and %d bytes of code: %w", p.Accounts[i].Key,
				len(p.Accounts[i].Slots), len(p.Accounts[i].Code), ErrMalformed)
		}
	}
	return p, nil
}

// Size is what an account adds to a part.
func (a *SnapshotAccount) Size() int {
	size := 40 + len(a.Value) + len(a.Code)
	for i := range a.Slots {
		size += a.Slots[i].Size()
	}
	return size
}

// Size is what a slot adds to a part.
func (s *SnapshotSlot) Size() int { return 36 + len(s.Value) }
