package sim

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/consensus/internal/brute"
	"github.com/etherscale/bedrock/types"
)

const (
	// offerPause is how often a machine says again which challenges it found valid, in milliseconds.
	offerPause = 700
	// freshChallenges have to be listed after healing.
	freshChallenges = 2
)

// challenge is one that machines verify.
type challenge struct {
	verdict types.Verdict
	upheld  []bool // by person: it has verified it
	rare    bool   // some never see it
	listed  bool   // in a closed block
}

// challengeOn makes challenges at random times until the given time.
func (w *world) challengeOn(rng *rand.Rand, until types.Time) {
	if w.m.Load.Challenges == 0 || w.now >= until {
		return
	}
	w.challenge(rng, rng.IntN(3) == 0)
	w.after(ms(1+rng.IntN(2*w.m.Load.Challenges)), func() { w.challengeOn(rng, until) })
}

// challenge makes one that accuses a member or, mostly, a stranger, and lets everybody, or not, verify it soon.
func (w *world) challenge(rng *rand.Rand, rare bool) {
	k := uint64(len(w.challenges))
	c := &challenge{upheld: make([]bool, w.m.n()), rare: rare,
		verdict: types.Verdict{Challenge: types.BatchIDOf(binary.BigEndian.AppendUint64([]byte("challenge"), k)), Kind: 1, Payee: [20]byte{1}}}
	binary.BigEndian.PutUint64(c.verdict.Accused[:], k)
	if rng.IntN(5) == 0 && !w.healed {
		c.verdict.Accused = types.PublicKey(w.public(rng.IntN(w.m.n())))
	}
	w.challenges = append(w.challenges, c)
	for person := range w.m.n() {
		if rare && rng.IntN(2) == 0 {
			continue
		}
		w.after(ms(rng.IntN(800)), func() {
			c.upheld[person] = true
			for _, m := range w.machines {
				if m.person == person {
					m.offer(c)
				}
			}
		})
	}
}

// offer says to the newest node that a challenge is valid. Liars that run a core say of half of them something else.
func (m *machine) offer(c *challenge) {
	n := m.current()
	if n == nil || c.listed || m.is(Forger) {
		return
	}
	v := c.verdict
	if m.liar != nil && v.Challenge[4]%2 == 0 {
		v.Payee[0] = byte(2 + m.person)
	}
	n.step(consensus.Upheld{Verdict: v})
}

// offerSoon says again and again, as long as the power is on, what the machine has found valid and no block lists.
func (m *machine) offerSoon() {
	power := m.powered()
	m.w.after(ms(offerPause), func() {
		if !power() || m.w.failure != nil {
			return
		}
		for _, c := range m.w.challenges {
			if c.upheld[m.person] {
				m.offer(c)
			}
		}
		m.offerSoon()
	})
}

// verdicts are what a forger states: what is so, and what is not.
func (f *forger) verdicts() (out []types.Verdict) {
	for _, c := range f.n.w.challenges[max(0, len(f.n.w.challenges)-8):] {
		if v := c.verdict; f.hits(30) {
			if f.hits(50) {
				v.Payee[0] = byte(2 + f.n.rng.IntN(3))
			}
			out = append(out, v)
		}
	}
	slices.SortFunc(out, func(a, b types.Verdict) int { return a.Compare(&b) })
	return out
}

// noteListed: what a block lists was verified by an honest member.
func (n *node) noteListed(c *consensus.Closed) {
	for _, v := range c.Header.Verdicts {
		i := slices.IndexFunc(n.w.challenges, func(x *challenge) bool { return x.verdict == v })
		if i < 0 {
			n.w.fail(n, "S13", "block %d lists a verdict of nobody honest", c.Header.Height)
			return
		}
		n.w.challenges[i].listed = true
	}
}

// checkVerdicts: each block lists what a quorum has stated in the sequence up to it and no block before, in that order.
func (e *era) checkVerdicts() {
	type slot struct {
		author types.Member
		round  types.Round
	}
	stated, excluded, seen, at := brute.NewVerdicts(e.committee), map[types.Member]bool{}, map[slot]bool{}, 0
	for i, a := range e.truth.appended {
		s := slot{a.Vertex.Author, a.Vertex.Round}
		excluded[s.author] = excluded[s.author] || seen[s]
		seen[s] = true
		stated.Append(e.vertex[a.Vertex.Digest], excluded)
		for ; at < len(e.truth.closed) && e.truth.closed[at].Header.VertexIndex == uint64(i); at++ {
			if h := &e.truth.closed[at].Header; !slices.Equal(stated.List(), h.Verdicts) {
				e.w.fail(nil, "S13", "block %d lists %d verdicts that are not those of the definition", h.Height, len(h.Verdicts))
				return
			}
		}
	}
}

// unlisted is a challenge that all of the core uphold and no block lists; nil: there is none.
func (w *world) unlisted() *challenge {
	for _, c := range w.challenges {
		all := !c.rare && !c.listed
		for _, m := range w.core() {
			all = all && c.upheld[m.person]
		}
		if all {
			return c
		}
	}
	return nil
}
