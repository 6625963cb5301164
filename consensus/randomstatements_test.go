package consensus_test

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"

	"github.com/etherscale/bedrock/types"
)

// statements are what a random history's vertices say beside their order: signatures over the headers that follow from it,
// as far as made, and verdicts. Liars sign headers that do not exist and uphold what nobody else does.
type statements struct {
	draws      *rand.Rand
	oracle     *observer // takes every vertex as soon as it is made
	lazy       int       // a member that signs little or nothing, or -1
	signed     []types.Height
	challenges []randomChallenge
	upheld     []map[types.Verdict]bool // by member: what it stated
}

type randomChallenge struct {
	verdict types.Verdict
	heard   []types.Round // by member: from when on it upholds it; 0: never
}

func (d *randomDAG) makeChallenges(seed uint64) {
	n := d.committee.Len()
	d.draws = rand.New(rand.NewPCG(seed, 2))
	d.lazy = d.draws.IntN(n+1) - 1
	d.signed = make([]types.Height, n)
	accused := d.committee.Members()
	count := d.draws.IntN(8)
	if d.draws.IntN(6) == 0 {
		count, accused = 24, accused[:1] // more than an epoch lists of one key
	}
	for k := range count {
		c := randomChallenge{heard: make([]types.Round, n), verdict: types.Verdict{
			Challenge: types.BatchIDOf(binary.BigEndian.AppendUint64([]byte("challenge"), uint64(k))), Kind: 1, Payee: [20]byte{byte(k)},
			Accused: accused[d.draws.IntN(len(accused))].Key}}
		from, rare := 1+d.draws.IntN(int(d.rounds)), d.draws.IntN(4) == 0
		for i := range c.heard {
			if !rare || d.draws.IntN(3) > 0 {
				c.heard[i] = types.Round(from + d.draws.IntN(3))
			}
		}
		d.challenges = append(d.challenges, c)
	}
	for range n {
		d.upheld = append(d.upheld, map[types.Verdict]bool{})
	}
}

// signatures are over the headers that the member has not signed.
func (d *randomDAG) signatures(a types.Member) (out []types.HeaderSignature) {
	if d.oracle == nil || d.draws.IntN(8) == 0 || int(a) == d.lazy && d.draws.IntN(12) > 0 {
		return nil
	}
	for _, c := range d.oracle.closed {
		s := types.HeaderSignature{Height: c.Header.Height, Digest: c.Header.Digest()}
		if s.Height <= d.signed[a] || len(out) == types.MaxHeaderSignatures {
			continue
		}
		if d.byzantine[a] && d.draws.IntN(4) == 0 {
			s.Digest[0]++
		}
		if !d.byzantine[a] || d.draws.IntN(8) > 0 { // else it may come again
			d.signed[a] = s.Height
		}
		out = append(out, s)
	}
	if d.byzantine[a] && d.draws.IntN(6) == 0 && len(out) < types.MaxHeaderSignatures {
		out = append(out, types.HeaderSignature{Height: types.Height(len(d.oracle.closed) + 1 + d.draws.IntN(2000)), Digest: types.Hash{1}})
	}
	return out
}

// verdicts are what the member upholds and has not stated; some it states again.
func (d *randomDAG) verdicts(a types.Member, r types.Round) (out []types.Verdict) {
	for _, c := range d.challenges {
		v := c.verdict
		if d.byzantine[a] && d.draws.IntN(3) == 0 {
			v.Payee[1] = byte(1 + a)
		}
		if heard := c.heard[a]; heard > 0 && heard <= r && (!d.upheld[a][v] || d.draws.IntN(10) == 0) {
			d.upheld[a][v] = true
			out = append(out, v)
		}
	}
	slices.SortFunc(out, func(x, y types.Verdict) int { return x.Compare(&y) })
	return out
}
