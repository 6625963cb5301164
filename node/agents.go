package node

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/etherscale/bedrock/node/p2p"
)

// leastMembers is how many members of the committee have to be connected for their programs to say anything.
const leastMembers = 3

// isOld compares what the members call their programs with this one.
func (n *Node) isOld() string {
	committee := n.committeeOf(n.chain.Epoch())
	var agents []string
	for _, p := range n.host.Network().Peers() {
		if _, ok := memberAmong(committee, p); ok {
			agents = append(agents, n.agentOf(p))
		}
	}
	return newerWords(p2p.UserAgent, agents)
}

// newerWords says that more than half of the agents are newer than one's own; empty if they are not, or are few.
func newerWords(own string, agents []string) string {
	newer, example := 0, ""
	for _, a := range agents {
		if isNewer(a, own) {
			newer++
			example = a
		}
	}
	if len(agents) < leastMembers || 2*newer <= len(agents) {
		return ""
	}
	return fmt.Sprintf("this is %s; %d of %d members here run a newer one, as %s", own, newer, len(agents), example)
}

// isNewer reports whether the agent a is of a later version than b. What is no version is not.
func isNewer(a, b string) bool {
	first, ok := versionOf(a)
	second, known := versionOf(b)
	return ok && known && (first[0] > second[0] || first[0] == second[0] && first[1] > second[1])
}

// versionOf reads bedrock/MAJOR.MINOR, with anything behind the minor version.
func versionOf(agent string) (version [2]uint64, ok bool) {
	text, ours := strings.CutPrefix(agent, p2p.AgentName)
	if !ours {
		return version, false
	}
	parts := strings.SplitN(text, ".", 3)
	if len(parts) < 2 {
		return version, false
	}
	for i := range version {
		digits := parts[i]
		if end := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }); end >= 0 {
			digits = digits[:end]
		}
		n, err := strconv.ParseUint(digits, 10, 32)
		if err != nil {
			return version, false
		}
		version[i] = n
	}
	return version, true
}
