package execution

import "github.com/etherscale/bedrock/types"

// BondOfCall is the call that asks the contract for the bond of a key; UnpackBond reads the answer.
func BondOfCall(key types.PublicKey) []byte { return bondsABI().PackBondOf(key) }
