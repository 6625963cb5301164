package metrics

import (
	"fmt"
	"strings"
)

// Reference is docs/reference/metrics.md.
func Reference() string {
	var b strings.Builder
	b.WriteString("# Metrics\n\nA node serves these to Prometheus at `/metrics` on the address of the setting `metrics` (127.0.0.1:9848), with those of the Go\n" +
		"runtime (`go_`), of the process (`process_`) and of libp2p (`libp2p_`). What a node's role has no part in is absent. This page is\n" +
		"written from `node/metrics/table.go`; dashboards and alert rules that use it are in `deploy/`.\n")
	for _, g := range groups() {
		fmt.Fprintf(&b, "\n## %s\n\n| name | type | labels | what |\n| --- | --- | --- | --- |\n", g.title)
		for _, m := range g.metrics {
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.Name, m.Kind, labelText(m.Labels), m.Help)
		}
	}
	return b.String()
}

func labelText(labels []Label) string {
	var texts []string
	for _, l := range labels {
		text := "`" + l.Name + "`"
		if len(l.Values) > 0 {
			text += ": " + strings.Join(l.Values, ", ")
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, "; ")
}
