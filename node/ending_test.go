package node

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/etherscale/bedrock/chain"
	"github.com/etherscale/bedrock/consensus/sequencer"
	"github.com/etherscale/bedrock/node/health"
	"github.com/etherscale/bedrock/store"
)

// TestLastWords: what ends a node has a code in its log, and is returned as it was.
func TestLastWords(t *testing.T) {
	for _, c := range []struct {
		err  error
		want health.ID
	}{
		{fmt.Errorf("ordering: %w", sequencer.ErrTwin), health.Twin},
		{fmt.Errorf("ordering: %w", sequencer.ErrOldCopy), health.Twin},
		{fmt.Errorf("chain: %w", store.ErrDiskFull), health.DiskFull},
		{fmt.Errorf("disk: %w", ErrDiskBudget), health.DiskFull},
		{fmt.Errorf("chain: %w", chain.ErrRuleVersion), health.RulesNewer},
		{fmt.Errorf("chain: %w", chain.ErrStale), health.CheckpointOld},
		{errors.New("something else"), ""},
		{nil, ""},
	} {
		var log strings.Builder
		n := &Node{health: health.NewTracker(), log: slog.New(slog.NewTextHandler(&log, nil))}
		if got := n.ended(c.err); got != c.err {
			t.Errorf("%v comes back as %v", c.err, got)
		}
		if named := strings.Contains(log.String(), "code="+string(c.want)+" "); named != (c.want != "") {
			t.Errorf("%v: %q", c.err, log.String())
		}
	}
}
