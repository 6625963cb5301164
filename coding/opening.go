package coding

import "fmt"

// Opening opens a commitment: the row root and the combinations of the K data rows. It travels with the header on
// request (16K bytes: 4 KiB for 1 MiB of data) and is checked by NewVerifier.
type Opening struct {
	RowRoot [32]byte
	Y       [][16]byte
}

// OpeningSize is the size in bytes of an encoded opening.
func (p Params) OpeningSize() int { return 1 + 32 + 16*p.K }

// MarshalBinary encodes the opening:
//
//	version (1) | row root (32) | y_0 .. y_{K-1} (16 each)
func (o Opening) MarshalBinary() ([]byte, error) {
	if len(o.Y) > MaxK {
		return nil, fmt.Errorf("%w: opening of %d combinations, at most %d", ErrMalformed, len(o.Y), MaxK)
	}
	b := append(make([]byte, 0, 1+32+16*len(o.Y)), wireVersion)
	b = append(b, o.RowRoot[:]...)
	for i := range o.Y {
		b = append(b, o.Y[i][:]...)
	}
	return b, nil
}

// UnmarshalOpening decodes an opening of a block of shape p, from which K is taken. It fails with ErrMalformed unless b
// has exactly the size that p demands. Whether it opens a commitment is for Check or NewVerifier to say.
func UnmarshalOpening(b []byte, p Params) (Opening, error) {
	r, err := newReader("opening", b, p, p.OpeningSize())
	if err != nil {
		return Opening{}, err
	}
	return r.opening(), nil
}

// Check returns nil if the opening opens commitment for shape p, else ErrOpening (or ErrParams for a bad shape). It
// costs 2K hashes, much less than NewVerifier.
func (o Opening) Check(p Params, commitment [32]byte) error {
	if err := p.Validate(); err != nil {
		return err
	}
	if len(o.Y) != p.K {
		return fmt.Errorf("%w: %d combinations, want %d", ErrOpening, len(o.Y), p.K)
	}
	if commit(p, o.RowRoot, valueTree(o.Y).root()) != commitment {
		return fmt.Errorf("%w %x: ask another peer", ErrOpening, commitment)
	}
	return nil
}
