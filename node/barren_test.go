package node

import (
	"testing"
	"time"

	"github.com/etherscale/bedrock/types"
)

// An idle ledger is asked about less and less; the first block with data, or an assertion that came, ends that.
func TestWhatNobodyHasIsAskedForWithGrowingPauses(t *testing.T) {
	var b barren
	var full types.Height
	holds := func(h types.Height) bool { return h == full }
	asked := 0
	now := time.Unix(0, 0)
	var gap, longest time.Duration
	for second := range 3600 { // a block every 10 s
		last := types.Height(second / 10)
		if now = now.Add(time.Second); b.waits(1, last, now, holds) {
			gap += time.Second
			longest = max(longest, gap)
			continue
		}
		asked++
		gap = 0
		b.again(now)
	}
	if asked < 3600/120 || asked > 45 {
		t.Errorf("asked %d times in an idle hour, want once in two minutes", asked)
	}
	if longest > mostBarren {
		t.Errorf("%s without a question", longest)
	}
	full = 361
	if !b.waits(1, 360, now, holds) {
		t.Error("asked again at once about an idle ledger")
	}
	if b.waits(1, 362, now, holds) {
		t.Error("a block with data is not asked about at once")
	}
	if b.again(now); !b.waits(1, 362, now, holds) || b.waits(1, 362, now.Add(inquireEvery), holds) {
		t.Error("the pauses do not begin anew behind a block with data")
	}
	b.again(now)
	if b.waits(5, 362, now, holds) {
		t.Error("the blocks behind an assertion that came are not asked about at once")
	}
}
