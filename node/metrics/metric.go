package metrics

import "slices"

// Name is the name of a metric in the table.
type Name string

// Kind is what Prometheus calls the type.
type Kind string

// The kinds.
const (
	Counter   Kind = "counter"
	Gauge     Kind = "gauge"
	Histogram Kind = "histogram"
)

// Metric is one row of the table.
type Metric struct {
	Name   Name
	Kind   Kind
	Help   string // one sentence for who reads a dashboard
	Labels []Label
	// Buckets are the upper bounds of a histogram's buckets, in the metric's unit.
	Buckets []float64
}

// Label is a label and all values that it has.
type Label struct {
	Name string
	// Values lists them; empty where the program's own build decides, which gives one value at a time.
	Values []string
}

func (m *Metric) labelNames() []string {
	names := make([]string, len(m.Labels))
	for i, l := range m.Labels {
		names[i] = l.Name
	}
	return names
}

// allows reports whether labels have such values.
func (m *Metric) allows(values []string) bool {
	if len(values) != len(m.Labels) {
		return false
	}
	for i, l := range m.Labels {
		if len(l.Values) > 0 && !slices.Contains(l.Values, values[i]) {
			return false
		}
	}
	return true
}
