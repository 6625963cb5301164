package types

import (
	"bytes"
	"cmp"
)

// Verdict names a challenge, what it shows, whom it accuses and who is paid for it. In a vertex it states: "I verified this
// challenge, and it is valid". In a header it says that members with a quorum of stake stated so: the bond of the accused is
// taken. An invalid challenge needs no statement. One that accuses several keys has a verdict for each.
type Verdict struct {
	Challenge BatchID   // sha256 CID of the challenge's encoding
	Kind      uint64    // as in the challenge
	Accused   PublicKey // whose bond is taken
	Payee     [20]byte  // whom the challenge names for the challenger's part
}

// Compare orders verdicts in a vertex: by challenge, then by accused. It is 0 for two that differ in anything else: an author
// says one thing about a challenge and an accused.
func (v *Verdict) Compare(w *Verdict) int {
	return cmp.Or(bytes.Compare(v.Challenge[:], w.Challenge[:]), bytes.Compare(v.Accused[:], w.Accused[:]))
}
