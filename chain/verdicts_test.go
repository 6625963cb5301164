package chain

import (
	"slices"
	"testing"

	"github.com/etherscale/bedrock/types"
)

// TestVerdictsAreFoundByHeight: whoever asks later, also after a restart, learns which verdicts certified headers listed.
func TestVerdictsAreFoundByHeight(t *testing.T) {
	n := newNetwork(t).grow(2)
	var want []Listed
	for k := range byte(3) {
		h := n.next(nil)
		h.Verdicts = []types.Verdict{{Challenge: types.BatchIDOf([]byte{k}), Kind: 3}, {Challenge: types.BatchIDOf([]byte{k, 1}), Payee: [20]byte{k}}}
		for _, v := range h.Verdicts {
			want = append(want, Listed{h.Height, v})
		}
		n.push(h, nil)
		n.grow(2)
	}
	peer := n.node()
	_, err := peer.AddHeaders(n.list[1:])
	noError(t, err)
	check := func(x *node) {
		for from, rest := range map[types.Height][]Listed{0: want, 3: want, 4: want[2:], 6: want[2:], 9: want[4:], 10: nil} {
			got, err := x.Verdicts(from, 100)
			noError(t, err)
			must(t, slices.Equal(got, rest), "from %d: %v, want %v", from, got, rest)
		}
	}
	check(peer)
	peer = n.reopen(peer)
	check(peer)
	some, err := peer.Verdicts(0, 3)
	noError(t, err)
	must(t, slices.Equal(some, want[:4]), "at least 3, of whole headers: %v", some)
}
