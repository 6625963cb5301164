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

// listed are the verdicts in the headers that a node has certified, with their heights.
func (n *clusterNode) listed() (out []types.Verdict, at []types.Height) {
	for h := types.Height(1); h <= n.sequencer().Status().CertifiedHeight; h++ {
		if header, ok := n.blocks.Header(h); ok {
			for _, v := range header.Verdicts {
				out, at = append(out, v), append(at, h)
			}
		}
	}
	return out, at
}

// A verdict of three of four is listed once by all within a few seconds of an idle network, one of two never; who comes back
// and says it again changes nothing.
func TestVerdictIsListedAtAQuorum(t *testing.T) {
	inCluster(t, 4, func(c *cluster) {
		for _, n := range c.nodes {
			n.start(nil)
		}
		time.Sleep(20 * time.Second) // heartbeat pace
		began := now()
		for i, n := range c.nodes {
			if i > 0 && !n.sequencer().Verdict(challenged(1)) || i > 1 && !n.sequencer().Verdict(challenged(2)) {
				t.Fatalf("node %d does not take a verdict", i)
			}
		}
		time.Sleep(3 * time.Second)
		want := []types.Verdict{challenged(1)}
		for i, n := range c.nodes {
			got, at := n.listed()
			if !slices.Equal(got, want) {
				t.Fatalf("node %d lists %v", i, got)
			}
			if header, _ := n.blocks.Header(at[0]); header.Time > began.Add(1500*time.Millisecond) {
				t.Errorf("listed %v after it was said", header.Time.Std().Sub(began.Std()))
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
			if got, _ := n.listed(); !slices.Equal(got, append(want, challenged(2))) {
				t.Errorf("node %d lists %v in the end", i, got)
			}
		}
	})
}
