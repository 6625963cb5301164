package fraud

import (
	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/types"
)

// Value names the outcome of a block: its height, its header, and all of its claims. Whoever asserts the same claims
// asserts the same value.
type Value types.Hash

// String is the value in lower-case hex.
func (v Value) String() string { return types.Hash(v).String() }

// ValueOf is sha256("bedrock/value" || BE64 height || header digest || PrefixOf(claims) || last claim). A block has at
// least one claim.
func ValueOf(height types.Height, digest types.Hash, claims []execution.Claim) Value {
	return valueFrom(height, digest, PrefixOf(claims), claims[len(claims)-1])
}

// Step is a value on the value before it: what an assertion says of one block. A wrong-state challenge refutes a step, not a
// value: a liar that claims the right outcome of a block on a made-up outcome of the block before is wrong, the outcome is
// not.
type Step struct {
	Before Value `json:"before"`
	Value  Value `json:"value"`
}

// PrefixOf is sha256 over the encodings of all claims but the last.
func PrefixOf(claims []execution.Claim) types.Hash {
	return prefixOf(claims[:len(claims)-1])
}

func valueFrom(height types.Height, digest, prefix types.Hash, last execution.Claim) Value {
	return Value(execution.ValueHash(height, digest, prefix, last))
}

// MarshalText encodes the value as hex for JSON.
func (v Value) MarshalText() ([]byte, error) { return types.Hash(v).MarshalText() }

// UnmarshalText is the inverse of MarshalText.
func (v *Value) UnmarshalText(text []byte) error { return (*types.Hash)(v).UnmarshalText(text) }
