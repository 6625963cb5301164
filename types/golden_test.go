package types

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
)

// TestGoldenEncodings: what all peers must agree on to the byte does not change unnoticed. A change of these values splits
// networks: it needs a new rule version and a word in docs/design.md, section 12.
func TestGoldenEncodings(t *testing.T) {
	keys, c := testCommittee(t, 4)
	v := validVertex(keys, c)
	h := &Header{
		Version: Version, Network: NetworkID{7}, Epoch: 1, Height: 64, Parent: Hash{2}, Time: 1_700_000_000_500_000, VertexIndex: 900,
		VertexDigest: Hash{3}, DataLength: 70_000, Commitment: Hash{4},
		Verdicts: []Verdict{{Challenge: BatchIDOf([]byte("c")), Kind: 1, Accused: PublicKey{9}, Payee: [20]byte{5}}},
		Next:     &EpochEnd{Committee: c.Members(), Rewards: []uint64{1, 2, 3, 400}, SettledHeight: 50, SettledClaim: Hash{6}, RuleVersion: 1},
	}
	verdict := h.Verdicts[0]
	sum := func(b []byte) string { s := sha256.Sum256(b); return hex.EncodeToString(s[:8]) }
	for _, x := range []struct{ what, have, want string }{
		{"vertex", sum(v.Encode()), "b0c9ded74816c1c6"},
		{"vertex digest", v.Digest().String()[:16], "8d9502f07a359860"},
		{"header", sum(h.Encode()), "64ab3070cd6d12d8"},
		{"header digest", h.Digest().String()[:16], "a6a27154613b269d"},
		{"verdict", hex.EncodeToString(Marshal(&verdict)), "f85c" + // list of 92 bytes
			"a4" + "01551220" + "2e7d2c03a9507ae265ecf5b5356885a53393a2029d241394997265a1a25aefc6" + // CIDv1, raw, sha256
			"01" + "a0" + "09" + strings.Repeat("00", 31) + "94" + "05" + strings.Repeat("00", 19)},
	} {
		if x.have != x.want {
			t.Errorf("%s: %s, want %s", x.what, x.have, x.want)
		}
	}
}
