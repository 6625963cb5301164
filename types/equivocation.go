package types

import (
	"bytes"
	"fmt"
)

// SignedVertexID is a vertex without its body: enough to prove who signed it.
type SignedVertexID struct {
	ID        VertexID
	Signature Signature
}

// Equivocation proves that one member signed two vertices of one round: First has the smaller digest.
type Equivocation struct {
	First, Second SignedVertexID
}

// NewEquivocation orders the two halves; the caller has verified both signatures.
func NewEquivocation(a, b SignedVertexID) Equivocation {
	da, db := a.ID.Digest(), b.ID.Digest()
	if bytes.Compare(da[:], db[:]) > 0 {
		a, b = b, a
	}
	return Equivocation{First: a, Second: b}
}

// Accused is the member that signed both.
func (e *Equivocation) Accused() Member { return e.First.ID.Author }

// Check verifies the proof against the committee of its epoch.
func (e *Equivocation) Check(network NetworkID, epoch Epoch, c *Committee) error {
	if err := e.checkShape(VertexID{Network: network, Epoch: epoch}); err != nil {
		return err
	}
	if !c.Has(e.Accused()) {
		return fmt.Errorf("equivocation accuses member %d of %d: %w", e.Accused(), c.Len(), ErrMalformed)
	}
	key := c.Member(e.Accused()).Key
	return VerifyDigests([]SignedDigest{
		{key, e.First.ID.Digest(), e.First.Signature},
		{key, e.Second.ID.Digest(), e.Second.Signature},
	})
}

func (e *Equivocation) checkShape(place VertexID) error {
	a, b := e.First.ID, e.Second.ID
	if a.Version != Version || b.Version != Version || a.Network != place.Network || b.Network != place.Network ||
		a.Epoch != place.Epoch || b.Epoch != place.Epoch {
		return fmt.Errorf("equivocation of another version, network or epoch: %w", ErrMalformed)
	}
	if a.Round != b.Round || a.Author != b.Author {
		return fmt.Errorf("the two vertices have different places: %w", ErrMalformed)
	}
	da, db := a.Digest(), b.Digest()
	if bytes.Compare(da[:], db[:]) >= 0 {
		return fmt.Errorf("the two vertices are equal or not in order of digest: %w", ErrMalformed)
	}
	return nil
}
