package sequencer

import (
	"slices"
	"testing"
	"time"

	"github.com/etherscale/bedrock/types"
)

func challenged(k byte) types.Verdict {
	return types.Verdict{Challenge: types.BatchIDOf([]byte{k}), Kind: 1, Accused: types.PublicKey{k}, Payee: [20]byte{k}}
}

// listed are the verdicts in the headers that a node has certified.
func (n *clusterNode) listed() (out []types.Verdict) {
	for h := types.Height(1); h <= n.sequencer().Status().CertifiedHeight; h++ {
		if header, ok := n.blocks.Header(h); ok {
			out = append(out, header.Verdicts...)
		}
	}
	return out
}

// A verdict of three of four is in a certified header 1.5 s later, though the network was idle; one of two never is; who comes back
// and says it again changes nothing.
func TestVerdictIsListedAtAQuorum(t *testing.T) {
	inCluster(t, 4, func(c *cluster) {
		for _, n := range c.nodes {
			n.start(nil)
		}
		time.Sleep(20 * time.Second) // heartbeat pace
		began := now()
		for i, n := range c.nodes {
			if i > 0 && !n.sequencer().Verdict(challenged(1)) {
				t.Fatalf("node %d does not take a verdict", i)
			}
		}
		for len(c.nodes[0].listed()) == 0 {
			time.Sleep(10 * time.Millisecond)
		}
		if took := now().Std().Sub(began.Std()); took > 1500*time.Millisecond {
			t.Errorf("certified after %v", took)
		}
		for _, n := range c.nodes[2:] {
			n.sequencer().Verdict(challenged(2))
		}
		time.Sleep(time.Second)
		want := []types.Verdict{challenged(1)}
		for i, n := range c.nodes {
			got := n.listed()
			if !slices.Equal(got, want) {
				t.Fatalf("node %d lists %v", i, got)
			}
		}
		c.nodes[2].kill()
		c.nodes[2].start(nil)
		time.Sleep(5 * time.Second)
		for _, n := range c.nodes {
			n.sequencer().Verdict(challenged(1))
		}
		c.nodes[1].sequencer().Verdict(challenged(2)) // the third
		time.Sleep(5 * time.Second)
		for i, n := range c.nodes {
			if got := n.listed(); !slices.Equal(got, append(want, challenged(2))) {
				t.Errorf("node %d lists %v in the end", i, got)
			}
		}
	})
}
