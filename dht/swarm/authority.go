package swarm

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/etherscale/bedrock/types"
)

// authority is a committee whose keys are at hand.
type authority struct {
	committee *types.Committee
	keys      []ed25519.PrivateKey // in committee order
}

// keyOf derives the key of peer i of the network with this seed.
func keyOf(seed uint64, i int) ed25519.PrivateKey {
	material := binary.LittleEndian.AppendUint64([]byte("bedrock/swarm"), seed)
	sum := sha256.Sum256(binary.LittleEndian.AppendUint64(material, uint64(i)))
	return ed25519.NewKeyFromSeed(sum[:])
}

func publicOf(k ed25519.PrivateKey) types.PublicKey {
	return types.PublicKey(k.Public().(ed25519.PublicKey))
}

// newAuthority makes peers 0..n-1 the committee.
func newAuthority(seed uint64, n int) (*authority, error) {
	a := &authority{}
	for i := range n {
		a.keys = append(a.keys, keyOf(seed, i))
	}
	slices.SortFunc(a.keys, func(x, y ed25519.PrivateKey) int {
		return slices.Compare(x.Public().(ed25519.PublicKey), y.Public().(ed25519.PublicKey))
	})
	members := make([]types.CommitteeMember, n)
	for i, k := range a.keys {
		members[i] = types.CommitteeMember{Key: publicOf(k), Stake: 1}
	}
	var err error
	a.committee, err = types.NewCommittee(members)
	return a, err
}

// certify signs a header by every member.
func (a *authority) certify(h types.Header) types.CertifiedHeader {
	ch := types.CertifiedHeader{Header: h}
	ch.Certificate.Signers = types.NewBitmap(len(a.keys))
	for i, k := range a.keys {
		ch.Certificate.Signers.Set(types.Member(i))
		ch.Certificate.Signatures = append(ch.Certificate.Signatures, types.SignDigest(k, h.Digest()))
	}
	return ch
}
