package types

// BondRole says what a bond is for.
type BondRole uint8

// The roles, as the bonding contract numbers them.
const (
	BondSequencer BondRole = 1
	BondProver    BondRole = 2
)

// BondStatement is what a peer's key signs to be bonded: who owns the bond and who operates it. A key that never signed one
// cannot be bonded by anybody.
type BondStatement struct {
	Contract, Owner, Operator [20]byte
	Role                      BondRole
}

// Digest covers contract (20) || owner (20) || operator (20) || role (1) in the network's domain for bonds.
func (s *BondStatement) Digest(network NetworkID) Hash {
	b := append(make([]byte, 0, 61), s.Contract[:]...)
	b = append(b, s.Owner[:]...)
	b = append(b, s.Operator[:]...)
	return DigestOf(network, KindBond, append(b, byte(s.Role)))
}

// Verify checks the key's signature over the statement; it refuses keys of small order, for which anybody could sign.
func (s *BondStatement) Verify(network NetworkID, key PublicKey, signature Signature) error {
	if err := CheckKey(key); err != nil {
		return err
	}
	return VerifyDigest(key, s.Digest(network), signature)
}
