package coding

import (
	"errors"
	"fmt"
)

// Evidence proves that a block is mis-encoded to anyone who knows its commitment and length. It is either a shard with
// the opening of the block, or a stand-alone shard; the other fields are nil.
type Evidence struct {
	Shard      *Shard
	Opening    *Opening
	Standalone *StandaloneShard
}

// Kinds of evidence on the wire.
const (
	evidenceOpening    = 1
	evidenceStandalone = 2
)

// MarshalBinary encodes the evidence:
//
//	version (1) | 1 | opening without version | shard without version
//	version (1) | 2 | stand-alone shard without version
func (e Evidence) MarshalBinary() ([]byte, error) {
	kind, err := e.kind()
	if err != nil {
		return nil, err
	}
	b := []byte{wireVersion, kind}
	if kind == evidenceStandalone {
		s, err := e.Standalone.MarshalBinary()
		if err != nil {
			return nil, err
		}
		return append(b, s[1:]...), nil
	}
	o, err := e.Opening.MarshalBinary()
	if err != nil {
		return nil, err
	}
	s, err := e.Shard.MarshalBinary()
	if err != nil {
		return nil, err
	}
	return append(append(b, o[1:]...), s[1:]...), nil
}

// kind tells which parts are present; ErrMalformed for any other mixture.
func (e Evidence) kind() (byte, error) {
	switch {
	case e.Standalone != nil && e.Shard == nil && e.Opening == nil:
		return evidenceStandalone, nil
	case e.Standalone == nil && e.Shard != nil && e.Opening != nil:
		return evidenceOpening, nil
	}
	return 0, fmt.Errorf("%w: evidence is neither a shard with opening nor a stand-alone shard", ErrMalformed)
}

// UnmarshalEvidence decodes evidence against a block of shape p; strict like the other decoders.
func UnmarshalEvidence(b []byte, p Params) (Evidence, error) {
	if len(b) < 2 {
		return Evidence{}, fmt.Errorf("%w: evidence of %d bytes", ErrMalformed, len(b))
	}
	switch b[1] {
	case evidenceOpening:
		r, err := newReader("evidence", b, p, p.OpeningSize()+p.ShardSize())
		if err != nil {
			return Evidence{}, err
		}
		r.take(1)
		o := r.opening()
		s, err := r.shard(p.N)
		if err != nil {
			return Evidence{}, err
		}
		return Evidence{Shard: &s, Opening: &o}, nil
	case evidenceStandalone:
		r, err := newReader("evidence", b, p, 1+p.StandaloneSize())
		if err != nil {
			return Evidence{}, err
		}
		r.take(1)
		s, err := r.standalone()
		if err != nil {
			return Evidence{}, err
		}
		return Evidence{Standalone: &s}, nil
	}
	return Evidence{}, fmt.Errorf("%w: evidence of kind %d", ErrMalformed, b[1])
}

// Check returns nil if the evidence convicts the block of shape p behind commitment. Else: ErrNotEvidence if the row is
// correct, ErrPath or ErrOpening if it is not the block's row, ErrMalformed if parts are missing, ErrParams.
func (e Evidence) Check(commitment [32]byte, p Params) error {
	err := e.verify(commitment, p)
	if err == nil {
		return ErrNotEvidence
	}
	var bad *BadEncodingError
	if errors.As(err, &bad) {
		return nil
	}
	return err
}

func (e Evidence) verify(commitment [32]byte, p Params) error {
	kind, err := e.kind()
	if err != nil {
		return err
	}
	if kind == evidenceStandalone {
		return VerifyStandalone(commitment, p, *e.Standalone)
	}
	v, err := NewVerifier(p, commitment, e.Opening.RowRoot, e.Opening.Y)
	if err != nil {
		return err
	}
	return v.Verify(*e.Shard)
}
