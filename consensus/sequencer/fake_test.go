package sequencer

import (
	"sync"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

// scriptedCore answers events by a function and remembers them. It stands in for the ordering core where a test needs
// effects at a moment that the real one gives only by luck.
type scriptedCore struct {
	mu     sync.Mutex
	events []consensus.Event
	script func(ev consensus.Event) consensus.Effects
	err    error
	status consensus.Status
}

func (c *scriptedCore) Step(_ types.Time, ev consensus.Event) consensus.Effects {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, tick := ev.(consensus.Tick); !tick {
		c.events = append(c.events, ev)
	}
	if c.script == nil {
		return consensus.Effects{}
	}
	return c.script(ev)
}

func (c *scriptedCore) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

func (c *scriptedCore) Unordered() []types.BatchID { return nil }

// Ignores implements core.
func (c *scriptedCore) Ignores(types.BatchID, types.Round) bool { return false }

// Held implements core.
func (c *scriptedCore) Held() []types.BatchID { return nil }

func (c *scriptedCore) Status() consensus.Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.status
}

// seen lists the events of one type.
func seen[E consensus.Event](c *scriptedCore) (out []E) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, ev := range c.events {
		if e, ok := ev.(E); ok {
			out = append(out, e)
		}
	}
	return out
}
