package execution

import "strconv"

// Crash drops the chain as a kill would: nothing that is only in memory is written.
func (c *Chain) Crash() error { return c.disk.Close() }

// SetDurableEvery changes the bound on lost state.
func (c *Chain) SetDurableEvery(n uint64) { c.config.DurableEvery = n }

// BondSlots are the slots that genesis writes, by the names of the contract's variables.
func BondSlots() map[string]string {
	slots := map[string]string{}
	for name, slot := range map[string]int{"parameters": slotParameters, "accounted": slotAccounted, "bonds": slotBonds,
		"sequencers": slotSequencers, "serving": slotServing, "known": slotKnown} {
		slots[name] = strconv.Itoa(slot)
	}
	return slots
}
