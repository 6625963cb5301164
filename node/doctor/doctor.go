// Package doctor examines the machine, its line and the home of a node: what `bedrock doctor` does. Each check measures one thing
// and says in a sentence how it is, and what to do next where it is not well. Checks run side by side, each at most for a stated
// time, and change nothing: what they write they remove.
//
// A running node is asked what it knows; what it does not know, or when none runs, is measured here. The codes are those of
// node/health, so each has its section in docs/reference/health.md.
//
// Files: one for each check (clock.go, disk.go, ...); doctor.go (Run), patient.go (what they examine).
package doctor

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/etherscale/bedrock/node/health"
)

// Verdict is how well something is.
type Verdict string

// The verdicts, from good to bad.
const (
	Pass Verdict = "PASS"
	Warn Verdict = "WARN" // the node works, and something could be better
	Fail Verdict = "FAIL" // the node does not work, or soon will not
)

func (v Verdict) rank() int { return slices.Index([]Verdict{Pass, Warn, Fail}, v) }

// Finding is the outcome of one check.
type Finding struct {
	Code    health.ID `json:"code"`
	Name    string    `json:"name"`
	Verdict Verdict   `json:"verdict"`
	Text    string    `json:"text"`
	Next    string    `json:"next"` // what to do, a command where there is one; empty: nothing
}

// check is one row of the table. Its finding bears the code unless it names another.
type check struct {
	name     string
	code     health.ID
	patience time.Duration
	run      func(ctx context.Context, p *Patient) Finding
}

const (
	quick = 8 * time.Second  // for what this machine alone can tell
	slow  = 25 * time.Second // for what takes others: AutoNAT needs about fifteen seconds
)

func checks() []check {
	return []check{
		{"clock", health.ClockSkew, quick, checkClock},
		{"disk", health.DiskFilling, quick, checkDisk},
		{"files", health.FewFiles, quick, checkFiles},
		{"udp", health.SmallBuffers, quick, checkUDP},
		{"keys", health.OpenKeys, quick, checkKeys},
		{"config", health.BadConfig, quick, checkConfig},
		{"database", health.BadDatabase, slow, checkDatabase},
		{"bootstrap", health.NoBootstrap, slow, checkBootstrap},
		{"version", health.OldVersion, slow, checkVersion},
		{"ipv6", health.NoIPv6, quick, checkIPv6},
		{"mapping", health.NoPortMapping, slow, checkMapping},
		{"cgnat", health.SharedAddress, slow, checkCGNAT},
		{"reachability", health.Unreachable, slow, checkReachability},
	}
}

// Names lists the checks, as --only takes them.
func Names() []string {
	var names []string
	for _, c := range checks() {
		names = append(names, c.name)
	}
	return names
}

// Run makes the checks that are named, all if none is, and returns what they found, the worst last.
func Run(ctx context.Context, p *Patient, only ...string) ([]Finding, error) {
	chosen := checks()
	for _, name := range only {
		if !slices.Contains(Names(), name) {
			return nil, fmt.Errorf("there is no check %q", name)
		}
	}
	if len(only) > 0 {
		chosen = slices.DeleteFunc(chosen, func(c check) bool { return !slices.Contains(only, c.name) })
	}
	p.begin(ctx)
	findings := make([]Finding, len(chosen))
	var group sync.WaitGroup
	for i, c := range chosen {
		group.Go(func() { findings[i] = c.within(ctx, p) })
	}
	group.Wait()
	slices.SortStableFunc(findings, func(a, b Finding) int { return cmp.Compare(a.Verdict.rank(), b.Verdict.rank()) })
	return findings, nil
}

// within runs the check and answers for it when its time is over. What it still does then ends with the program.
func (c check) within(ctx context.Context, p *Patient) Finding {
	ctx, cancel := context.WithTimeout(ctx, c.patience)
	defer cancel()
	done := make(chan Finding, 1)
	go func() { done <- c.run(ctx, p) }()
	var f Finding
	select {
	case f = <-done:
	case <-time.After(c.patience + time.Second):
		f = warn(fmt.Sprintf("no result within %.0f s", c.patience.Seconds()), "bedrock doctor --only "+c.name)
	}
	f.Name = c.name
	if f.Code == "" {
		f.Code = c.code
	}
	return f
}

func pass(format string, args ...any) Finding {
	return Finding{Verdict: Pass, Text: fmt.Sprintf(format, args...)}
}

func warn(text, next string) Finding { return Finding{Verdict: Warn, Text: text, Next: next} }

func fail(text, next string) Finding { return Finding{Verdict: Fail, Text: text, Next: next} }

// Worst is the worst verdict of all.
func Worst(findings []Finding) Verdict {
	worst := Pass
	for _, f := range findings {
		if f.Verdict.rank() > worst.rank() {
			worst = f.Verdict
		}
	}
	return worst
}
