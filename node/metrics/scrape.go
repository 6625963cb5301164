package metrics

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// Scrape collects the figures of one scrape.
type Scrape struct {
	table map[Name]*entry
	out   chan<- prometheus.Metric
}

// Set gives the value of a gauge, or what a counter has counted. A mistake (a name, a kind or a label that the table does
// not have) fails the scrape with its reason.
func (s *Scrape) Set(name Name, value float64, labels ...string) {
	e := s.table[name]
	if e == nil || e.Kind == Histogram || !e.allows(labels) {
		err := fmt.Errorf("metrics: %s with labels %q is no gauge or counter of the table", name, labels)
		s.out <- prometheus.NewInvalidMetric(prometheus.NewInvalidDesc(err), err)
		return
	}
	kind := prometheus.GaugeValue
	if e.Kind == Counter {
		kind = prometheus.CounterValue
	}
	s.out <- prometheus.MustNewConstMetric(e.desc, kind, value, labels...)
}

// Flag gives a gauge that is 1 or 0.
func (s *Scrape) Flag(name Name, is bool, labels ...string) {
	value := 0.0
	if is {
		value = 1
	}
	s.Set(name, value, labels...)
}

// collector shows the registry's table to Prometheus.
type collector struct{ r *Registry }

var _ prometheus.Collector = collector{}

// Describe implements prometheus.Collector.
func (c collector) Describe(out chan<- *prometheus.Desc) {
	for _, e := range c.r.table {
		out <- e.desc
	}
}

// Collect implements prometheus.Collector.
func (c collector) Collect(out chan<- prometheus.Metric) {
	c.r.scraping.Lock()
	defer c.r.scraping.Unlock()
	c.r.mu.Lock()
	sources := c.r.sources[:len(c.r.sources):len(c.r.sources)]
	c.r.mu.Unlock()
	s := &Scrape{table: c.r.table, out: out}
	for _, read := range sources {
		read(s)
	}
	for _, e := range c.r.table {
		switch {
		case e.histogram != nil:
			e.histogram.Collect(out)
		case e.counter != nil:
			e.counter.Collect(out)
		}
	}
}
