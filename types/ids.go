package types

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/mr-tron/base58"
	"github.com/multiformats/go-multihash"
)

// ErrMalformed is wrapped by every error about bytes that are not a canonical, bounded encoding.
var ErrMalformed = errors.New("malformed encoding")

// Hash is a sha2-256 digest.
type Hash [32]byte

// String is the hash in lower-case hex.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// IsZero reports whether every byte of the hash is zero.
func (h Hash) IsZero() bool { return h == Hash{} }

// MarshalText encodes the hash as hex for JSON.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (h *Hash) UnmarshalText(text []byte) error { return decodeHex(h[:], text) }

// NetworkID names a network: sha256 of its canonical genesis file.
type NetworkID Hash

// String is the id in lower-case hex.
func (n NetworkID) String() string { return hex.EncodeToString(n[:]) }

// Round counts the rounds of vertices in an epoch; round 0 is the header before the epoch's first vertex.
type Round uint64

// Height counts blocks; height 0 is the genesis header.
type Height uint64

// Epoch counts the terms of committees, from 0.
type Epoch uint64

// Stake is the voting weight of a committee member, in the units of the genesis file.
type Stake uint64

// Time is a point in time in microseconds since the Unix epoch.
type Time uint64

// TimeOf converts a wall-clock time; times before 1970 become 0.
func TimeOf(t time.Time) Time {
	if us := t.UnixMicro(); us > 0 {
		return Time(us)
	}
	return 0
}

// Std converts to the standard library's time.
func (t Time) Std() time.Time { return time.UnixMicro(int64(t)) }

// Add returns t moved by d; it saturates at 0.
func (t Time) Add(d time.Duration) Time {
	us := d.Microseconds()
	if us < 0 && Time(-us) > t {
		return 0
	}
	return Time(int64(t) + us)
}

// Member is the index of a sequencer in the committee of its epoch.
type Member uint16

// PublicKey is an Ed25519 public key: the identity of a peer.
type PublicKey [32]byte

// String is the key in lower-case hex.
func (k PublicKey) String() string { return hex.EncodeToString(k[:]) }

// MarshalText encodes the key as hex for JSON.
func (k PublicKey) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (k *PublicKey) UnmarshalText(text []byte) error { return decodeHex(k[:], text) }

// PeerID is the key's libp2p peer ID in its usual base58 form (libp2p peer-ids spec: identity multihash of the
// protobuf-encoded key).
func (k PublicKey) PeerID() string {
	return base58.Encode(append([]byte{0x00, 0x24, 0x08, 0x01, 0x12, 0x20}, k[:]...))
}

// Signature is an Ed25519 signature over a 32-byte digest.
type Signature [64]byte

// BatchID is the binary CID of a batch: CIDv1, raw codec, sha2-256 (36 bytes).
type BatchID [36]byte

var (
	batchPrefix       = [4]byte{0x01, cid.Raw, multihash.SHA2_256, 32}
	transactionPrefix = [4]byte{0x01, cid.Raw, multihash.KECCAK_256, 32}
)

// BatchIDOf names the encoded batch.
func BatchIDOf(encoded []byte) BatchID {
	var id BatchID
	copy(id[:], batchPrefix[:])
	sum := sha256.Sum256(encoded)
	copy(id[4:], sum[:])
	return id
}

// TransactionCID names a transaction where a request takes a CID: CIDv1, raw codec, keccak-256 of the envelope (36 bytes).
func TransactionCID(hash Hash) BatchID {
	var id BatchID
	copy(id[:], transactionPrefix[:])
	copy(id[4:], hash[:])
	return id
}

// NamesTransaction reports whether the id was made by TransactionCID.
func (id BatchID) NamesTransaction() bool { return [4]byte(id[:4]) == transactionPrefix }

// CID is the id as a go-cid value.
func (id BatchID) CID() cid.Cid {
	mh, err := multihash.Encode(id[4:], multihash.SHA2_256)
	if err != nil {
		return cid.Undef
	}
	return cid.NewCidV1(cid.Raw, mh)
}

// String is the CID in base32, as other IPFS tools print it.
func (id BatchID) String() string { return id.CID().String() }

// Valid reports whether the id has the one prefix that batches and challenges use.
func (id BatchID) Valid() bool { return [4]byte(id[:4]) == batchPrefix }

// ParseBatchID reads the base32 form.
func ParseBatchID(s string) (BatchID, error) {
	c, err := cid.Decode(s)
	if err != nil {
		return BatchID{}, fmt.Errorf("batch id %q: %w", s, err)
	}
	var id BatchID
	if raw := c.Bytes(); len(raw) != len(id) {
		return BatchID{}, fmt.Errorf("batch id %q: want CIDv1, raw, sha2-256: %w", s, ErrMalformed)
	} else {
		copy(id[:], raw)
	}
	if !id.Valid() {
		return BatchID{}, fmt.Errorf("batch id %q: want CIDv1, raw, sha2-256: %w", s, ErrMalformed)
	}
	return id, nil
}

func decodeHex(dst []byte, text []byte) error {
	if len(text) >= 2 && text[0] == '0' && text[1] == 'x' {
		text = text[2:]
	}
	if len(text) != 2*len(dst) {
		return fmt.Errorf("want %d hex digits, have %d: %w", 2*len(dst), len(text), ErrMalformed)
	}
	_, err := hex.Decode(dst, text)
	return err
}
