package load

import (
	"context"
	"encoding/json"
	"net/http"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/etherscale/bedrock/node/devnet"
	"github.com/etherscale/bedrock/types"
)

// BenchmarkIdle measures what the standard devnet of 11 nodes costs when nobody sends anything: heartbeat rounds, heartbeat
// blocks, gossip and the DHT's upkeep. Memory is that of the process, so it is run alone.
func BenchmarkIdle(b *testing.B) {
	const settle, length = 8 * time.Second, 20 * time.Second
	debug.FreeOSMemory() // of benchmarks before
	bare := usage().rss
	cfg := devnet.Config{Sequencers: 4, Provers: 1, Peers: 4, Lights: 1, Dir: b.TempDir(), RPC: "127.0.0.1:0", Payload: types.PayloadEthereum,
		ChallengeWindow: 10 * time.Second}
	d, err := devnet.Open(cfg)
	must(b, err)
	b.Cleanup(func() { noError(b, d.Close()) })
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx, nil, false) }()
	time.Sleep(settle)
	first := usage()
	time.Sleep(length)
	last := usage()
	height := blockNumber(b, d.Ready().RPC)
	nodes := float64(len(d.Ready().Nodes))
	goroutines := runtime.NumGoroutine()
	debug.FreeOSMemory()
	var heap runtime.MemStats
	runtime.ReadMemStats(&heap)
	cancel()
	noError(b, <-ended)
	cpu := 100 * (last.cpu - first.cpu).Seconds() / last.at.Sub(first.at).Seconds() / nodes
	if height < 2 {
		b.Fatalf("block %d after %s: a devnet that idles closes one every 10 s", height, settle+length)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(cpu, "cpu-%/node")
	b.ReportMetric((float64(last.rss)-float64(bare))/(1<<20)/nodes, "rss-MiB/node")
	b.ReportMetric(float64(heap.HeapAlloc)/(1<<20)/nodes, "live-heap-MiB/node")
	b.ReportMetric(float64(goroutines)/nodes, "goroutines/node")
	b.Logf("%.0f nodes in one process: %.2f %% of a core a node; %d MiB resident (%d MiB before), after a collection %d MiB live heap; %d goroutines",
		nodes, cpu, last.rss>>20, bare>>20, heap.HeapAlloc>>20, goroutines)
}

// blockNumber asks a node's RPC for its newest block: the devnet has to be alive to be measured.
func blockNumber(t testing.TB, url string) uint64 {
	t.Helper()
	answer, err := http.Post(url, "application/json", strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber","params":[]}`))
	must(t, err)
	defer answer.Body.Close()
	var reply struct{ Result string }
	must(t, json.NewDecoder(answer.Body).Decode(&reply))
	n, err := strconv.ParseUint(reply.Result, 0, 64)
	must(t, err)
	return n
}
