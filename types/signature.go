package types

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"

	"filippo.io/edwards25519"
	"github.com/hdevalence/ed25519consensus"
)

// Kind names what a signature is for; it is part of the signed domain.
type Kind string

// The kinds of signed messages.
const (
	KindVertex    Kind = "vertex"
	KindHeader    Kind = "header"
	KindAssertion Kind = "assertion"
	KindBond      Kind = "bond"
	KindInstance  Kind = "instance"
)

// ErrSignature says that a signature does not verify under its key.
var ErrSignature = errors.New("signature does not verify")

// ErrSmallOrderKey says that a public key is not a point or is of small order: anybody could sign for it.
var ErrSmallOrderKey = errors.New("public key is invalid or of small order")

// DigestOf is the digest a signature of the kind covers: sha256(domain || unsigned).
func DigestOf(network NetworkID, kind Kind, unsigned []byte) Hash {
	h := sha256.New()
	h.Write([]byte("/bedrock/1/" + network.String() + "/" + string(kind)))
	h.Write(unsigned)
	return Hash(h.Sum(nil))
}

// CheckKey refuses keys that are no curve point or have small order.
func CheckKey(key PublicKey) error {
	point, err := new(edwards25519.Point).SetBytes(key[:])
	if err != nil {
		return fmt.Errorf("key %s: %w", key, ErrSmallOrderKey)
	}
	if new(edwards25519.Point).MultByCofactor(point).Equal(edwards25519.NewIdentityPoint()) == 1 {
		return fmt.Errorf("key %s: %w", key, ErrSmallOrderKey)
	}
	return nil
}

// SignDigest signs a digest made by DigestOf.
func SignDigest(key ed25519.PrivateKey, digest Hash) Signature {
	return Signature(ed25519.Sign(key, digest[:]))
}

// VerifyDigest checks one signature under ZIP-215 rules.
func VerifyDigest(key PublicKey, digest Hash, sig Signature) error {
	if !ed25519consensus.Verify(key[:], digest[:], sig[:]) {
		return ErrSignature
	}
	return nil
}

// SignedDigest is one entry of a batched check.
type SignedDigest struct {
	Key       PublicKey
	Digest    Hash
	Signature Signature
}

// VerifyDigests checks many signatures at once under ZIP-215 rules; it succeeds exactly when each would by itself.
func VerifyDigests(entries []SignedDigest) error {
	if len(entries) == 1 {
		return VerifyDigest(entries[0].Key, entries[0].Digest, entries[0].Signature)
	}
	batch := ed25519consensus.NewPreallocatedBatchVerifier(len(entries))
	for i := range entries {
		batch.Add(entries[i].Key[:], entries[i].Digest[:], entries[i].Signature[:])
	}
	if len(entries) > 0 && !batch.Verify() {
		return ErrSignature
	}
	return nil
}
