// Package deploy holds the dashboards and alert rules of deploy/ against the table of metrics.
package deploy

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/etherscale/bedrock/node/health"
	"github.com/etherscale/bedrock/node/metrics"
)

const folder = "../../deploy"

// TestDashboards parses every dashboard and checks every query.
func TestDashboards(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(folder, "grafana", "*.json"))
	if err != nil || len(paths) < 2 {
		t.Fatalf("dashboards: %q, %v", paths, err)
	}
	used, uids := make(map[metrics.Name]bool), make(map[string]bool)
	for _, path := range paths {
		encoded, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var board struct {
			UID, Title string
			Panels     []struct {
				ID          int
				Type, Title string
				GridPos     struct{ H, W, X, Y int }
				Targets     []struct{ RefID, Expr string }
			}
			Templating struct {
				List []struct{ Name, Definition string }
			}
		}
		if err := json.Unmarshal(encoded, &board); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if board.UID == "" || uids[board.UID] || board.Title == "" {
			t.Errorf("%s: uid %q, title %q", path, board.UID, board.Title)
		}
		uids[board.UID] = true
		ids := make(map[int]bool)
		for _, p := range board.Panels {
			where := filepath.Base(path) + ", " + p.Title
			if ids[p.ID] || p.GridPos.X+p.GridPos.W > 24 || p.GridPos.H == 0 {
				t.Errorf("%s: id %d twice, or out of the grid: %+v", where, p.ID, p.GridPos)
			}
			ids[p.ID] = true
			if p.Type != "row" && len(p.Targets) == 0 {
				t.Errorf("%s asks for nothing", where)
			}
			for _, q := range p.Targets {
				check(t, where, q.Expr, used)
			}
		}
	}
	if len(used) < 60 {
		t.Errorf("the dashboards show %d metrics only", len(used))
	}
}

// rule is an alert as Prometheus reads it.
type rule struct {
	Alert       string
	Expr        string
	For         string
	Labels      map[string]string
	Annotations map[string]string
}

// TestAlerts reads the rules strictly and checks every expression, and every health code that a text names.
func TestAlerts(t *testing.T) {
	encoded, err := os.ReadFile(filepath.Join(folder, "prometheus", "alerts.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Name  string
			Rules []rule
		}
	}
	decoder := yaml.NewDecoder(strings.NewReader(string(encoded)))
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			if !strings.HasPrefix(r.Alert, "Bedrock") || seen[r.Alert] {
				t.Errorf("%s/%s: an alert has a name of its own that begins with Bedrock", g.Name, r.Alert)
			}
			seen[r.Alert] = true
			if s := r.Labels["severity"]; s != "page" && s != "ticket" {
				t.Errorf("%s: severity %q", r.Alert, s)
			}
			if r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
				t.Errorf("%s says too little", r.Alert)
			}
			if r.For != "" && !regexp.MustCompile(`^[0-9]+[smh]$`).MatchString(r.For) {
				t.Errorf("%s: for %q", r.Alert, r.For)
			}
			check(t, r.Alert, r.Expr, make(map[metrics.Name]bool))
			for _, id := range regexp.MustCompile(`BR-[A-Z]+-[0-9]+`).FindAllString(r.Annotations["description"], -1) {
				if _, ok := health.Find(health.ID(id)); !ok {
					t.Errorf("%s names %s, which is no health code", r.Alert, id)
				}
			}
		}
	}
	if len(seen) < 20 {
		t.Errorf("%d alerts", len(seen))
	}
}

// TestOtherFilesParse reads what is not a rule and not a dashboard.
func TestOtherFilesParse(t *testing.T) {
	for path, want := range map[string]string{
		"prometheus/prometheus.yml":                       "127.0.0.1:9848",
		"grafana/provisioning/datasources/prometheus.yml": "prometheus",
		"grafana/provisioning/dashboards/bedrock.yml":     "bedrock",
	} {
		encoded, err := os.ReadFile(filepath.Join(folder, path))
		if err != nil {
			t.Fatal(err)
		}
		var any map[string]any
		if err := yaml.Unmarshal(encoded, &any); err != nil || len(any) == 0 || !strings.Contains(string(encoded), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestAlertsFire runs the rules against invented series, in Prometheus' own interpreter: where promtool is installed. What the series
// are called is checked everywhere.
func TestAlertsFire(t *testing.T) {
	path := filepath.Join(folder, "prometheus", "alerts_test.yml")
	encoded, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	series := regexp.MustCompile(`(?m)series: '([^']+)'`).FindAllStringSubmatch(string(encoded), -1)
	if len(series) < 20 {
		t.Errorf("%d series", len(series))
	}
	for _, s := range series {
		check(t, path, s[1], make(map[metrics.Name]bool))
	}
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("no promtool here")
	}
	for _, args := range [][]string{{"check", "config", filepath.Join(folder, "prometheus", "prometheus.yml")}, {"test", "rules", path}} {
		if out, err := exec.Command(promtool, args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}
