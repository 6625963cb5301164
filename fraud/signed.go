package fraud

import (
	"crypto/ecdsa"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	ethtypes "github.com/ethereum/go-ethereum/core/types"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/types"
)

// SignedAssertion is an assertion as it travels and as it is ordered: a transaction that calls the bonding contract,
// signed by the account that owns or operates the prover's bond.
type SignedAssertion struct {
	Assertion Assertion

	envelope []byte
	tx       *ethtypes.Transaction
}

// Bond says who speaks for a bonded prover.
type Bond struct {
	Owner, Operator [20]byte
	Stands          bool // active or leaving: what is said for it from now on counts
}

// Encode is the transaction's envelope. It must not be changed.
func (s *SignedAssertion) Encode() []byte { return s.envelope }

// ID names the signed assertion as gossip does.
func (s *SignedAssertion) ID() types.BatchID { return types.BatchIDOf(s.envelope) }

// Hash is the transaction's.
func (s *SignedAssertion) Hash() types.Hash { return types.Hash(s.tx.Hash()) }

// DecodeAssertion reads a transaction that posts an assertion. It checks form and bounds, not the signature.
func DecodeAssertion(envelope []byte) (*SignedAssertion, error) {
	if len(envelope) > MaxAssertionBytes {
		return nil, fmt.Errorf("assertion of %d bytes, at most %d: %w", len(envelope), MaxAssertionBytes, ErrAssertion)
	}
	tx := execution.DecodeTransaction(envelope)
	if tx == nil || tx.Type() == ethtypes.BlobTxType || tx.To() == nil || tx.Value().Sign() != 0 || !tx.Protected() {
		return nil, fmt.Errorf("not a transaction that posts an assertion: %w", ErrAssertion)
	}
	a, err := decodeCalldata(tx.Data())
	if err != nil {
		return nil, err
	}
	return &SignedAssertion{Assertion: *a, envelope: append([]byte(nil), envelope...), tx: tx}, nil
}

// Verify checks that the transaction is for the network's bonding contract and signed by who speaks for the bond. The network
// itself is named by the header that the assertion speaks of.
func (s *SignedAssertion) Verify(rules *execution.Rules, bond Bond) error {
	if *s.tx.To() != rules.Vault || s.tx.ChainId().Cmp(new(big.Int).SetUint64(rules.ChainID)) != 0 {
		return fmt.Errorf("assertion for another contract or chain: %w", ErrAssertion)
	}
	from, err := ethtypes.Sender(ethtypes.LatestSigner(rules.ChainConfig()), s.tx)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrAssertion, err)
	}
	if from != common.Address(bond.Owner) && from != common.Address(bond.Operator) {
		return fmt.Errorf("assertion by %s, who neither owns nor operates the bond of %s: %w", from, s.Assertion.Prover, ErrAssertion)
	}
	return nil
}

// AssertionGas is gas enough for posting calldata of so many bytes: the floor price of its bytes, and the contract's work for
// up to MaxAssertionBlocks blocks.
func AssertionGas(calldata []byte) uint64 {
	const transaction, perByte, step, perBlock = 21_000, 40, 700_000, 2_000
	return transaction + perByte*uint64(len(calldata)) + step + perBlock*uint64(len(calldata)/blockHead)
}

// Sign makes the transaction that posts the assertion, with the next nonce of its sender. A node sends its own through its
// account, which repeats it.
func (a *Assertion) Sign(key *ecdsa.PrivateKey, rules *execution.Rules, nonce uint64) (*SignedAssertion, error) {
	data := a.Calldata()
	tx, err := ethtypes.SignNewTx(key, ethtypes.LatestSigner(rules.ChainConfig()), &ethtypes.DynamicFeeTx{
		ChainID: new(big.Int).SetUint64(rules.ChainID), Nonce: nonce, GasTipCap: big.NewInt(1e6), GasFeeCap: new(big.Int).SetUint64(4*rules.BaseFee + 1e6),
		Gas: AssertionGas(data), To: &rules.Vault, Data: data,
	})
	if err != nil {
		return nil, fmt.Errorf("sign assertion: %w", err)
	}
	envelope, err := tx.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("sign assertion: %w", err)
	}
	return DecodeAssertion(envelope)
}
