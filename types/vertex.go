package types

import (
	"crypto/sha256"
	"fmt"
	"iter"
	"math/bits"

	"github.com/ethereum/go-ethereum/rlp"
)

// Version is the protocol version in vertices and headers.
const Version = 1

// Bounds of a vertex: docs/bounds.md says why they are what they are.
const (
	// MaxVertexBytes is above the largest encoding: 1024 parents and all lists full.
	MaxVertexBytes = 512 << 10
	// MaxReceipts, MaxHeaderSignatures, MaxVerdicts and MaxEvidence bound the lists. What an honest author cannot list waits
	// for its next vertex.
	MaxReceipts         = 4096
	MaxHeaderSignatures = 64
	MaxVerdicts         = 64
	MaxEvidence         = 4
	// WeakDepth is how many rounds back a weak parent may lie, and the depth of the append horizon.
	WeakDepth = 64
)

// VertexRef names one vertex.
type VertexRef struct {
	Author Member
	Round  Round
	Digest Hash
}

// Receipt states: "I hold this batch since this time".
type Receipt struct {
	Batch BatchID
	Time  Time
}

// HeaderSignature is its author's signature over the header with the digest; it can be taken out of its vertex.
type HeaderSignature struct {
	Height    Height
	Digest    Hash
	Signature Signature
}

// VertexBody is the part of a vertex that its id commits to by hash.
type VertexBody struct {
	Parents          Bitmap // strong parents, all of round r-1
	ParentDigests    []Hash // one for each marked member, in committee order
	Weak             []VertexRef
	Receipts         []Receipt
	HeaderSignatures []HeaderSignature
	Verdicts         []Verdict // challenges that the author found valid, ascending by (challenge, accused)
	RuleVersion      uint64    // newest rule version the author knows
	Evidence         []Equivocation
}

// VertexID is what the author signs: the vertex's place, its time and the hash of its body. Two signed ids of one
// (epoch, round, author) prove an equivocation in a few hundred bytes.
type VertexID struct {
	Version uint64
	Network NetworkID
	Epoch   Epoch
	Round   Round
	Author  Member
	Time    Time
	Body    Hash // sha256 of the RLP of the body
}

// Digest is what the signature covers.
func (id VertexID) Digest() Hash {
	unsigned, err := rlp.EncodeToBytes(&id)
	if err != nil {
		panic("types: a vertex id always encodes: " + err.Error())
	}
	return DigestOf(id.Network, KindVertex, unsigned)
}

// Vertex is a sequencer's statement for one round. It is immutable once made by NewVertex or DecodeVertex.
type Vertex struct {
	id        VertexID
	body      VertexBody
	signature Signature
	digest    Hash
	encoded   []byte // as it came; nil for one made here
}

// vertexWire is the RLP shape: [id, body, signature].
type vertexWire struct {
	ID        VertexID
	Body      VertexBody
	Signature Signature
}

// NewVertex builds an unsigned vertex; id.Body is computed. The caller hands over the body's slices.
func NewVertex(id VertexID, body VertexBody) *Vertex {
	encoded, err := rlp.EncodeToBytes(&body)
	if err != nil {
		panic("types: a vertex body always encodes: " + err.Error())
	}
	id.Body = sha256.Sum256(encoded)
	return &Vertex{id: id, body: body, digest: id.Digest()}
}

// WithSignature returns a copy of the vertex that carries the signature.
func (v *Vertex) WithSignature(sig Signature) *Vertex {
	signed := *v
	signed.signature, signed.encoded = sig, nil
	return &signed
}

// ID is the signed part.
func (v *Vertex) ID() VertexID { return v.id }

// Ref names the vertex.
func (v *Vertex) Ref() VertexRef {
	return VertexRef{Author: v.id.Author, Round: v.id.Round, Digest: v.digest}
}

// Digest identifies the vertex; it does not depend on the signature.
func (v *Vertex) Digest() Hash { return v.digest }

// Epoch is the epoch the vertex belongs to.
func (v *Vertex) Epoch() Epoch { return v.id.Epoch }

// Round is the vertex's round, 1 or above.
func (v *Vertex) Round() Round { return v.id.Round }

// Author is the member that signed the vertex.
func (v *Vertex) Author() Member { return v.id.Author }

// Time is the author's clock when it made the vertex.
func (v *Vertex) Time() Time { return v.id.Time }

// Body is the vertex's content. The caller must not change it.
func (v *Vertex) Body() *VertexBody { return &v.body }

// Signature is the author's signature over Digest.
func (v *Vertex) Signature() Signature { return v.signature }

// Signed is the compact form that proves who signed what for which round.
func (v *Vertex) Signed() SignedVertexID { return SignedVertexID{ID: v.id, Signature: v.signature} }

// StrongParents lists the parents of round r-1 in committee order.
func (v *Vertex) StrongParents() []VertexRef {
	members := v.body.Parents.Members()
	refs := make([]VertexRef, 0, len(members))
	for i, m := range members {
		if i < len(v.body.ParentDigests) {
			refs = append(refs, VertexRef{Author: m, Round: v.id.Round - 1, Digest: v.body.ParentDigests[i]})
		}
	}
	return refs
}

// Parents yields the parents of round r-1 in committee order, then the weak ones.
func (v *Vertex) Parents() iter.Seq[VertexRef] {
	return func(yield func(VertexRef) bool) {
		i := 0
		for at, byte := range v.body.Parents {
			for ; byte != 0 && i < len(v.body.ParentDigests); byte &= byte - 1 {
				m := Member(8*at + bits.TrailingZeros8(byte))
				if !yield(VertexRef{Author: m, Round: v.id.Round - 1, Digest: v.body.ParentDigests[i]}) {
					return
				}
				i++
			}
		}
		for _, weak := range v.body.Weak {
			if !yield(weak) {
				return
			}
		}
	}
}

// Encode is the canonical encoding. The caller must not change it.
func (v *Vertex) Encode() []byte {
	if v.encoded != nil {
		return v.encoded
	}
	encoded, err := rlp.EncodeToBytes(&vertexWire{v.id, v.body, v.signature})
	if err != nil {
		panic("types: a vertex always encodes: " + err.Error())
	}
	return encoded
}

// DecodeVertex is the strict inverse of Encode. It bounds every field and checks that the id commits to the body; the
// committee's rules are CheckShape's concern. The vertex keeps encoded, which must not change any more.
func DecodeVertex(encoded []byte) (*Vertex, error) {
	if len(encoded) > MaxVertexBytes {
		return nil, fmt.Errorf("vertex of %d bytes, at most %d: %w", len(encoded), MaxVertexBytes, ErrMalformed)
	}
	var w vertexWire
	if err := rlp.DecodeBytes(encoded, &w); err != nil {
		return nil, fmt.Errorf("vertex: %w: %w", ErrMalformed, err)
	}
	if w.ID.Body != sha256.Sum256(secondItem(encoded)) {
		return nil, fmt.Errorf("vertex of member %d round %d: id does not commit to its body: %w", w.ID.Author, w.ID.Round, ErrMalformed)
	}
	return &Vertex{id: w.ID, body: w.Body, signature: w.Signature, digest: w.ID.Digest(), encoded: encoded}, nil
}

// secondItem is the second item of an encoded list, of which it is known that it decodes.
func secondItem(encoded []byte) []byte {
	content, _, _ := rlp.SplitList(encoded)
	_, _, rest, _ := rlp.Split(content)
	_, _, after, _ := rlp.Split(rest)
	return rest[:len(rest)-len(after)]
}
