package gossip

import (
	"crypto/ed25519"
	"fmt"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/crypto/pb"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/etherscale/bedrock/types"
)

// PeerIDOf is the libp2p peer ID of a key. It fails for bytes that are no Ed25519 key.
func PeerIDOf(key types.PublicKey) (peer.ID, error) {
	pub, err := crypto.UnmarshalEd25519PublicKey(key[:])
	if err != nil {
		return "", fmt.Errorf("peer id of %s: %w", key, err)
	}
	return peer.IDFromPublicKey(pub)
}

// KeyOf is the inverse of PeerIDOf. It fails for peers whose identity is not an Ed25519 key.
func KeyOf(id peer.ID) (types.PublicKey, error) {
	pub, err := id.ExtractPublicKey()
	if err != nil {
		return types.PublicKey{}, fmt.Errorf("key of peer %s: %w", id, err)
	}
	raw, err := pub.Raw()
	if err != nil || pub.Type() != pb.KeyType_Ed25519 || len(raw) != ed25519.PublicKeySize {
		return types.PublicKey{}, fmt.Errorf("key of peer %s: not an Ed25519 key", id)
	}
	return types.PublicKey(raw), nil
}
