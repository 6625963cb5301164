package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/etherscale/bedrock/consensus"
)

// Decode reads a manifest from JSON and checks it. Unknown fields are errors: an old file must not mean something else.
func Decode(text []byte) (Manifest, error) {
	var m Manifest
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return m, fmt.Errorf("manifest: %w", err)
	}
	return m, m.Validate()
}

// maxChangeEpoch bounds the epochs in which committees may change.
const maxChangeEpoch = 1000

// Validate returns all that is wrong with the manifest, joined. More faults than the protocol stands are not wrong:
// then the run shows what breaks.
func (m *Manifest) Validate() error {
	var problems []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf("manifest: "+format, args...))
		}
	}
	need(m.n() >= 4 && m.n() <= 100, "stakes lists %d members, want 4 to 100", m.n())
	for i, s := range m.Stakes {
		need(s < 1<<32, "stakes: member %d has %d", i, s)
	}
	need(m.Safety > 0 && m.Heal > 0, "safetyMs and healMs must be above 0")
	need(m.Pacing.MinRound > 0 && m.Load.Gap > 0 && m.Load.Challenges >= 0, "pacing.minRoundMs and load.gapMs must be above 0, load.challenges not below")
	need(m.Network.Delay > 0 && m.Network.Spike >= 0 && m.Network.SpikeTime >= 0, "network: negative or missing delays")
	member := func(what string, i int) { need(i >= 0 && i < m.n(), "%s: no member %d", what, i) }
	if w := m.Windows; w != nil {
		need(w.Repeats > 0 && w.Transactions > 0 && w.Repeats < 1<<32, "windows: %d rounds and %d transactions must be above 0", w.Repeats, w.Transactions)
	}
	if e := m.Epochs; e != nil {
		need(e.Length > consensus.CommitteeLookback, "epochs: length %d is not above %d", e.Length, consensus.CommitteeLookback)
		for _, c := range e.Changes {
			member("epochs.changes", c.Member)
			need(c.Epoch > 0 && c.Epoch < maxChangeEpoch && c.Stake < 1<<32, "epochs.changes: epoch %d or stake %d", c.Epoch, c.Stake)
		}
	}
	if len(problems) == 0 {
		for epoch := range m.lastChange() + 1 {
			seated := 0
			for _, s := range m.stakesAt(epoch) {
				if s > 0 {
					seated++
				}
			}
			need(seated >= 4, "stakes: epoch %d has %d members, want 4", epoch, seated)
		}
	}
	for _, p := range m.Partitions {
		for _, a := range append(slices.Clone(p.A), p.B...) {
			member("partitions", a)
		}
	}
	for _, s := range m.Slow {
		member("slow", s.Member)
	}
	for _, c := range m.Crashes {
		member("crashes", c.Member)
		need(c.Keep >= 0 && c.Keep <= 100, "crashes: keep %d is not in 0..100", c.Keep)
	}
	for _, c := range m.Clocks {
		member("clocks", c.Member)
	}
	for _, d := range m.Dead {
		member("dead", d)
	}
	for _, l := range m.Liars {
		member("liars", l.Member)
		need(l.Kind != Forger || l.Forge != nil, "liars: the forger %d has no forge", l.Member)
	}
	return errors.Join(problems...)
}
