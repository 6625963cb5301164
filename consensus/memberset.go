package consensus

import (
	"math/bits"

	"github.com/etherscale/bedrock/types"
)

// memberSet is a set of committee members.
type memberSet []uint64

func newMemberSet(n int) memberSet { return make(memberSet, (n+63)/64) }

func (s memberSet) has(m types.Member) bool { return s[m/64]&(1<<(m%64)) != 0 }

// add reports whether m was not in the set before.
func (s memberSet) add(m types.Member) bool {
	word, bit := &s[m/64], uint64(1)<<(m%64)
	fresh := *word&bit == 0
	*word |= bit
	return fresh
}

// each calls visit for the members that are in s and not in skip, in ascending order; skip may be nil.
func (s memberSet) each(skip memberSet, visit func(types.Member)) {
	for i, word := range s {
		if skip != nil {
			word &^= skip[i]
		}
		for ; word != 0; word &= word - 1 {
			visit(types.Member(64*i + bits.TrailingZeros64(word)))
		}
	}
}

func (s memberSet) remove(m types.Member) { s[m/64] &^= 1 << (m % 64) }
