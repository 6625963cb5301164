package types

import (
	"errors"
	"fmt"
)

// ErrInvalidVertex is wrapped by every reason why a well-encoded vertex breaks the committee's rules.
var ErrInvalidVertex = errors.New("invalid vertex")

func invalid(v *Vertex, format string, args ...any) error {
	return fmt.Errorf("%w of member %d, round %d: %s", ErrInvalidVertex, v.id.Author, v.id.Round, fmt.Sprintf(format, args...))
}

// CheckShape checks all rules that depend on the vertex's own bytes and the committee but on no signature: place, bounds,
// order of lists, quorum of strong parents, at most one parent per author. The rules about parents' times are the
// ordering core's.
func (v *Vertex) CheckShape(network NetworkID, epoch Epoch, c *Committee) error {
	switch {
	case v.id.Version != Version:
		return invalid(v, "version %d, this peer knows %d", v.id.Version, Version)
	case v.id.Network != network:
		return invalid(v, "made for network %s", v.id.Network)
	case v.id.Epoch != epoch:
		return invalid(v, "made for epoch %d", v.id.Epoch)
	case !c.Has(v.id.Author):
		return invalid(v, "author beyond the committee of %d", c.Len())
	case v.id.Round == 0:
		return invalid(v, "round 0 is the epoch's first header")
	case len(v.body.HeaderSignatures) > MaxHeaderSignatures, len(v.body.Verdicts) > MaxVerdicts, len(v.body.Evidence) > MaxEvidence:
		return invalid(v, "too many header signatures, verdicts or evidences")
	}
	for _, check := range []func(*Committee) error{v.checkStrong, v.checkWeak, v.checkReceipts, v.checkStatements} {
		if err := check(c); err != nil {
			return err
		}
	}
	return nil
}

func (v *Vertex) checkStrong(c *Committee) error {
	if err := v.body.Parents.Check(c); err != nil {
		return invalid(v, "parents: %v", err)
	}
	if v.body.Parents.Count() != len(v.body.ParentDigests) {
		return invalid(v, "%d parents marked, %d digests", v.body.Parents.Count(), len(v.body.ParentDigests))
	}
	if v.id.Round == 1 {
		if len(v.body.ParentDigests) != 0 {
			return invalid(v, "round 1 has no parents")
		}
		return nil
	}
	if stake := c.StakeOf(v.body.Parents); stake < c.Quorum() {
		return invalid(v, "parents hold stake %d, quorum is %d", stake, c.Quorum())
	}
	return nil
}

func (v *Vertex) checkWeak(c *Committee) error {
	for i, w := range v.body.Weak {
		switch {
		case !c.Has(w.Author):
			return invalid(v, "weak parent %d beyond the committee", i)
		case i > 0 && v.body.Weak[i-1].Author >= w.Author:
			return invalid(v, "weak parents are not ascending by author")
		case v.body.Parents.Has(w.Author):
			return invalid(v, "two parents of member %d", w.Author)
		case w.Round == 0, w.Round >= v.id.Round-1, v.id.Round-w.Round > WeakDepth: // the round itself is 1 or above
			return invalid(v, "weak parent of round %d", w.Round)
		}
	}
	return nil
}

func (v *Vertex) checkReceipts(*Committee) error {
	receipts := v.body.Receipts
	if len(receipts) > MaxReceipts {
		return invalid(v, "%d receipts, at most %d", len(receipts), MaxReceipts)
	}
	seen := make(map[BatchID]struct{}, len(receipts))
	for i, r := range receipts {
		if !r.Batch.Valid() {
			return invalid(v, "receipt %d names no batch CID", i)
		}
		if r.Time > v.id.Time {
			return invalid(v, "receipt %d is later than the vertex", i)
		}
		if i > 0 && !receiptBefore(receipts[i-1], r) {
			return invalid(v, "receipts are not ascending by (time, CID)")
		}
		if _, dup := seen[r.Batch]; dup {
			return invalid(v, "two receipts of batch %s", r.Batch)
		}
		seen[r.Batch] = struct{}{}
	}
	return nil
}

func receiptBefore(a, b Receipt) bool {
	if a.Time != b.Time {
		return a.Time < b.Time
	}
	return string(a.Batch[:]) < string(b.Batch[:])
}

func (v *Vertex) checkStatements(*Committee) error {
	for i, s := range v.body.HeaderSignatures {
		if i > 0 && v.body.HeaderSignatures[i-1].Height >= s.Height {
			return invalid(v, "header signatures are not ascending by height")
		}
	}
	for i := range v.body.Verdicts {
		if !v.body.Verdicts[i].Challenge.Valid() {
			return invalid(v, "verdict %d names no challenge CID", i)
		}
		if i > 0 && v.body.Verdicts[i-1].Compare(&v.body.Verdicts[i]) >= 0 {
			return invalid(v, "verdicts are not ascending by (challenge, accused)")
		}
	}
	for i := range v.body.Evidence {
		if err := v.body.Evidence[i].checkShape(v.id); err != nil {
			return invalid(v, "evidence %d: %v", i, err)
		}
	}
	return nil
}

// CheckSignatures checks the author's signature and every inner one. Call it after CheckShape.
func (v *Vertex) CheckSignatures(c *Committee) error {
	entries, err := v.AppendSigned(nil, c)
	if err != nil {
		return err
	}
	if err := VerifyDigests(entries); err != nil {
		return invalid(v, "%v", err)
	}
	return nil
}

// AppendSigned appends all that CheckSignatures checks, for a check of many vertices at once.
func (v *Vertex) AppendSigned(entries []SignedDigest, c *Committee) ([]SignedDigest, error) {
	key := c.Member(v.id.Author).Key
	entries = append(entries, SignedDigest{key, v.digest, v.signature})
	for _, s := range v.body.HeaderSignatures {
		entries = append(entries, SignedDigest{key, s.Digest, s.Signature})
	}
	for i := range v.body.Evidence {
		e := &v.body.Evidence[i]
		if !c.Has(e.First.ID.Author) {
			return nil, invalid(v, "evidence %d accuses nobody of this committee", i)
		}
		accused := c.Member(e.First.ID.Author).Key
		entries = append(entries,
			SignedDigest{accused, e.First.ID.Digest(), e.First.Signature},
			SignedDigest{accused, e.Second.ID.Digest(), e.Second.Signature})
	}
	return entries, nil
}
