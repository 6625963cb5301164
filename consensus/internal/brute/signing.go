package brute

import "github.com/etherscale/bedrock/types"

// Closed is a closed block: the index of the appended vertex after which it closed, and the digest of its header.
type Closed struct {
	After  int
	Header types.Hash
}

// Signing tells of each vertex of the sequence whether its author signs headers: of the epoch's 8 newest headers whose certificate
// the sequence holds, that vertex included, it signed one. parent is the height of the header before the epoch.
func Signing(c *types.Committee, parent types.Height, appended []Appended, blocks []Closed) []bool {
	out := make([]bool, len(appended))
	certified := 0                                 // headers of the epoch
	votes := map[int]map[types.Member]types.Hash{} // the first of each, before the certificate
	newest := map[types.Member]int{}               // by member: the highest of certified ones that it signed
	signed := func(m types.Member, k int, digest types.Hash) {
		if digest == blocks[k-1].Header {
			newest[m] = max(newest[m], k)
		}
	}
	for i, a := range appended {
		m, closed := a.Vertex.Author(), 0
		for closed < len(blocks) && blocks[closed].After < i {
			closed++
		}
		for _, s := range a.Vertex.Body().HeaderSignatures {
			k := int(s.Height) - int(parent)
			switch {
			case k <= certified-8 || k <= 0 || k > closed+1024:
			case k <= certified:
				signed(m, k, s.Digest)
			case votes[k] == nil:
				votes[k] = map[types.Member]types.Hash{m: s.Digest}
			default:
				if _, before := votes[k][m]; !before {
					votes[k][m] = s.Digest
				}
			}
		}
		for certified < closed && stakeBehind(c, votes[certified+1], blocks[certified].Header) >= c.Quorum() {
			certified++
			for voter, digest := range votes[certified] {
				signed(voter, certified, digest)
			}
		}
		out[i] = newest[m] > 0 && newest[m]+8 > certified
	}
	return out
}

func stakeBehind(c *types.Committee, votes map[types.Member]types.Hash, digest types.Hash) (sum types.Stake) {
	for m, vote := range votes {
		if vote == digest {
			sum += c.Stake(m)
		}
	}
	return sum
}
