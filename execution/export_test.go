package execution

// Crash drops the chain as a kill would: nothing that is only in memory is written.
func (c *Chain) Crash() error { return c.disk.Close() }

// SetDurableEvery changes the bound on lost state.
func (c *Chain) SetDurableEvery(n uint64) { c.config.DurableEvery = n }
