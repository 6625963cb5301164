package doctor

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/etherscale/bedrock/node/health"
	"github.com/etherscale/bedrock/node/p2p"
	"github.com/etherscale/bedrock/rpc"
)

const install = "install the newest release, then start the node again"

// checkVersion compares this program with what peers run, and the rules of the network with those it knows.
func checkVersion(ctx context.Context, p *Patient) Finding {
	if s, err := p.status(); err == nil {
		if a := raised(s, health.RulesNewer); a != nil {
			f := fail(a.Title+": "+a.Detail, install)
			f.Code = health.RulesNewer
			return f
		}
	}
	return judgeVersions(p2p.UserAgent, p.agents(ctx))
}

// agents are the programs that peers say they run.
func (p *Patient) agents(ctx context.Context) (agents []string) {
	var peers []rpc.Peer
	if p.Node != nil && p.Node.Ask(ctx, &peers, "bedrock_peers", false) == nil {
		for _, peer := range peers {
			agents = append(agents, peer.Agent)
		}
	}
	if s, err := p.around(); err == nil {
		for _, c := range s.Contacts {
			agents = append(agents, c.Agent)
		}
	}
	return agents
}

// judgeVersions warns when more peers run a newer program than do not: the word of one is worth nothing.
func judgeVersions(own string, agents []string) Finding {
	ours, _ := versionOf(own)
	newer, known, newest := 0, 0, ours
	for _, agent := range agents {
		v, ok := versionOf(agent)
		if !ok {
			continue
		}
		known++
		if ours.before(v) {
			newer++
		}
		if newest.before(v) {
			newest = v
		}
	}
	switch {
	case known == 0:
		return pass("%s; no peer told what it runs", own)
	case 2*newer > known:
		return warn(fmt.Sprintf("%s; %d of %d peers run a newer one, up to %s", own, newer, known, newest), install)
	}
	return pass("%s; %d of %d peers run the same or an older one", own, known-newer, known)
}

// version is major.minor.patch.
type version [3]int

// versionOf reads a program's version out of what it calls itself: name/1.2 or name/1.2.3, maybe with more after a blank or a dash.
func versionOf(agent string) (v version, ok bool) {
	rest, ok := strings.CutPrefix(agent, "bedrock/")
	if !ok {
		return v, false
	}
	rest, _, _ = strings.Cut(rest, " ")
	rest, _, _ = strings.Cut(rest, "-")
	parts := strings.Split(strings.TrimPrefix(rest, "v"), ".")
	if len(parts) > len(v) {
		return v, false
	}
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 16)
		if err != nil {
			return v, false
		}
		v[i] = int(n)
	}
	return v, true
}

func (v version) before(w version) bool {
	for i := range v {
		if v[i] != w[i] {
			return v[i] < w[i]
		}
	}
	return false
}

// String is as people write it.
func (v version) String() string {
	if v[2] == 0 {
		return fmt.Sprintf("%d.%d", v[0], v[1])
	}
	return fmt.Sprintf("%d.%d.%d", v[0], v[1], v[2])
}
