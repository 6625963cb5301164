package node

import (
	"slices"
	"strings"
	"sync"

	"github.com/etherscale/bedrock/fraud"
)

// ChallengeCount counts the challenges of one kind that came from others since the start.
type ChallengeCount struct {
	Kind      string `json:"kind"` // "kind-0": not even that could be read
	Received  uint64 `json:"received"`
	Upheld    uint64 `json:"upheld"`    // valid, and the first of what they prove
	Invalid   uint64 `json:"invalid"`   // their sender's fault
	Undecided uint64 `json:"undecided"` // nobody's fault: of another claim before, of a prover or an epoch not known here, too slow
}

// CourtStats is a snapshot for dashboards and metrics.
type CourtStats struct {
	Challenges []ChallengeCount `json:"challenges"` // ascending by name
	Busy       uint64           `json:"busy"`       // not looked at: too many waited
	Waiting    int              `json:"waiting"`    // now
	Stated     uint64           `json:"stated"`     // verdicts that this node has for its vertices
	Listed     uint64           `json:"listed"`     // verdicts in certified headers
	False      int              `json:"false"`      // of these, false ones; also from before the start
}

// CourtStats takes a snapshot; it is empty at nodes that verify nothing.
func (n *Node) CourtStats() CourtStats {
	if n.proofs == nil {
		return CourtStats{}
	}
	s := n.proofs.court.counts.snapshot()
	s.Waiting = n.proofs.court.docket.Waiting()
	list, _ := n.proofs.ledger.falseVerdicts()
	s.False = len(list)
	return s
}

// courtCounts are the numbers behind CourtStats.
type courtCounts struct {
	mu             sync.Mutex
	kinds          map[fraud.Kind]*ChallengeCount
	busy           uint64
	stated, listed uint64
}

// mostKinds bounds the kinds that are counted: strangers name any number.
const mostKinds = 16

// note changes the counts of a kind.
func (c *courtCounts) note(kind fraud.Kind, change func(*ChallengeCount)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kinds == nil {
		c.kinds = make(map[fraud.Kind]*ChallengeCount)
	}
	if kind >= mostKinds {
		kind = 0
	}
	if c.kinds[kind] == nil {
		c.kinds[kind] = &ChallengeCount{Kind: kind.String()}
	}
	change(c.kinds[kind])
}

func (c *courtCounts) noteBusy()   { c.add(&c.busy) }
func (c *courtCounts) noteStated() { c.add(&c.stated) }
func (c *courtCounts) noteListed() { c.add(&c.listed) }

func (c *courtCounts) add(to *uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	*to++
}

func (c *courtCounts) snapshot() CourtStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := CourtStats{Challenges: []ChallengeCount{}, Busy: c.busy, Stated: c.stated, Listed: c.listed}
	for _, count := range c.kinds {
		s.Challenges = append(s.Challenges, *count)
	}
	slices.SortFunc(s.Challenges, func(a, b ChallengeCount) int { return strings.Compare(a.Kind, b.Kind) })
	return s
}
