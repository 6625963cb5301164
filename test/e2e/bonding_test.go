package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gethrpc "github.com/ethereum/go-ethereum/rpc"

	"github.com/etherscale/bedrock/node"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/types"
)

// TestBondedCommittee runs a network whose committee follows from its bonds, under load, while a light client follows:
//   - a sixth sequencer, of which the genesis knows nothing, bonds, announces itself, and serves from the next epoch on;
//   - one of the first five asks to leave, serves no more, and gets its stake back after the delay.
//
// Wallets' transactions are executed all the time, and every place in the order can be recomputed.
func TestBondedCommittee(t *testing.T) {
	long(t)
	n := newNetwork(t, 5, "--candidates", "1", "--epoch-length", fmt.Sprint(epochLength), "--block-interval", "100ms",
		"--heartbeat", "100ms", "--challenge-window", "2s", "--light-absence", "12s")
	joiner := &peer{name: "sequencer-5", home: filepath.Join(n.dir, "sequencer-5")}
	n.sequencers = append(n.sequencers, joiner)
	n.startSequencers(t)
	watcher, leaver := n.sequencers[1], n.sequencers[2]
	n.light.run(t, watcher.ready.Addrs...)
	sight, began := watch(t, n.light), time.Now()
	entry := func(int) *gethrpc.Client { return watcher.client() }
	wallets := []*wallet{newWallet(t, 1, n.genesis.ChainID, entry), newWallet(t, 3, n.genesis.ChainID, entry)}
	load := sendAll(t, 100*time.Millisecond, wallets...)
	joins, leaves := n.publicKey(t, joiner), n.publicKey(t, leaver)

	var bonded struct {
		Accepted bool    `json:"accepted"`
		Bond     ownBond `json:"bond"`
	}
	n.verb(t, &bonded, "bond", "--home", joiner.home, "--stake", "3")
	if b := bonded.Bond; !bonded.Accepted || b.Role != "sequencer" || b.State != "active" || b.Stake != "3" || b.Serves {
		t.Fatalf("bonded: %+v", bonded)
	}
	var change struct {
		Bond ownBond `json:"bond"`
	}
	n.verb(t, &change, "unbond", "--home", leaver.home)
	if change.Bond.State != "leaving" || change.Bond.Next {
		t.Fatalf("unbonded: %+v", change)
	}
	second := n.untilCommittee(t, func(c map[types.PublicKey]types.Stake) bool { return c[joins] == 3 && c[leaves] == 0 })
	n.serves(t, watcher, joiner, second)
	n.standsAs(t, joiner, "active", true)

	n.paidBack(t, leaver)

	load.end()
	load.settleMended(t, watcher.client(), settleWithin)
	n.checkStates(t)
	for _, e := range []types.Epoch{0, second} {
		n.checkAudit(t, watcher, wallets[0], e)
	}
	n.checkHeaders(t, []types.Epoch{0, second})
	t.Logf("epoch %d began with the new committee; the light client waited at most %v for a header", second, sight.between(began, time.Now()).certified.Round(time.Millisecond))
	n.stop(t)
}

// ownBond is what the verbs about bonds print of one.
type ownBond struct {
	PeerID string `json:"peerId"`
	Role   string `json:"role"`
	State  string `json:"state"`
	Stake  string `json:"stake"`
	Serves bool   `json:"serves"`
	Next   bool   `json:"next"`
}

// verb runs a verb that asks the first sequencer, and decodes its result.
func (n *network) verb(t *testing.T, into any, args ...string) {
	t.Helper()
	out := mustRun(t, append(args, "--json", "--rpc", n.sequencers[0].ready.RPC)...)
	envelope := struct {
		Result any `json:"result"`
	}{into}
	if err := json.Unmarshal([]byte(out), &envelope); err != nil {
		t.Fatalf("bedrock %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func (n *network) publicKey(t *testing.T, p *peer) types.PublicKey {
	t.Helper()
	home, err := node.LoadHome(p.home)
	if err != nil {
		t.Fatal(err)
	}
	return node.PublicKeyOf(home.Key)
}

// untilCommittee waits until the light client knows an epoch whose committee, by key, is as wanted.
func (n *network) untilCommittee(t *testing.T, wanted func(map[types.PublicKey]types.Stake) bool) (epoch types.Epoch) {
	t.Helper()
	var keys map[types.PublicKey]types.Stake
	eventually(t, 2*epochWithin, "an epoch has the committee that the bonds say", func() error {
		epoch = types.Epoch(n.light.status(t).Epoch)
		if keys = n.committeeOf(t, n.light, epoch); !wanted(keys) {
			return fmt.Errorf("committee of epoch %d: %v", epoch, keys)
		}
		return nil
	})
	t.Logf("epoch %d: %d members, stake %d", epoch, len(keys), sum(maps.Values(keys)))
	return epoch
}

func (n *network) committeeOf(t *testing.T, at *peer, e types.Epoch) map[types.PublicKey]types.Stake {
	t.Helper()
	var c *rpc.Committee
	at.mustAsk(t, &c, "bedrock_getCommittee", e)
	keys := map[types.PublicKey]types.Stake{}
	if c != nil {
		for _, m := range c.Members {
			keys[m.Key] = m.Stake
		}
	}
	return keys
}

// serves waits until a member's vertices of an epoch are in another's log, and its signature is under a header.
func (n *network) serves(t *testing.T, watcher, member *peer, e types.Epoch) {
	t.Helper()
	eventually(t, epochWithin, member.name+" signs vertices and headers", func() error {
		if err := inLog(watcher, member, e); err != nil {
			return err
		}
		for h := rpc.Height(uint64(e)*epochLength + 1); h <= watcher.status(t).Certified; h++ {
			var header *rpc.Header
			n.light.mustAsk(t, &header, "bedrock_getHeader", h)
			if header != nil && slices.Contains(header.Signers, member.ready.PeerID) {
				return nil
			}
		}
		return fmt.Errorf("no header of epoch %d has its signature", e)
	})
}

// paidBack waits until the stake of who left is paid out.
func (n *network) paidBack(t *testing.T, p *peer) {
	t.Helper()
	took := eventually(t, 2*epochWithin, "the stake of who left is paid out", func() error {
		var paid struct {
			Amount string `json:"amount"`
			Made   []struct {
				What string `json:"what"`
				Peer string `json:"peer"`
			} `json:"made"`
		}
		n.verb(t, &paid, "withdraw", "--home", p.home)
		if len(paid.Made) != 1 || paid.Made[0].What != "release" || paid.Made[0].Peer != p.ready.PeerID {
			return fmt.Errorf("paid %+v", paid)
		}
		if wei, _, _ := strings.Cut(paid.Amount, "."); wei != "1" { // and what it earned
			t.Fatalf("paid %+v", paid)
		}
		return nil
	})
	n.standsAs(t, p, "released", false)
	t.Logf("who left was paid after another %v", took.Round(time.Millisecond))
}

// standsAs waits until a node's status says so of its own bond.
func (n *network) standsAs(t *testing.T, p *peer, state string, serves bool) {
	t.Helper()
	eventually(t, backWithin, fmt.Sprintf("%s knows that its bond is %s", p.name, state), func() error {
		if b := p.status(t).Bond; b == nil || b.State != state || b.Serves != serves || state == "active" && b.Note != "" {
			return fmt.Errorf("status: %+v", b)
		}
		return nil
	})
}

// checkHeaders demands that the light client has all headers, each signed by a quorum of the epoch's committee and nobody else.
func (n *network) checkHeaders(t *testing.T, epochs []types.Epoch) {
	t.Helper()
	goal := n.sequencers[1].status(t).Certified
	eventually(t, backWithin, fmt.Sprintf("the light client follows to %d", goal), func() error {
		if s := n.light.status(t); s.Certified < goal || s.Sampled+10 < goal {
			return fmt.Errorf("it knows %d headers, sampled %d", s.Certified, s.Sampled)
		}
		return nil
	})
	for _, e := range epochs {
		committee := n.committeeOf(t, n.light, e)
		member := map[string]bool{}
		for key := range committee {
			member[key.PeerID()] = true
		}
		for h := rpc.Height(uint64(e)*epochLength + 1); h <= min(goal, rpc.Height(uint64(e+1)*epochLength)); h++ {
			var header *rpc.Header
			n.light.mustAsk(t, &header, "bedrock_getHeader", h)
			if header == nil || header.SignedStake < header.Quorum || slices.ContainsFunc(header.Signers, func(id string) bool { return !member[id] }) {
				t.Fatalf("header %d at the light client: %+v", h, header)
			}
		}
	}
}

func sum(stakes func(func(types.Stake) bool)) (total types.Stake) {
	for s := range stakes {
		total += s
	}
	return total
}
