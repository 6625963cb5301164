package gossip

import (
	"slices"
	"strings"
	"sync/atomic"
)

type topicCounters struct {
	published, accepted, ignored, rejected atomic.Uint64
}

type counters struct {
	topics                    [4]topicCounters
	served, limited, pushesIn atomic.Uint64
	otherEpoch, wrong         atomic.Uint64
}

func topicIndex(t Topic) int {
	for i, x := range topics() {
		if x == t {
			return i
		}
	}
	return 0
}

// TopicStats counts the messages of one topic since the start.
type TopicStats struct {
	Topic     Topic  `json:"topic"`
	Peers     int    `json:"peers"` // connected peers that take part now
	Published uint64 `json:"published"`
	Accepted  uint64 `json:"accepted"`
	Ignored   uint64 `json:"ignored"`
	Rejected  uint64 `json:"rejected"`
}

// LinkStats is the state of the push stream to one other member.
type LinkStats struct {
	Peer      string `json:"peer"`
	Connected bool   `json:"connected"`
	Queued    int    `json:"queuedBytes"`
	Sent      uint64 `json:"sent"`    // messages
	Dropped   uint64 `json:"dropped"` // messages that a full queue pushed out
}

// Stats is a snapshot for dashboards and metrics.
type Stats struct {
	Topics        []TopicStats `json:"topics"`
	Links         []LinkStats  `json:"links"` // ascending by peer; empty at nodes outside the committee
	Served        uint64       `json:"served"`
	Limited       uint64       `json:"limited"` // requests refused over a limit
	Wrong         uint64       `json:"wrong"`   // answers and requests that no honest peer sends
	PushesIn      uint64       `json:"pushesIn"`
	OtherEpoch    uint64       `json:"otherEpoch"` // pushes of an epoch that is not live here
	InboundPushes int          `json:"inboundPushStreams"`
}

// Stats takes a snapshot.
func (g *Gossip) Stats() Stats {
	s := Stats{Served: g.counts.served.Load(), Limited: g.counts.limited.Load(), PushesIn: g.counts.pushesIn.Load(),
		OtherEpoch: g.counts.otherEpoch.Load(), Wrong: g.counts.wrong.Load()}
	for i, t := range topics() {
		c := &g.counts.topics[i]
		s.Topics = append(s.Topics, TopicStats{Topic: t, Peers: g.TopicPeers(t), Published: c.published.Load(),
			Accepted: c.accepted.Load(), Ignored: c.ignored.Load(), Rejected: c.rejected.Load()})
	}
	for _, l := range g.live.Load().links {
		s.Links = append(s.Links, l.stats())
	}
	slices.SortFunc(s.Links, func(a, b LinkStats) int { return strings.Compare(a.Peer, b.Peer) })
	g.inboundMu.Lock()
	s.InboundPushes = len(g.inbound)
	g.inboundMu.Unlock()
	return s
}
