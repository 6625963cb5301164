package node

import (
	"sync"
	"time"

	"github.com/etherscale/bedrock/rpc"
)

// joined follows how the node comes near the newest block after its start. It is there once; what happens later is for the
// health codes to say.
type joined struct {
	mu   sync.Mutex
	pace Pace
	done bool
}

// Joining is how far the node has come since its start, with words for it and, where it can be told, how long it still takes;
// Stage is StageDone once it was near the newest block.
func (n *Node) Joining() (s Sync, words string, least, most time.Duration) {
	s = n.Sync()
	j := &n.joined
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.done = j.done || s.Stage == StageDone; j.done {
		s.Stage = StageDone
	}
	j.pace.Note(s, time.Now())
	least, most, _ = j.pace.Left(s)
	return s, j.pace.Words(s), least, most
}

// stillJoining is why answers about the newest state would be outdated; empty when they are not.
func (n *Node) stillJoining() string {
	s, words, _, _ := n.Joining()
	if s.Stage == StageDone {
		return ""
	}
	return words
}

// joiningStatus is Joining for a status; nil once the node is there.
func (n *Node) joiningStatus() *rpc.Joining {
	s, words, least, most := n.Joining()
	if s.Stage == StageDone {
		return nil
	}
	return &rpc.Joining{Stage: s.Stage, Done: s.Done, Total: s.Total, Text: words, LeastSeconds: uint64(least.Seconds()), MostSeconds: uint64(most.Seconds())}
}
