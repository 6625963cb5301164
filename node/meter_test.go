package node

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/node/health"
	"github.com/etherscale/bedrock/node/metrics"
)

// served are the names of the project's metrics that nodes give when they are scraped.
func served(t *testing.T, nodes ...*Node) map[metrics.Name]*dto.MetricFamily {
	t.Helper()
	out := make(map[metrics.Name]*dto.MetricFamily)
	for _, n := range nodes {
		families, err := n.metrics.Gatherer().Gather()
		if err != nil {
			t.Fatal(n.Role(), err)
		}
		for _, f := range families {
			out[metrics.Name(f.GetName())] = f
		}
	}
	return out
}

// rare are served only where something has happened that a short and healthy run does not bring about.
func rare() []metrics.Name {
	return []metrics.Name{
		metrics.LiveRows,                                                  // once a round of repair has looked at a block
		metrics.MemoryBudget, metrics.DiskBudget, metrics.BandwidthBudget, // where there is a bound
	}
}

// everyMetricIsServed demands each row of the table of some node.
func everyMetricIsServed(t *testing.T, nodes []*Node) {
	t.Helper()
	out := served(t, nodes...)
	for _, m := range metrics.Table() {
		if out[m.Name] == nil && !slices.Contains(rare(), m.Name) {
			t.Errorf("no node serves %s", m.Name)
		}
	}
}

// TestMetricsByRole: a node tells what its role has a part in, and no more.
func TestMetricsByRole(t *testing.T) {
	s := exectest.New(t, nil)
	light := served(t, quietNode(t, s, Config{Key: exectest.PeerKey(30), Role: config.Light}))
	for name, want := range map[metrics.Name]bool{
		metrics.Height: true, metrics.Ready: true, metrics.Peers: true, metrics.Confidence: true, metrics.Health: true, metrics.DiskFree: true,
		metrics.Rows: false, metrics.OrderRound: false, metrics.BaseFee: false, metrics.PoolBytes: false,
	} {
		if (light[name] != nil) != want {
			t.Errorf("a light client and %s: %v", name, light[name])
		}
	}
	bootstrap := served(t, quietNode(t, s, Config{Key: exectest.PeerKey(31), Role: config.Bootstrap}))
	if bootstrap[metrics.Rows] == nil || bootstrap[metrics.Confidence] != nil {
		t.Error("a bootstrap node keeps rows and does not sample")
	}
}

// TestMetricsAreServed: the address of the setting answers scrapes and probes, and keeps web pages out.
func TestMetricsAreServed(t *testing.T) {
	s := exectest.New(t, nil)
	n := quietNode(t, s, Config{Key: exectest.PeerKey(30), Role: config.Light, Metrics: "127.0.0.1:0"})
	ended := make(chan error, 1)
	go func() { ended <- n.exposed.run(t.Context()) }()
	ask := func(path string, host string) (int, string) {
		t.Helper()
		request, err := http.NewRequest(http.MethodGet, "http://"+n.MetricsAddr()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = host
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, string(body)
	}
	if code, body := ask("/metrics", ""); code != 200 || !strings.Contains(body, "\nbedrock_ready 0\n") || !strings.Contains(body, "libp2p_") || !strings.Contains(body, "process_") {
		t.Errorf("/metrics: %d, %d bytes", code, len(body))
	}
	if code, body := ask("/livez", ""); code != 200 || body != "ok\n" {
		t.Errorf("/livez: %d %q", code, body)
	}
	if code, body := ask("/readyz", ""); code != 503 || !strings.Contains(body, "[-]sampled failed") {
		t.Errorf("/readyz: %d %q", code, body)
	}
	if code, _ := ask("/", ""); code != 404 {
		t.Errorf("/: %d", code)
	}
	if code, _ := ask("/metrics", "attacker.example"); code != http.StatusForbidden {
		t.Errorf("a name that points here: %d", code)
	}
}

// TestMetricsMayMove: the usual address may be taken, one that was asked for may not.
func TestMetricsMayMove(t *testing.T) {
	s := exectest.New(t, nil)
	first := quietNode(t, s, Config{Key: exectest.PeerKey(30), Role: config.Light, Metrics: "127.0.0.1:0"})
	second := quietNode(t, s, Config{Key: exectest.PeerKey(31), Role: config.Light, Metrics: first.MetricsAddr(), MetricsMayMove: true})
	if second.MetricsAddr() == "" || second.MetricsAddr() == first.MetricsAddr() {
		t.Errorf("the second is at %q", second.MetricsAddr())
	}
	third, err := Open(Config{Genesis: s.Genesis, Key: exectest.PeerKey(32), Role: config.Light, Data: t.TempDir(), Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Metrics: first.MetricsAddr()})
	if err == nil {
		_ = third.Close()
		t.Fatal("two servers at one address")
	}
	if !strings.Contains(err.Error(), "choose another --metrics address, or off") {
		t.Error(err)
	}
}

// TestBudgetsAreTold: by status and metrics, where there are any.
func TestBudgetsAreTold(t *testing.T) {
	s := exectest.New(t, nil)
	free := quietNode(t, s, Config{Key: exectest.PeerKey(30), Role: config.Light})
	if list := free.budgets(); len(list) != 0 {
		t.Errorf("without: %+v", list)
	}
	n := quietNode(t, s, Config{Key: exectest.PeerKey(31), Role: config.Peer, Disk: 1 << 30, Bandwidth: 1 << 20})
	names := map[string]uint64{}
	for _, b := range n.budgets() {
		names[b.Name] = b.Budget
		if b.Name == "disk" && b.Used == 0 {
			t.Error("the data directory takes nothing")
		}
	}
	if len(names) != 3 || names["disk"] != 1<<30 || names["bandwidth"] != 1<<20 || names["rows"] == 0 {
		t.Errorf("%v", names)
	}
	out := served(t, n)
	if out[metrics.DiskBudget].GetMetric()[0].GetGauge().GetValue() != 1<<30 || out[metrics.DiskUsed] == nil || out[metrics.BandwidthBudget] == nil {
		t.Errorf("%v", out[metrics.DiskBudget])
	}
	budget := func(bytes int64) func() {
		return func() { n.cfg.Disk, n.diskLooked.at = bytes, time.Time{} } // what was measured a moment ago counts no more
	}
	raises(t, n, health.DiskFilling, budget(1<<10), budget(1<<30))
	n.meter.noteLine(n.host.Traffic())
	n.meter.noteLine(n.host.Traffic())
	n.host.Traffic().LogSentMessageStream(1<<20, "/meshsub/1.2.0", "")
	if n.meter.lineUse(n.host.Traffic()) == 0 {
		t.Error("a MiB sent is nothing a second")
	}
}
