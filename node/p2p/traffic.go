package p2p

import (
	"strings"
	"sync/atomic"
	"time"

	p2pmetrics "github.com/libp2p/go-libp2p/core/metrics"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
)

// Traffic counts the bytes of streams by what they are for. libp2p's own counter keeps a rate for each peer and protocol, and
// wakes up every second for them; this one only adds.
type Traffic struct {
	in, out [trafficUses]atomic.Uint64
}

// What streams are for.
const (
	useGossip = iota
	useOrdering
	useBlocks
	useTransactions
	useProofs
	useRows
	useSnapshot
	useRouting
	useConnecting // libp2p's own: identify, reachability, relays, hole punching
	trafficUses
)

// uses are the names that the table of metrics has for them.
func uses() [trafficUses]string {
	return [trafficUses]string{"gossip", "ordering", "blocks", "transactions", "proofs", "rows", "snapshot", "routing", "connecting"}
}

// CarriesRows reports whether a protocol is that of rows.
func CarriesRows(id protocol.ID) bool { return useOf(id) == useRows }

// useOf is what a protocol is for.
func useOf(id protocol.ID) int {
	text := string(id)
	if strings.HasPrefix(text, "/meshsub/") || strings.HasPrefix(text, "/floodsub/") {
		return useGossip
	}
	rest, ours := strings.CutPrefix(text, protocolPrefix)
	if !ours {
		return useConnecting
	}
	_, name, _ := strings.Cut(rest, "/") // behind the network's id
	name, _, _ = strings.Cut(name, "/")
	switch name {
	case "dag", "dagfetch":
		return useOrdering
	case "block":
		return useBlocks
	case "tx":
		return useTransactions
	case "state":
		return useProofs
	case "row":
		return useRows
	case "snapshot":
		return useSnapshot
	case "kad":
		return useRouting
	}
	return useConnecting
}

var _ p2pmetrics.Reporter = (*Traffic)(nil)

// LogSentMessageStream implements metrics.Reporter.
func (t *Traffic) LogSentMessageStream(n int64, id protocol.ID, _ peer.ID) {
	t.out[useOf(id)].Add(uint64(n))
}

// LogRecvMessageStream implements metrics.Reporter.
func (t *Traffic) LogRecvMessageStream(n int64, id protocol.ID, _ peer.ID) {
	t.in[useOf(id)].Add(uint64(n))
}

// LogSentMessage implements metrics.Reporter; LogSentMessageStream counts the same bytes.
func (t *Traffic) LogSentMessage(int64) {}

// LogRecvMessage implements metrics.Reporter; LogRecvMessageStream counts the same bytes.
func (t *Traffic) LogRecvMessage(int64) {}

// GetBandwidthTotals implements metrics.Reporter, without rates.
func (t *Traffic) GetBandwidthTotals() (s p2pmetrics.Stats) {
	for use := range trafficUses {
		s.TotalIn += int64(t.in[use].Load())
		s.TotalOut += int64(t.out[use].Load())
	}
	return s
}

// Total is all that was sent and received, in bytes.
func (t *Traffic) Total() int64 {
	s := t.GetBandwidthTotals()
	return s.TotalIn + s.TotalOut
}

// GetBandwidthForPeer implements metrics.Reporter; nothing is kept by peer.
func (t *Traffic) GetBandwidthForPeer(peer.ID) p2pmetrics.Stats { return p2pmetrics.Stats{} }

// GetBandwidthForProtocol implements metrics.Reporter; nothing is kept by protocol.
func (t *Traffic) GetBandwidthForProtocol(protocol.ID) p2pmetrics.Stats { return p2pmetrics.Stats{} }

// GetBandwidthByPeer implements metrics.Reporter; see GetBandwidthForPeer.
func (t *Traffic) GetBandwidthByPeer() map[peer.ID]p2pmetrics.Stats { return nil }

// GetBandwidthByProtocol implements metrics.Reporter; see GetBandwidthForProtocol.
func (t *Traffic) GetBandwidthByProtocol() map[protocol.ID]p2pmetrics.Stats { return nil }

// Reset implements metrics.Reporter: counters of this program never go back.
func (t *Traffic) Reset() {}

// TrimIdle implements metrics.Reporter; there is nothing to trim.
func (t *Traffic) TrimIdle(time.Time) {}

// Each gives what was received and sent for each use, by its name in the table of metrics.
func (t *Traffic) Each(give func(use string, in, out uint64)) {
	for use, name := range uses() {
		give(name, t.in[use].Load(), t.out[use].Load())
	}
}
