package e2e

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gethrpc "github.com/ethereum/go-ethereum/rpc"

	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/types"
)

// joinWithin bounds one join on a busy machine.
const joinWithin = 2 * time.Minute

// TestJoinAfterPruning runs a network of short epochs whose committee changed, until nobody has the bodies of the first blocks
// any more. A peer joins: it is killed as soon as it listens, while it fetches the state, while it builds it, and after it has
// it; the next run goes on, and ends with the others' states. So does a home that was a light client and becomes a peer.
func TestJoinAfterPruning(t *testing.T) {
	long(t)
	if !*thorough {
		t.Skip("takes two minutes: -args -long")
	}
	n := newNetwork(t, 5, "--candidates", "1", "--epoch-length", fmt.Sprint(epochLength), "--block-interval", "100ms",
		"--heartbeat", "100ms", "--challenge-window", "2s", "--light-absence", "10m")
	n.reshape(t, func(g *types.Genesis) {
		g.Retention = 6 * g.ChallengeWindow
		for i := range 10_000 { // so that a state takes a moment
			g.Alloc[fmt.Sprintf("0x77777777777777777777%020x", i)] = types.GenesisAccount{Balance: "0x1"}
		}
	})
	joiner := &peer{name: "sequencer-5", home: filepath.Join(n.dir, "sequencer-5")}
	n.sequencers = append(n.sequencers, joiner)
	n.startSequencers(t)
	watcher, leaver := n.sequencers[1], n.sequencers[2]
	entry := watcher.ready.Addrs
	prover := &peer{name: "prover-0", home: filepath.Join(n.dir, "prover-0")}
	prover.run(t, entry...)
	n.light.run(t, entry...)
	pay(t, newWallet(t, 1, n.genesis.ChainID, func(int) *gethrpc.Client { return watcher.client() }))

	joins, leaves := n.publicKey(t, joiner), n.publicKey(t, leaver)
	n.verb(t, new(struct{}), "bond", "--home", joiner.home, "--stake", "3")
	first := n.untilCommittee(t, func(c map[types.PublicKey]types.Stake) bool { return c[joins] == 3 })
	n.verb(t, new(struct{}), "unbond", "--home", leaver.home)
	second := n.untilCommittee(t, func(c map[types.PublicKey]types.Stake) bool { return c[leaves] == 0 })
	gone := rpc.Height(second+1) * epochLength
	n.settledFarAbove(t, gone)

	late := &peer{name: "late", home: filepath.Join(n.dir, "late")}
	mustRun(t, "init", "--role", "peer", "--genesis", filepath.Join(n.dir, "genesis.json"), "--home", late.home)
	for _, mark := range []string{"", "fetching the settled state from peers", "building the state that was fetched", "joining behind the newest block"} {
		late.flags = n.checkpoint(t)
		late.run(t, entry...)
		hit := late.says(mark)
		late.proc.kill()
		t.Logf("killed at %q: %t", mark, hit)
	}
	late.flags = n.checkpoint(t)
	late.run(t, entry...)
	late.arrives(t, gone)
	late.agrees(t, watcher)

	n.light.proc.interrupt(t)
	n.light.flags = append([]string{"--role", "peer"}, n.checkpoint(t)...)
	n.light.run(t, entry...)
	n.light.arrives(t, gone)
	n.light.agrees(t, watcher)
	t.Logf("the committee changed with epochs %d and %d", first, second)
}

// reshape changes the genesis of all homes.
func (n *network) reshape(t *testing.T, change func(*types.Genesis)) {
	t.Helper()
	change(n.genesis)
	encoded, err := n.genesis.Encode()
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(filepath.Dir(n.dir), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != "genesis.json" {
			return err
		}
		return os.WriteFile(path, encoded, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// settledFarAbove waits until a height has settled and the bodies of its blocks are past retention.
func (n *network) settledFarAbove(t *testing.T, h rpc.Height) {
	t.Helper()
	eventually(t, joinWithin, fmt.Sprintf("block %d settles", h), func() error {
		if s := n.sequencers[1].status(t); s.Settled < h {
			return fmt.Errorf("settled is %d of %d", s.Settled, s.Certified)
		}
		return nil
	})
	time.Sleep(time.Duration(n.genesis.Retention) * time.Microsecond)
}

// says waits for words in the log of the newest run; false: it joined without them.
func (p *peer) says(words string) bool {
	for begin := time.Now(); time.Since(begin) < joinWithin; time.Sleep(2 * time.Millisecond) {
		if strings.Contains(p.proc.log.String(), words) {
			return true
		}
		var s rpc.Status
		if p.ask(&s, "bedrock_status") == nil && s.Joining == nil && s.Height > 0 {
			return false
		}
	}
	return false
}

// arrives waits until a node is ready, and demands that it began with a state that was fetched, above a block.
func (p *peer) arrives(t *testing.T, gone rpc.Height) {
	t.Helper()
	took := eventually(t, joinWithin, p.name+" is ready", func() error {
		var s rpc.Status
		if err := p.ask(&s, "bedrock_status"); err != nil {
			<-p.proc.ended
			t.Fatalf("%s ended with exit code %d", p.name, p.proc.code)
		}
		if !s.Ready || s.Joining != nil {
			return fmt.Errorf("%d of %d executed, %+v, %+v", s.Height, s.Certified, s.Joining, s.Health)
		}
		return nil
	})
	var early *ethBlock
	p.mustAsk(t, &early, "eth_getBlockByNumber", gone, false)
	if early != nil {
		t.Errorf("%s executed block %d", p.name, gone)
	}
	t.Logf("%s was ready %v after its start", p.name, took.Round(time.Millisecond))
}

// agrees compares the newest 20 blocks with another node's.
func (p *peer) agrees(t *testing.T, other *peer) {
	t.Helper()
	newest := p.status(t).Height
	other.executesUpTo(t, newest)
	for h := newest - 20; h <= newest; h++ {
		var own, theirs *ethBlock
		p.mustAsk(t, &own, "eth_getBlockByNumber", h, false)
		other.mustAsk(t, &theirs, "eth_getBlockByNumber", h, false)
		if own == nil || theirs == nil || *own != *theirs {
			t.Fatalf("block %d is %+v at %s, %+v at %s", h, own, p.name, theirs, other.name)
		}
	}
}
