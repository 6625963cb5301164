package node

import (
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/node/health"
	"github.com/etherscale/bedrock/node/metrics"
	"github.com/etherscale/bedrock/node/p2p"
	"github.com/etherscale/bedrock/sampling"
	"github.com/etherscale/bedrock/types"
)

// meter keeps what a node tells about itself: its metrics, its health, and what both are made of that no other part keeps.
type meter struct {
	registry *metrics.Registry
	health   *health.Tracker
	executes bool // what light clients are told of blocks is no execution

	mu         sync.Mutex
	head       types.Height    // newest block at the last look
	heard      time.Time       // when the newest block came
	delays     []time.Duration // how old the newest blocks were when they came, by this machine's clock
	confidence float64         // of the newest verdict, in bits
	stalled    types.Height    // newest block whose data did not come; 0: none
	line       [2]lineSample   // what went over the line up to the last two looks, the older first
}

// delayWindow is of how many blocks the one that came fastest says how the clock stands.
const delayWindow = 16

func newMeter(r config.Role) *meter {
	return &meter{executes: r.Executes(), registry: metrics.New(), health: health.NewTracker(), heard: time.Now()}
}

// watch is the watcher that also counts.
func (m *meter) watch(next func(Fact)) func(Fact) {
	return func(f Fact) {
		m.note(f)
		next(f)
	}
}

func (m *meter) note(f Fact) {
	r := m.registry
	switch f := f.(type) {
	case Released:
		r.Observe(metrics.OrderSeconds, time.Since(f.FairTime.Std()).Seconds())
	case Certified:
		m.noteBlock(time.Since(f.Header.Time.Std()))
	case Executed:
		if !m.executes {
			return
		}
		r.Add(metrics.ExecutedBlocks, 1)
		r.Add(metrics.ExecutedTransactions, float64(f.Transactions-f.Skipped), "executed")
		r.Add(metrics.ExecutedTransactions, float64(f.Skipped), "skipped")
		r.Add(metrics.ExecutedGas, float64(f.GasUsed))
	case Asserted:
		r.Add(metrics.Assertions, 1)
	case Refuted:
		r.Add(metrics.Refutations, 1, challengeKind(f.Kind))
	}
}

// noteBlock notes a block that came by itself, so old.
func (m *meter) noteBlock(old time.Duration) {
	m.registry.Observe(metrics.CertifySeconds, old.Seconds())
	m.mu.Lock()
	defer m.mu.Unlock()
	m.heard = time.Now()
	if len(m.delays) == delayWindow {
		m.delays = m.delays[1:]
	}
	m.delays = append(m.delays, old)
}

// noteSampled notes a verdict.
func (m *meter) noteSampled(r sampling.Result) {
	if r.Verdict == sampling.Pending {
		return
	}
	m.registry.Add(metrics.SampledBlocks, 1, string(r.Verdict))
	m.registry.Add(metrics.SampledRows, float64(r.Answered), "correct")
	m.registry.Add(metrics.SampledRows, float64(r.Wrong), "wrong")
	m.registry.Add(metrics.SampledRows, float64(max(r.Asked-r.Answered-r.Wrong, 0)), "missing")
	m.mu.Lock()
	defer m.mu.Unlock()
	if r.Verdict != sampling.Available {
		m.stalled = max(m.stalled, r.Height)
		return
	}
	if m.stalled == r.Height {
		m.stalled = 0
	}
	m.confidence = -r.MissLog2
	m.registry.Observe(metrics.SamplingSeconds, r.Elapsed.Seconds())
}

// sure is how sure the newest verdict is, in bits; 0: there is none.
func (m *meter) sure() float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.confidence
}

// lineSample is what streams had sent and received at a time.
type lineSample struct {
	at    time.Time
	bytes int64
}

// noteLine samples the line.
func (m *meter) noteLine(t *p2p.Traffic) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.line[0], m.line[1] = m.line[1], lineSample{time.Now(), t.Total()}
}

// lineUse is what streams send and receive, in bytes a second, since the last look but one: some seconds ago.
func (m *meter) lineUse(t *p2p.Traffic) uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	from := m.line[0]
	took := time.Since(from.at)
	if from.at.IsZero() || took <= 0 {
		return 0
	}
	return uint64(float64(t.Total()-from.bytes) / took.Seconds())
}

// clockOffset is how far the machine's clock seems to be ahead of the committee's; false before enough blocks came. What the
// fastest of the newest blocks needed to come counts to it: less than a second where lines are not full.
func (m *meter) clockOffset() (time.Duration, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.delays) < delayWindow/4 {
		return 0, false
	}
	return slices.Min(m.delays), true
}

// silence is for how long no new block has come, by itself or in a row of fetched ones. It is told the newest height.
func (m *meter) silence(head types.Height) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	if head != m.head {
		m.head, m.heard = head, time.Now()
	}
	return time.Since(m.heard)
}

// readNode is what the node itself tells.
func (n *Node) readNode(s *metrics.Scrape) {
	s.Set(metrics.BuildInfo, 1, p2p.UserAgent, string(n.cfg.Role), string(n.cfg.Profile), runtime.Version())
	s.Set(metrics.StartTime, float64(n.since.Unix()))
	s.Flag(metrics.Ready, n.readiness().Ready)
	shown := make(map[health.ID]bool)
	for _, state := range n.health.Shown() {
		shown[state.ID] = true
	}
	for _, c := range health.Codes() {
		s.Flag(metrics.Health, shown[c.ID], string(c.ID), string(c.Severity))
	}
	if offset, ok := n.meter.clockOffset(); ok {
		s.Set(metrics.ClockOffset, offset.Seconds())
	}
}
