package types

import (
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/rlp"
)

// Bounds of headers.
const (
	MaxHeaderBytes        = 128 << 10
	MaxHeaderVerdicts     = 64
	maxCertifiedHeaderLen = MaxHeaderBytes + MaxCommittee*72
)

// ErrCertificate says that a certificate does not carry a quorum of valid signatures over its header.
var ErrCertificate = errors.New("certificate does not verify")

// EpochEnd is carried by an epoch's last header only.
type EpochEnd struct {
	Committee     []CommitteeMember // of the next epoch
	Rewards       []uint64          // by member of the ending epoch: sequenced vertices while it signed headers
	SettledHeight Height
	SettledClaim  Hash
	RuleVersion   uint64 // rules in force from the next epoch on
}

// Header describes one block. Its data commitment alone defines the block's transactions.
type Header struct {
	Version      uint64
	Network      NetworkID
	Epoch        Epoch
	Height       Height
	Parent       Hash // digest of the header before
	Time         Time // the boundary at which the block closed
	VertexIndex  uint64
	VertexDigest Hash   // the vertex after which the block closed
	DataLength   uint64 // bytes of block data; 0: no rows
	Commitment   Hash
	Verdicts     []Verdict // that became due, in order; none twice in an epoch
	Next         *EpochEnd `rlp:"nil"`
}

// Digest is what sequencers sign, and the header's hash.
func (h *Header) Digest() Hash { return DigestOf(h.Network, KindHeader, h.Encode()) }

// Encode is the canonical encoding.
func (h *Header) Encode() []byte {
	encoded, err := rlp.EncodeToBytes(h)
	if err != nil {
		panic("types: a header always encodes: " + err.Error())
	}
	return encoded
}

// DecodeHeader is the strict inverse of Encode.
func DecodeHeader(encoded []byte) (*Header, error) {
	if len(encoded) > MaxHeaderBytes {
		return nil, fmt.Errorf("header of %d bytes, at most %d: %w", len(encoded), MaxHeaderBytes, ErrMalformed)
	}
	h := new(Header)
	if err := rlp.DecodeBytes(encoded, h); err != nil {
		return nil, fmt.Errorf("header: %w: %w", ErrMalformed, err)
	}
	return h, h.checkBounds()
}

func (h *Header) checkBounds() error {
	if h.Version != Version {
		return fmt.Errorf("header version %d, this peer knows %d: %w", h.Version, Version, ErrMalformed)
	}
	if len(h.Verdicts) > MaxHeaderVerdicts || h.Next != nil && max(len(h.Next.Committee), len(h.Next.Rewards)) > MaxCommittee {
		return fmt.Errorf("header %d has too many entries: %w", h.Height, ErrMalformed)
	}
	return nil
}

// Certificate is a quorum of sequencer signatures over a header.
type Certificate struct {
	Signers    Bitmap
	Signatures []Signature // one for each signer, in committee order
}

// CertifiedHeader is a header with its certificate.
type CertifiedHeader struct {
	Header      Header
	Certificate Certificate
}

// Verify checks that a quorum of the committee's stake signed the header.
func (ch *CertifiedHeader) Verify(network NetworkID, c *Committee) error {
	if ch.Header.Network != network {
		return fmt.Errorf("header %d is of network %s: %w", ch.Header.Height, ch.Header.Network, ErrCertificate)
	}
	if err := ch.Header.checkBounds(); err != nil {
		return err
	}
	signers := ch.Certificate.Signers
	if err := signers.Check(c); err != nil {
		return fmt.Errorf("header %d: %w: %w", ch.Header.Height, ErrCertificate, err)
	}
	members := signers.Members()
	if len(members) != len(ch.Certificate.Signatures) || c.StakeOf(signers) < c.Quorum() {
		return fmt.Errorf("header %d: %d signatures, stake %d of quorum %d: %w", ch.Header.Height,
			len(ch.Certificate.Signatures), c.StakeOf(signers), c.Quorum(), ErrCertificate)
	}
	digest := ch.Header.Digest()
	entries := make([]SignedDigest, len(members))
	for i, m := range members {
		entries[i] = SignedDigest{c.Member(m).Key, digest, ch.Certificate.Signatures[i]}
	}
	if err := VerifyDigests(entries); err != nil {
		return fmt.Errorf("header %d: %w: %w", ch.Header.Height, ErrCertificate, err)
	}
	return nil
}

// Encode is the canonical encoding.
func (ch *CertifiedHeader) Encode() []byte {
	encoded, err := rlp.EncodeToBytes(ch)
	if err != nil {
		panic("types: a certified header always encodes: " + err.Error())
	}
	return encoded
}

// DecodeCertifiedHeader is the strict inverse of Encode; it does not verify the certificate.
func DecodeCertifiedHeader(encoded []byte) (*CertifiedHeader, error) {
	if len(encoded) > maxCertifiedHeaderLen {
		return nil, fmt.Errorf("certified header of %d bytes: %w", len(encoded), ErrMalformed)
	}
	ch := new(CertifiedHeader)
	if err := rlp.DecodeBytes(encoded, ch); err != nil {
		return nil, fmt.Errorf("certified header: %w: %w", ErrMalformed, err)
	}
	return ch, ch.Header.checkBounds()
}
