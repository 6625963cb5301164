package chain

import (
	"testing"

	"github.com/etherscale/bedrock/types"
)

// TestForgottenHeaders: a light client that dropped its oldest headers knows all committees, follows on, opens again, and can
// have the headers back; a peer drops none.
func TestForgottenHeaders(t *testing.T) {
	n := longNetwork(t, 530, 100)
	peers := newCrowd(n)
	node := n.node(follow(peers), at(nil, true))
	for h := types.Height(1); h <= 520; h++ {
		noError(t, node.AddCertified(n.list[h]))
	}
	check := func(first types.Height) {
		t.Helper()
		must(t, node.First() == first, "first is %d, want %d", node.First(), first)
		for h := types.Height(1); h <= 520; h++ {
			_, here := node.Header(h)
			want := h >= first || n.list[h].Header.Next != nil
			must(t, here == want, "header %d is here: %v, want %v", h, here, want)
			_, found := node.HeaderByCommitment(n.list[h].Header.Commitment)
			must(t, found == want || n.list[h].Header.DataLength == 0, "header %d is found by its commitment: %v, want %v", h, found, want)
		}
		for e := range types.Epoch(6) {
			_, known := node.Committee(e)
			must(t, known, "the committee of epoch %d is not known", e)
		}
	}
	check(1)
	first, err := node.ForgetHeaders(333)
	noError(t, err)
	must(t, first == 334, "first is %d", first)
	check(334)
	first, err = node.ForgetHeaders(200)
	noError(t, err)
	must(t, first == 334, "first is %d after nothing was dropped", first)
	noError(t, node.db.Close())
	node = n.nodeOn(node.disk, follow(peers), at(nil, true))
	check(334)
	for h := types.Height(521); h <= 530; h++ {
		noError(t, node.AddCertified(n.list[h]))
	}
	first, err = node.ForgetHeaders(1000)
	noError(t, err)
	must(t, first == 530, "first is %d: the newest header stays", first)
	must(t, len(node.HeadersFrom(301, 10)) == 0, "headers are served across what was dropped")
	noError(t, node.FillDown(t.Context(), 400, 0))
	_, here := node.Header(401)
	must(t, here, "a header is not here again")

	whole := n.node(follow(peers))
	noError(t, whole.AddCertified(n.list[1]))
	noError(t, whole.AddCertified(n.list[2]))
	if first, err := whole.ForgetHeaders(1); first != 1 || err != nil {
		t.Errorf("a peer dropped headers: first %d, %v", first, err)
	}
}
