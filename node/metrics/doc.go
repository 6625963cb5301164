// Package metrics is what a node tells Prometheus: one table of names, and a registry that takes nothing else.
//
// Figures that a part keeps anyway are read when somebody scrapes: the part gives a Source. Only what has no memory of its
// own (how long something took, how often it came to which end) is noted as it happens, with Observe and Add. So a node
// that nobody scrapes pays next to nothing.
//
// Rules of the table, held by tests: names begin with bedrock_ and end in their unit (_seconds, _bytes, ...), counters in
// _total; labels have few values, all known beforehand, and never a peer, an address or a hash. Names stay: dashboards and
// alerts of others rest on them. deploy/ and docs/reference/metrics.md are checked against the table.
//
// table.go lists everything, registry.go keeps and serves, scrape.go is what a Source fills, reference.go writes the page.
package metrics
