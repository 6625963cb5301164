package consensus

import "github.com/etherscale/bedrock/types"

// signedWindow is for how many headers a member's signature earns it rewards: some seconds, as long as a signature may take to
// come after those of a quorum. Later ones are not sent any more (staleSignature).
const signedWindow = staleSignature

// seals are the certificates that the committed sequence itself holds. Other than the certifier's, which counts every
// accepted vertex, they are the same at all members.
type seals struct {
	height  types.Height // up to here
	digests []types.Hash // of the newest of those headers, at most signedWindow; the last is that of height
	votes   map[types.Height][]*types.HeaderSignature
	signed  []types.Height // by member: the newest of the epoch's that it signed; 0: none
}

func newSeals(cfg *Config) seals {
	return seals{height: cfg.Parent.Height, digests: []types.Hash{cfg.Parent.Digest()},
		votes: make(map[types.Height][]*types.HeaderSignature), signed: make([]types.Height, cfg.Committee.Len())}
}

// signs reports whether the member's signature over one of the newest signedWindow headers stands in the sequence.
func (s *seals) signs(m types.Member) bool {
	return s.signed[m] > 0 && s.signed[m]+signedWindow > s.height
}

// seal counts the header signatures of an appended vertex.
func (c *Core) seal(n *node) {
	s := &c.seals
	signatures := n.v.Body().HeaderSignatures
	for i := range signatures {
		x := &signatures[i]
		if x.Height <= c.cfg.Parent.Height || x.Height > c.certs.closed+signatureWindow {
			continue
		}
		if x.Height <= s.height {
			s.late(n.ref.Author, x)
			continue
		}
		if s.votes[x.Height] == nil {
			s.votes[x.Height] = make([]*types.HeaderSignature, c.n)
		}
		if s.votes[x.Height][n.ref.Author] == nil {
			s.votes[x.Height][n.ref.Author] = x
		}
	}
	for len(signatures) > 0 && s.height < c.certs.closed && s.votes[s.height+1] != nil {
		digest, found := c.quorumDigest(s.votes[s.height+1])
		if !found {
			return
		}
		s.next(digest)
		delete(c.unsealed, s.height)
	}
}

// late takes a signature that came after those of a quorum.
func (s *seals) late(author types.Member, x *types.HeaderSignature) {
	back := int(min(s.height-x.Height, types.Height(len(s.digests))))
	if back < len(s.digests) && s.digests[len(s.digests)-1-back] == x.Digest {
		s.signed[author] = max(s.signed[author], x.Height)
	}
}

// next seals the next height.
func (s *seals) next(digest types.Hash) {
	s.height++
	for m, vote := range s.votes[s.height] {
		if vote != nil && vote.Digest == digest {
			s.signed[m] = s.height
		}
	}
	delete(s.votes, s.height)
	s.digests = append(s.digests, digest)
	s.digests = s.digests[max(0, len(s.digests)-signedWindow):]
}
