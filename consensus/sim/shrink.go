package sim

import "slices"

// Shrink looks for a smaller manifest that breaks the same invariant: it leaves out faults one by one, then calms the
// network and the load, then shortens the run. It plays at most the given number of runs.
func Shrink(m Manifest, failure *Failure, runs int) (Manifest, Result) {
	best, result := m, Run(m)
	try := func(change func(*Manifest)) bool {
		if runs--; runs < 0 {
			return false
		}
		smaller := best.clone()
		change(&smaller)
		if smaller.Validate() != nil {
			return false
		}
		r := Run(smaller)
		if r.Failure == nil || r.Failure.Invariant != failure.Invariant {
			return false
		}
		best, result = smaller, r
		return true
	}
	for shrunk := true; shrunk && runs > 0; {
		shrunk = false
		for _, change := range best.reductions() {
			shrunk = try(change) || shrunk
		}
	}
	return best, result
}

func (m *Manifest) clone() Manifest {
	c := *m
	c.Stakes = slices.Clone(m.Stakes)
	c.Partitions = slices.Clone(m.Partitions)
	c.Slow = slices.Clone(m.Slow)
	c.Crashes = slices.Clone(m.Crashes)
	c.Clocks = slices.Clone(m.Clocks)
	c.Liars = slices.Clone(m.Liars)
	c.Dead = slices.Clone(m.Dead)
	if m.Epochs != nil {
		e := *m.Epochs
		e.Changes = slices.Clone(e.Changes)
		c.Epochs = &e
	}
	for i := range c.Liars {
		if f := c.Liars[i].Forge; f != nil {
			copied := *f
			c.Liars[i].Forge = &copied
		}
	}
	return c
}

// reductions are changes that may make the manifest smaller. Each works on a copy of what the manifest has become.
func (m *Manifest) reductions() (out []func(*Manifest)) {
	add := func(f func(*Manifest)) { out = append(out, f) }
	add(func(m *Manifest) { m.Signed = false })
	add(func(m *Manifest) { m.Safety /= 2; m.dropLate() })
	add(func(m *Manifest) { m.Safety = m.Safety * 9 / 10; m.dropLate() })
	add(func(m *Manifest) { m.Partitions = nil })
	add(func(m *Manifest) { m.Slow = nil })
	add(func(m *Manifest) { m.Crashes = nil })
	add(func(m *Manifest) { m.Clocks = nil })
	add(func(m *Manifest) { m.Dead = nil })
	add(func(m *Manifest) { m.Network = Network{Delay: m.Network.Delay, Sigma: 20} })
	add(func(m *Manifest) { m.Network.Loss, m.Network.Duplicate = 0, 0 })
	add(func(m *Manifest) { m.Network.Spike, m.Network.SpikeTime = 0, 0 })
	add(func(m *Manifest) { m.Load = Load{Gap: m.Load.Gap} })
	add(func(m *Manifest) { m.Load.Gap = min(2*m.Load.Gap, 1000) })
	add(func(m *Manifest) { m.Pacing.Encode = 0 })
	for i := range m.Crashes {
		add(func(m *Manifest) { m.Crashes = without(m.Crashes, i) })
	}
	add(func(m *Manifest) { m.Windows = nil })
	add(func(m *Manifest) { m.Epochs = nil })
	if m.Epochs != nil {
		add(func(m *Manifest) {
			if m.Epochs != nil {
				m.Epochs.Upgrade = false
			}
		})
		for i := range m.Epochs.Changes {
			add(func(m *Manifest) {
				if m.Epochs != nil {
					m.Epochs.Changes = without(m.Epochs.Changes, i)
				}
			})
		}
	}
	for i := range m.Partitions {
		add(func(m *Manifest) { m.Partitions = without(m.Partitions, i) })
	}
	for i := range m.Liars {
		add(func(m *Manifest) { m.Liars = without(m.Liars, i) })
		add(func(m *Manifest) {
			if i < len(m.Liars) && m.Liars[i].Forge != nil {
				*m.Liars[i].Forge = Forge{Receipts: "true", Time: "clock", Twin: m.Liars[i].Forge.Twin}
			}
		})
	}
	return out
}

// dropLate leaves out what would begin after the first phase.
func (m *Manifest) dropLate() {
	m.Crashes = slices.DeleteFunc(m.Crashes, func(c Crash) bool { return c.At >= m.Safety })
	m.Partitions = slices.DeleteFunc(m.Partitions, func(p Partition) bool { return p.From >= m.Safety })
}

func without[T any](list []T, i int) []T {
	if i >= len(list) {
		return list
	}
	return slices.Delete(list, i, i+1)
}
