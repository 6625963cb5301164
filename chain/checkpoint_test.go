package chain

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/etherscale/bedrock/types"
)

// epochs grows a chain over three changes of committee, each to a disjoint one.
func epochs(t *testing.T) *network {
	n := newNetwork(t).grow(10)
	for _, name := range []string{"second committee", "third committee", "fourth committee"} {
		n.endEpoch(name, 1)
		n.grow(5)
	}
	return n
}

func (n *network) checkpoint(h int) *types.Checkpoint {
	return &types.Checkpoint{Height: types.Height(h), Digest: n.digest(h)}
}

func at(cp *types.Checkpoint, light bool) func(*Config) {
	return func(cfg *Config) { cfg.Checkpoint, cfg.HeadersOnly = cp, light }
}

// after is a point in time long after a header.
func (n *network) after(h int, bonded float64) time.Time {
	return n.at(h).Time.Std().Add(time.Duration(bonded * float64(n.genesis.UnbondingDelay) * 1000))
}

// TestC1LightClientFollowsDisjointCommittees: from the genesis file to a committee none of whose members it names.
func TestC1LightClientFollowsDisjointCommittees(t *testing.T) {
	n := epochs(t)
	node := n.node(follow(newCrowd(n, honest, empty, forging)), at(nil, true))
	stop := start(t, node)
	await(t, node, "following", func() bool { return node.Head().Header.Height == 200 })
	stop()
	must(t, node.Epoch() == 3, "epoch %d", node.Epoch())
	committee, _ := node.Committee(3)
	for _, m := range newSigners("fourth committee", 4).members() {
		_, in := committee.Index(m.Key)
		must(t, in, "member %s is missing", m.Key)
	}
}

// TestC7StaleIsRefused: neither peers' headers nor a run are taken up on a head older than stake stays bonded.
func TestC7StaleIsRefused(t *testing.T) {
	n := epochs(t)
	node := n.node()
	_, err := node.AddHeaders(n.list[1:70])
	noError(t, err)
	noError(t, node.Fresh(n.after(69, 1)))
	if err := node.Fresh(n.after(69, 1.01)); !errors.Is(err, ErrStale) || !strings.Contains(err.Error(), "--checkpoint") {
		t.Fatalf("have %v", err)
	}
	// The same by the clock of this machine: the network's blocks lie in the past.
	n.genesis.Time = types.TimeOf(time.Now()) - types.Time(3*n.genesis.UnbondingDelay)
	n.genesis.Time -= n.genesis.Time % interval
	past := n.rebuilt()
	old := past.node(follow(newCrowd(past)))
	if err := old.Run(t.Context()); !errors.Is(err, ErrStale) {
		t.Fatalf("Run: %v", err)
	}
	if err := old.AddCertified(past.list[1]); !errors.Is(err, ErrStale) || old.Head().Header.Height != 0 {
		t.Fatalf("AddCertified: %v", err)
	}
	node = past.node(follow(newCrowd(past)), at(past.checkpoint(130), true))
	if err := node.Run(t.Context()); !errors.Is(err, ErrStale) || node.Head().Header.Height != 0 {
		t.Fatalf("a checkpoint that is too old itself: %v", err)
	}
}

// rebuilt is the same chain for a genesis file that was changed.
func (n *network) rebuilt() *network {
	header, err := n.genesis.Header()
	noError(n.t, err)
	again := &network{t: n.t, genesis: n.genesis, signers: newSigners("first committee", 4), data: [][]byte{nil},
		list: []types.CertifiedHeader{{Header: header}}}
	return again.grow(140)
}

// TestCheckpointStartsALightClient: it takes nothing before the checkpoint's header is here, begins there, and is the same
// after a restart.
func TestCheckpointStartsALightClient(t *testing.T) {
	n := epochs(t)
	cp := n.checkpoint(130)
	peers := newCrowd(n, empty, forging, honest, failing)
	node := n.node(follow(peers), at(cp, true))
	if err := node.AddCertified(n.list[1]); !errors.Is(err, ErrAhead) {
		t.Fatalf("before the checkpoint: %v", err)
	}
	stop := start(t, node)
	await(t, node, "following from the checkpoint", func() bool { return node.Head().Header.Height == 200 })
	stop()
	for range 2 {
		must(t, node.First() == 131 && node.Epoch() == 3, "first %d, epoch %d", node.First(), node.Epoch())
		_, below := node.Header(129)
		above, ok := node.Header(131)
		must(t, !below && ok && above.Header.Digest() == n.digest(131), "below %t, above %t", below, ok)
		must(t, len(node.HeadersFrom(130, 10)) == 0 && len(node.HeadersFrom(131, 10)) == 10, "it serves what it cannot prove")
		if err := node.AddCertified(n.list[50]); !errors.Is(err, ErrOld) {
			t.Fatalf("a header below the checkpoint: %v", err)
		}
		node = n.reopen(node)
	}
}

// TestCheckpointBindsFullNodes: they follow every header, and the one at the checkpoint's height must be that one.
func TestCheckpointBindsFullNodes(t *testing.T) {
	n := epochs(t)
	node := n.node(follow(newCrowd(n)), at(n.checkpoint(130), false))
	stop := start(t, node)
	await(t, node, "every block", func() bool { return node.BodiesHead() == 200 })
	stop()
	must(t, node.First() == 1, "first %d", node.First())

	// The committee of the second epoch, whose stake is free, shows another end of its epoch.
	other := newNetwork(t).grow(10)
	other.endEpoch("second committee", 1)
	other.grow(7)
	other.endEpoch("another committee", 1)
	forged := other.node(at(n.checkpoint(130), false))
	forged.pin = &n.list[130].Header
	added, err := forged.AddHeaders(other.list[1:])
	must(t, errors.Is(err, ErrCheckpoint) && added == 129, "%d added: %v", added, err)
	if _, err := forged.AddHeaders(other.list[130:]); !errors.Is(err, ErrCheckpoint) {
		t.Fatalf("following goes on: %v", err)
	}

	// One that had followed the other history before it got the checkpoint is told.
	misled := other.node()
	_, err = misled.AddHeaders(other.list[1:])
	noError(t, err)
	if _, err := Open(Config{Genesis: n.genesis, Store: misled.db, Checkpoint: n.checkpoint(130)}); !errors.Is(err, ErrCheckpoint) {
		t.Fatalf("a checkpoint that contradicts the store: %v", err)
	}
	for _, h := range []int{129, 64} {
		if _, err := Open(Config{Genesis: n.genesis, Store: misled.db, Checkpoint: n.checkpoint(h)}); !errors.Is(err, ErrCheckpoint) {
			t.Fatalf("height %d ends no epoch: %v", h, err)
		}
	}
}

// TestCheckpointIsWaitedFor: while no peer has its header, Run waits, and ends with its context.
func TestCheckpointIsWaitedFor(t *testing.T) {
	n := epochs(t)
	peers := newCrowd(n)
	peers.upTo.Store(100)
	node := n.node(follow(peers), at(n.checkpoint(130), true))
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := node.Run(ctx); !errors.Is(err, context.DeadlineExceeded) || node.Head().Header.Height != 0 {
		t.Fatalf("Run: %v, head %d", err, node.Head().Header.Height)
	}
}
