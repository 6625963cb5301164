package sampling

import (
	"fmt"
	"sort"
	"time"

	"github.com/etherscale/bedrock/types"
)

// pruneEvery is how often what is too old is deleted.
const pruneEvery = time.Minute

// prune deletes receipts and states of blocks that are older than the retention time, and the oldest receipts beyond their
// number. States stay above Safe: they hold the rows that were drawn, and verdicts that are not to be forgotten.
func (c *Client) prune(now time.Time) error {
	head := c.cfg.Headers.Head().Header.Height
	old := types.Height(0) // blocks up to here are too old
	if c.cfg.Retention > 0 {
		old = c.before(types.TimeOf(now.Add(-c.cfg.Retention)), head)
	}
	if c.cfg.Receipts != nil {
		last := old
		if keep := types.Height(c.cfg.MaxReceipts); head > keep {
			last = max(last, head-keep)
		}
		if err := c.cfg.Receipts.Prune(last + 1); err != nil {
			return fmt.Errorf("sampling: prune receipts: %w", err)
		}
	}
	if err := c.cfg.Store.Prune(min(old, c.Safe()) + 1); err != nil {
		return fmt.Errorf("sampling: prune states: %w", err)
	}
	return nil
}

// before is the highest height of a block with a header time before limit; heights ascend with time.
func (c *Client) before(limit types.Time, head types.Height) types.Height {
	first := c.cfg.Headers.First()
	if head < first {
		return 0
	}
	n := sort.Search(int(head-first)+1, func(i int) bool {
		ch, ok := c.cfg.Headers.Header(first + types.Height(i))
		return ok && ch.Header.Time >= limit
	})
	return first + types.Height(n) - 1
}
