package deploy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/etherscale/bedrock/node/metrics"
)

// The parts of a query. It is not PromQL's grammar: it is enough to find every name and label in it.
var (
	text     = regexp.MustCompile(`"[^"]*"`)
	selector = regexp.MustCompile(`\{([^{}]*)\}`)
	window   = regexp.MustCompile(`\[[^\[\]]*\]`)
	grouping = regexp.MustCompile(`\b(by|without|on|ignoring|group_left|group_right)\s*\(([^()]*)\)`)
	matcher  = regexp.MustCompile(`^\s*([a-z_]+)\s*(=~|=)\s*"([^"]*)"\s*$`)
	word     = regexp.MustCompile(`[A-Za-z_:][A-Za-z0-9_:]*(\{\})?`)
	number   = regexp.MustCompile(`\b[0-9.]+(e[0-9]+)?\b`)
)

// words of PromQL that are no metrics.
var functions = []string{"rate", "increase", "sum", "max", "min", "histogram_quantile", "deriv", "changes", "predict_linear", "time", "and", "or", "unless",
	"by", "without", "on", "ignoring", "group_left", "group_right"}

// outside are metrics and labels of others: of Prometheus itself and of the Go runtime.
var (
	outside       = regexp.MustCompile(`^(up|go_goroutines|go_memstats_heap_inuse_bytes|process_(resident_memory_bytes|cpu_seconds_total|open_fds))$`)
	outsideLabels = []string{"instance", "job"}
)

// problems says what is wrong with a query, and notes which metrics of the table it uses.
func problems(query string, used map[metrics.Name]bool) (wrong []string) {
	note := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if strings.Count(query, "(") != strings.Count(query, ")") || strings.Count(query, "{") != strings.Count(query, "}") {
		note("brackets do not match")
	}
	bare := grouping.ReplaceAllStringFunc(window.ReplaceAllString(query, ""), func(g string) string {
		for _, l := range strings.Split(grouping.FindStringSubmatch(g)[2], ",") {
			if l = strings.TrimSpace(l); l != "" && l != "le" && !slices.Contains(outsideLabels, l) && !anyHas(l) {
				note("label %q of %q is in no metric", l, g)
			}
		}
		return " "
	})
	var matchers []string
	bare = selector.ReplaceAllStringFunc(bare, func(s string) string {
		matchers = append(matchers, selector.FindStringSubmatch(s)[1])
		return "{}"
	})
	bare = number.ReplaceAllString(text.ReplaceAllString(bare, " "), " ")
	for _, w := range word.FindAllString(bare, -1) {
		name, selected := strings.CutSuffix(w, "{}")
		labels := ""
		if selected {
			labels, matchers = matchers[0], matchers[1:]
		}
		if slices.Contains(functions, name) || outside.MatchString(name) {
			continue
		}
		m, ok := find(name)
		if !ok {
			note("%s is not in the table", name)
			continue
		}
		used[m.Name] = true
		wrong = append(wrong, wrongMatchers(m, labels)...)
	}
	return wrong
}

// wrongMatchers checks the labels of a selector, and the values of those that are equal to a text.
func wrongMatchers(m metrics.Metric, labels string) (wrong []string) {
	for _, l := range strings.Split(labels, ",") {
		if strings.TrimSpace(l) == "" {
			continue
		}
		parts := matcher.FindStringSubmatch(l)
		if parts == nil {
			wrong = append(wrong, fmt.Sprintf("%s: %q is no matcher", m.Name, l))
			continue
		}
		if slices.Contains(outsideLabels, parts[1]) {
			continue
		}
		i := slices.IndexFunc(m.Labels, func(l metrics.Label) bool { return l.Name == parts[1] })
		switch {
		case i < 0:
			wrong = append(wrong, fmt.Sprintf("%s has no label %q", m.Name, parts[1]))
		case parts[2] == "=" && len(m.Labels[i].Values) > 0 && !slices.Contains(m.Labels[i].Values, parts[3]):
			wrong = append(wrong, fmt.Sprintf("%s: label %s is never %q", m.Name, parts[1], parts[3]))
		}
	}
	return wrong
}

// find is the row of a name; a histogram is asked for by its parts.
func find(name string) (metrics.Metric, bool) {
	for _, m := range metrics.Table() {
		if m.Kind != metrics.Histogram && string(m.Name) == name ||
			m.Kind == metrics.Histogram && slices.Contains([]string{"_bucket", "_sum", "_count"}, strings.TrimPrefix(name, string(m.Name))) {
			return m, true
		}
	}
	return metrics.Metric{}, false
}

func anyHas(label string) bool {
	return slices.ContainsFunc(metrics.Table(), func(m metrics.Metric) bool {
		return slices.ContainsFunc(m.Labels, func(l metrics.Label) bool { return l.Name == label })
	})
}

func check(t *testing.T, where, query string, used map[metrics.Name]bool) {
	t.Helper()
	before := len(used)
	for _, p := range problems(query, used) {
		t.Errorf("%s: %s: %s", where, query, p)
	}
	if before == 0 && len(used) == 0 && !strings.Contains(query, "up{") {
		t.Errorf("%s: %s uses no metric", where, query)
	}
}

// TestQueriesAreChecked shows that wrong queries are found, and right ones pass.
func TestQueriesAreChecked(t *testing.T) {
	for query, want := range map[string]string{
		`bedrock_nothing`:                 "not in the table",
		`rate(bedrock_order_seconds[5m])`: "not in the table", // a histogram has no value of its own
		`bedrock_height{stage="guessed"}`: "never",
		`bedrock_height{colour="red"}`:    "no label",
		`sum by (colour) (bedrock_peers)`: "in no metric",
		`bedrock_height{stage="settled"`:  "brackets",
		`rate(bedrock_order_seconds_bucket{le="1"}[5m]) + bedrock_order_rond{of="own"}`: "bedrock_order_rond",
		`median(bedrock_peers)`:            "median is not in the table",
		`bedrock_height{stage!="settled"}`: "no matcher",
	} {
		if got := strings.Join(problems(query, make(map[metrics.Name]bool)), "; "); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	for _, query := range []string{
		`histogram_quantile(0.99, sum by (le, instance) (rate(bedrock_order_seconds_bucket{instance=~"$instance"}[$__rate_interval]))) > 1e9`,
		`max(bedrock_height{stage="certified"}) - on () group_right () bedrock_height{stage="executed"}`,
		`time() - bedrock_start_time_seconds{instance=~".+", job="bedrock"}`,
	} {
		used := make(map[metrics.Name]bool)
		if got := problems(query, used); len(got) > 0 || len(used) != 1 {
			t.Errorf("%s: %q", query, got)
		}
	}
}
