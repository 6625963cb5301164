package metrics

import (
	"fmt"
	"net/http"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Source gives the figures of one part. It is called at each scrape, by one goroutine at a time, and must not wait.
type Source func(s *Scrape)

// Registry is the metrics of one node. All methods are safe for concurrent use.
type Registry struct {
	prometheus *prometheus.Registry
	table      map[Name]*entry

	scraping sync.Mutex // one scrape at a time
	mu       sync.Mutex
	sources  []Source
}

// entry is a metric with what Prometheus needs of it. Of histogram and counter at most one is there: a counter only once
// something was added to it here.
type entry struct {
	Metric
	desc      *prometheus.Desc
	histogram *prometheus.HistogramVec
	counter   *prometheus.CounterVec
}

// New makes a registry of the whole table, and of the Go runtime's and the process's own metrics.
func New() *Registry {
	r := &Registry{prometheus: prometheus.NewRegistry(), table: make(map[Name]*entry)}
	for _, m := range Table() {
		e := &entry{Metric: m, desc: prometheus.NewDesc(string(m.Name), m.Help, m.labelNames(), nil)}
		switch m.Kind {
		case Histogram:
			e.histogram = prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: string(m.Name), Help: m.Help, Buckets: m.Buckets}, m.labelNames())
		case Counter:
			e.counter = prometheus.NewCounterVec(prometheus.CounterOpts{Name: string(m.Name), Help: m.Help}, m.labelNames())
		}
		r.table[m.Name] = e
	}
	r.prometheus.MustRegister(collector{r}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// Read adds a source of figures.
func (r *Registry) Read(s Source) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sources = append(r.sources, s)
}

// Observe notes one value of a histogram. A name or label that the table does not have is a mistake of the program, and
// panics; a test observes every histogram.
func (r *Registry) Observe(name Name, value float64, labels ...string) {
	r.known(name, Histogram, labels).histogram.WithLabelValues(labels...).Observe(value)
}

// Add adds to a counter that no part keeps; see Observe for mistakes. A name is either added to or read from a source.
func (r *Registry) Add(name Name, by float64, labels ...string) {
	r.known(name, Counter, labels).counter.WithLabelValues(labels...).Add(by)
}

func (r *Registry) known(name Name, kind Kind, labels []string) *entry {
	e := r.table[name]
	if e == nil || e.Kind != kind || !e.allows(labels) {
		panic(fmt.Sprintf("metrics: %s with labels %q is no %s of the table", name, labels, kind))
	}
	return e
}

// Registerer takes the metrics of libraries.
func (r *Registry) Registerer() prometheus.Registerer { return r.prometheus }

// Gatherer gives everything that a scrape gives.
func (r *Registry) Gatherer() prometheus.Gatherer { return r.prometheus }

// mostScrapes bounds the scrapes that run at once.
const mostScrapes = 4

// Handler serves the metrics.
func (r *Registry) Handler() http.Handler {
	return promhttp.HandlerFor(r.prometheus, promhttp.HandlerOpts{MaxRequestsInFlight: mostScrapes, ErrorHandling: promhttp.HTTPErrorOnError})
}
