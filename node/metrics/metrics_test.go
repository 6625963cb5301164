package metrics

import (
	"flag"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/reference/metrics.md and testdata/names.txt anew")

// TestNames holds the rules of names, and the list of them: a name that goes away breaks somebody's dashboard.
func TestNames(t *testing.T) {
	form := regexp.MustCompile(`^bedrock_[a-z0-9]+(_[a-z0-9]+)*$`)
	var names []string
	for _, m := range Table() {
		name := string(m.Name)
		if !form.MatchString(name) {
			t.Errorf("%s: not a name of the form bedrock_...", name)
		}
		if (m.Kind == Counter) != strings.HasSuffix(name, "_total") {
			t.Errorf("%s is a %s: counters and only they end in _total", name, m.Kind)
		}
		if m.Kind == Histogram && (!strings.HasSuffix(name, "_seconds") || !slices.IsSorted(m.Buckets) || len(m.Buckets) == 0) {
			t.Errorf("%s: a histogram names its unit and has ascending buckets", name)
		}
		if m.Help == "" || !strings.HasSuffix(m.Help, ".") || strings.Contains(m.Help, "|") {
			t.Errorf("%s: its help %q is no sentence for a table", name, m.Help)
		}
		for _, l := range m.Labels {
			if len(l.Values) > 16 {
				t.Errorf("%s: label %s has %d values", name, l.Name, len(l.Values))
			}
		}
		names = append(names, name)
	}
	slices.Sort(names)
	if len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Error("a name is twice in the table")
	}
	matches(t, "testdata/names.txt", strings.Join(names, "\n")+"\n")
}

func TestReferencePage(t *testing.T) { matches(t, "../../docs/reference/metrics.md", Reference()) }

// matches compares a file with what it should be.
func matches(t *testing.T, path, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not what the table gives: `go test ./node/metrics -update`, and look at the difference", path)
	}
}

// TestScrapes serves every row of the table once, each with every value of its labels.
func TestScrapes(t *testing.T) {
	r := New()
	r.Read(func(s *Scrape) {
		for _, m := range Table() {
			if m.Kind != Histogram {
				each(m.Labels, nil, func(labels []string) { s.Set(m.Name, 7, labels...) })
			}
		}
	})
	for _, m := range Table() {
		if m.Kind == Histogram {
			each(m.Labels, nil, func(labels []string) { r.Observe(m.Name, 0.5, labels...) })
		}
	}
	w := httptest.NewRecorder()
	r.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("a scrape ends with %d: %s", w.Code, w.Body)
	}
	for _, m := range Table() {
		if !strings.Contains(w.Body.String(), "# TYPE "+string(m.Name)+" "+string(m.Kind)+"\n") {
			t.Errorf("%s is not served as a %s", m.Name, m.Kind)
		}
	}
	for _, want := range []string{`bedrock_height{stage="settled"} 7`, `bedrock_order_seconds_bucket{le="0.5"} 1`, "go_goroutines"} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("no line %q", want)
		}
	}
}

// each calls f with every combination of labels.
func each(labels []Label, sofar []string, f func([]string)) {
	if len(labels) == 0 {
		f(sofar)
		return
	}
	values := labels[0].Values
	if len(values) == 0 {
		values = []string{"any"}
	}
	for _, v := range values {
		each(labels[1:], append(slices.Clone(sofar), v), f)
	}
}

// TestAdds counts what no part keeps.
func TestAdds(t *testing.T) {
	r := New()
	r.Add(ExecutedGas, 21_000)
	r.Add(ExecutedGas, 21_000)
	if got := value(t, r, ExecutedGas); got != 42_000 {
		t.Fatalf("after adding 21,000 twice: %v", got)
	}
}

// TestMistakes fails a scrape with a name or a label that is not in the table, and panics where nobody would see it.
func TestMistakes(t *testing.T) {
	for what, source := range map[string]Source{
		"unknown name":  func(s *Scrape) { s.Set("bedrock_nothing", 1) },
		"unknown label": func(s *Scrape) { s.Set(Height, 1, "guessed") },
		"no label":      func(s *Scrape) { s.Set(Height, 1) },
		"a histogram":   func(s *Scrape) { s.Set(OrderSeconds, 1) },
		"twice":         func(s *Scrape) { s.Set(Epoch, 1); s.Set(Epoch, 1) },
	} {
		r := New()
		r.Read(source)
		if _, err := r.Gatherer().Gather(); err == nil {
			t.Errorf("%s: the scrape passes", what)
		}
	}
	for what, f := range map[string]func(*Registry){
		"observing a gauge":       func(r *Registry) { r.Observe(Epoch, 1) },
		"adding to a histogram":   func(r *Registry) { r.Add(OrderSeconds, 1) },
		"adding to an odd label":  func(r *Registry) { r.Add(SampledBlocks, 1, "guessed") },
		"adding to nothing known": func(r *Registry) { r.Add("bedrock_nothing", 1) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s passes", what)
				}
			}()
			f(New())
		}()
	}
}

func value(t *testing.T, r *Registry, name Name) float64 {
	t.Helper()
	families, err := r.Gatherer().Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == string(name) {
			return f.GetMetric()[0].GetCounter().GetValue() + f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("no %s", name)
	return 0
}
