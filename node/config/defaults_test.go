package config

import (
	"slices"
	"testing"
)

// TestDefaultsBesideOtherSettings: what is shown as a default is what a node with these settings takes.
func TestDefaultsBesideOtherSettings(t *testing.T) {
	for _, c := range []struct {
		role, profile string
		want          map[string]string
	}{
		{"peer", "", map[string]string{"profile": "home", "disk": "20GiB", "memory": "1GiB", "bandwidth": "100Mbit", "rpc": "127.0.0.1:8545", "log_level": "info", "sampling_rate": "no bound"}},
		{"peer", "pi", map[string]string{"profile": "pi", "disk": "8GiB", "memory": "512MiB", "bandwidth": "50Mbit"}},
		{"sequencer", "", map[string]string{"profile": "server", "disk": "200GiB", "bandwidth": "1000Mbit"}},
		{"bootstrap", "", map[string]string{"profile": "bootstrap", "disk": "50GiB", "rpc": "127.0.0.1:8547"}},
		{"light", "", map[string]string{"disk": "4GiB", "memory": "256MiB", "bandwidth": "20Mbit", "rpc": "127.0.0.1:8546", "log_level": "warn", "sampling_rate": "524288"}},
	} {
		l, err := layersOf(t, "role = '"+c.role+"'\n")
		if err != nil {
			t.Fatal(err)
		}
		if c.profile != "" {
			if err := l.Set("profile", []string{c.profile}, "--profile"); err != nil {
				t.Fatal(err)
			}
		}
		values := l.Values()
		for key, want := range c.want {
			i := slices.IndexFunc(values, func(v Value) bool { return v.Key == key })
			if got := values[i].Values; len(got) != 1 || got[0] != want {
				t.Errorf("%s %s: %s is %q, want %s", c.role, c.profile, key, got, want)
			}
		}
	}
}
