package node

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/node/health"
)

// TestConditionsOfASequencer: what it has to announce, and that its key is convicted.
func TestConditionsOfASequencer(t *testing.T) {
	n := quietNode(t, exectest.New(t, exectest.Bonded), Config{Key: exectest.PeerKey(1), Role: config.Sequencer})
	raises(t, n, health.NotReady, func() { n.ready.note("no ether") }, func() { n.ready.note("") })
	if i := slices.IndexFunc(n.conditions(), func(c condition) bool { return c.code == health.Convicted }); i < 0 {
		t.Error("a sequencer does not look whether it is convicted")
	}
	if convictedWords(consensus.Status{Convicted: true}) == "" || convictedWords(consensus.Status{}) != "" {
		t.Error("convicted is not what the core says")
	}
}

// TestConditionOfHistory: what was given up is told, what was never here is not.
func TestConditionOfHistory(t *testing.T) {
	n := quietNode(t, recent(t, time.Minute), Config{Key: exectest.PeerKey(30), Role: config.Peer})
	if i := slices.IndexFunc(n.conditions(), func(c condition) bool { return c.code == health.Pruned && c.words() == "" }); i < 0 {
		t.Error("a peer does not look whether history is given up, or says that it is")
	}
	if prunedWords(900, 900) != "" || prunedWords(0, 0) != "" {
		t.Error("what was before the state that was fetched is said to be given up")
	}
	if prunedWords(901, 900) == "" || prunedWords(1, 0) == "" {
		t.Error("history was given up, and nothing is said")
	}
}

// TestConditionOfAnOldProgram: most members that a node is connected to run a newer one.
func TestConditionOfAnOldProgram(t *testing.T) {
	s := recent(t, time.Minute)
	n := quietNode(t, s, Config{Key: exectest.PeerKey(30), Role: config.Light})
	var members []peer.ID
	for i := range 3 {
		m := quietNode(t, s, Config{Key: exectest.PeerKey(i), Role: config.Light})
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		err := n.host.Connect(ctx, peer.AddrInfo{ID: m.host.ID(), Addrs: m.host.Addrs()})
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		members = append(members, m.host.ID())
	}
	say := func(agent string) func() {
		return func() {
			for _, id := range members {
				if err := n.host.Peerstore().Put(id, "AgentVersion", agent); err != nil {
					t.Error(err)
				}
			}
		}
	}
	raises(t, n, health.OldVersion, say("bedrock/99.0"), say("bedrock/0.1"))
}
