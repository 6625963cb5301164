package fraud

import "github.com/etherscale/bedrock/types"

// Begin starts over at a newer settled value that was learnt elsewhere, with the time of its header: headers are taken from
// the next one on, and assertions have to be offered again. What convicted provers is remembered. Older values are ignored.
func (t *Tracker) Begin(p Parent, at types.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p.Height <= t.settled.Height {
		return
	}
	config := t.config
	config.Base, config.Time = p, at
	fresh := NewTracker(config)
	for key, s := range t.provers {
		if s.convicted {
			fresh.provers[key] = &standing{convicted: true}
		}
	}
	t.config, t.settled, t.head, t.sampled = config, p, p.Height, p.Height
	t.clocks, t.steps, t.heights, t.said = fresh.clocks, fresh.steps, fresh.heights, fresh.said
	t.provers, t.known, t.past = fresh.provers, fresh.known, fresh.past
}
