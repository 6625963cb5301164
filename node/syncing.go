package node

import (
	"fmt"
	"time"
)

// Stages of joining a network, in their order.
const (
	StageHeaders = "headers" // certified headers are followed
	StageState   = "state"   // a settled state is fetched from peers
	StageBuild   = "build"   // the tries of the fetched state are built
	StageBodies  = "bodies"  // blocks are waited for from peers
	StageBlocks  = "blocks"  // blocks are executed
	StageDone    = "done"
)

// Sync is how far a node that joins has come. Total of StageHeaders is an estimate by the time that the newest header bears; that
// of StageState is 1,000 and Done the thousandths of the state.
type Sync struct {
	Stage string `json:"stage"`
	Done  uint64 `json:"done"`
	Total uint64 `json:"total"`
}

// Sync is where the node stands.
func (n *Node) Sync() Sync {
	head := n.chain.Head().Header
	if r := n.restoring.Load(); r != nil {
		share, _, _ := r.Progress()
		if r.Whole() {
			return Sync{Stage: StageBuild}
		}
		return Sync{StageState, uint64(1000 * share), 1000}
	}
	if age := time.Since(head.Time.Std()); age > freshHead && n.chain.LevelFor() < levelPatience || n.chain.HoldsBodies() && n.exec != nil && head.Height > n.exec.Height()+executedNear {
		return headersSync(uint64(head.Height), head.Time.Std().Sub(n.chain.Genesis().Time.Std()), age)
	}
	if n.exec != nil {
		if done := n.exec.Height(); done+executedNear < head.Height {
			stage := StageBlocks
			if n.chain.BodiesHead() <= done {
				stage = StageBodies
			}
			return Sync{stage, uint64(done), uint64(head.Height)}
		}
	}
	return Sync{StageDone, uint64(head.Height), uint64(head.Height)}
}

// headersSync takes blocks to have come as fast since the newest known header as before it.
func headersSync(height uint64, since, age time.Duration) Sync {
	if height == 0 || since <= 0 {
		return Sync{Stage: StageHeaders}
	}
	return Sync{StageHeaders, height, height + uint64(float64(height)*float64(age)/float64(since))}
}

// Pace estimates from a series of looks how long a stage still takes. It says nothing before it has seen half a minute of it, and
// then a range: between the fastest and the slowest ten seconds of the last minute. People trust no single number that jumps.
type Pace struct {
	stage string
	looks []look
}

// look is what was done at a time.
type look struct {
	at   time.Time
	done uint64
}

// Windows of Pace.
const (
	paceStable = 30 * time.Second
	paceWindow = time.Minute
	paceStep   = 10 * time.Second
)

// Note adds a look; looks come in order of time.
func (p *Pace) Note(s Sync, now time.Time) {
	if s.Stage != p.stage {
		p.stage, p.looks = s.Stage, nil
	}
	if n := len(p.looks); n > 0 && now.Sub(p.looks[n-1].at) < paceStep {
		return
	}
	p.looks = append(p.looks, look{now, s.Done})
	for len(p.looks) > 1 && now.Sub(p.looks[0].at) > paceWindow {
		p.looks = p.looks[1:]
	}
}

// Left is between how long and how long the stage still takes; false: nobody can tell yet.
func (p *Pace) Left(s Sync) (least, most time.Duration, known bool) {
	n := len(p.looks)
	if n < 2 || s.Stage != p.stage || p.looks[n-1].at.Sub(p.looks[0].at) < paceStable || s.Total <= s.Done {
		return 0, 0, false
	}
	slow, fast := -1.0, 0.0
	for i := 1; i < n; i++ {
		rate := float64(p.looks[i].done-min(p.looks[i].done, p.looks[i-1].done)) / p.looks[i].at.Sub(p.looks[i-1].at).Seconds()
		if fast = max(fast, rate); slow < 0 || rate < slow {
			slow = rate
		}
	}
	if slow <= 0 {
		return 0, 0, false
	}
	seconds := func(rate float64) time.Duration {
		return (time.Duration(float64(s.Total-s.Done)/rate*float64(time.Second)) + time.Second - 1).Truncate(time.Second)
	}
	return seconds(fast), seconds(slow), true
}

var stageWords = map[string]string{
	StageHeaders: "following headers", StageState: "fetching the state", StageBuild: "building the state",
	StageBodies: "waiting for blocks from peers", StageBlocks: "executing blocks", StageDone: "up to date",
}

// Words says how a sync goes, with an estimate where there is one.
func (p *Pace) Words(s Sync) string {
	text := stageWords[s.Stage]
	if s.Stage == StageDone {
		return text
	}
	if s.Total > 0 {
		text += fmt.Sprintf(", %d %%", 100*s.Done/max(s.Total, 1))
	}
	if least, most, known := p.Left(s); known && least == most {
		return text + fmt.Sprintf(", about %v left", least)
	} else if known {
		return text + fmt.Sprintf(", about %v to %v left", least, most)
	}
	return text
}
