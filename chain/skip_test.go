package chain

import (
	"testing"
	"time"

	"github.com/etherscale/bedrock/types"
)

// TestSkippedBodies: bodies that a fetched state makes needless are not fetched, those stored are removed, and following goes
// on above them, also after a restart.
func TestSkippedBodies(t *testing.T) {
	n := newNetwork(t).grow(120)
	peers := newCrowd(n)
	node := n.node(follow(peers), func(cfg *Config) { cfg.HoldBodies = true })
	stop := start(t, node)
	await(t, node, "headers", func() bool { return node.Head().Header.Height == 120 && node.IsLevel() })
	time.Sleep(20 * time.Millisecond)
	must(t, len(peers.asked) == 0 && node.BodiesHead() == 0, "%d bodies were asked for", len(peers.asked))
	noError(t, node.AddBody(3, n.data[3]))
	noError(t, node.AddBody(101, n.data[101]))
	noError(t, node.SkipBodies(100))
	must(t, node.BodiesHead() == 101 && node.PrunedHeight() == 100, "bodies %d, pruned %d", node.BodiesHead(), node.PrunedHeight())
	_, err := node.Body(3)
	must(t, err != nil, "a skipped body is still here")
	node.FetchBodies()
	node.FetchBodies()
	await(t, node, "bodies", func() bool { return node.BodiesHead() == 120 })
	stop()
	var want uint64
	for h := types.Height(101); h <= 120; h++ {
		want += uint64(len(n.data[h]))
		checkBlock(t, n, node, h)
	}
	must(t, node.progress.bodyBytes == want, "%d bytes counted, %d are there", node.progress.bodyBytes, want)
	for h := range peers.asked {
		must(t, h > 100, "body %d was asked for", h)
	}
	node = n.reopen(node)
	must(t, node.BodiesHead() == 120 && node.PrunedHeight() == 100, "after a restart: bodies %d, pruned %d", node.BodiesHead(), node.PrunedHeight())
	if err := node.SkipBodies(121); err == nil {
		t.Error("bodies above the head were skipped")
	}
}
