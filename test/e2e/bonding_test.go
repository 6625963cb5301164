package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	gethrpc "github.com/ethereum/go-ethereum/rpc"

	"github.com/etherscale/bedrock/node"
	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/types"
)

// TestBondedCommittee runs a network whose committee follows from its bonds, under load, while a light client follows:
//   - a sixth sequencer, of which the genesis knows nothing, bonds, announces itself, and serves from the next epoch on;
//   - one of the first five asks to leave, serves no more, and gets its stake back after the delay;
//   - one is killed and left out, and when it runs again it announces itself and is back, nobody doing anything;
//   - one signs two vertices of a round (its key runs twice), is slashed, and serves no more.
//
// Wallets' transactions are executed all the time, and every place in the order can be recomputed.
func TestBondedCommittee(t *testing.T) {
	long(t)
	n := newNetwork(t, 5, "--candidates", "1", "--epoch-length", fmt.Sprint(epochLength), "--block-interval", "100ms",
		"--heartbeat", "100ms", "--challenge-window", "2s", "--light-absence", "12s")
	joiner := &peer{name: "sequencer-5", home: filepath.Join(n.dir, "sequencer-5")}
	n.sequencers = append(n.sequencers, joiner)
	n.startSequencers(t)
	watcher, leaver, twin, sleeper := n.sequencers[1], n.sequencers[2], n.sequencers[3], n.sequencers[4]
	n.light.run(t, watcher.ready.Addrs...)
	sight, began := watch(t, n.light), time.Now()
	entry := func(int) *gethrpc.Client { return watcher.client() }
	payers := []*payer{pay(t, newWallet(t, 1, n.genesis.ChainID, entry)), pay(t, newWallet(t, 3, n.genesis.ChainID, entry))}
	joins, leaves, lies, sleeps := n.publicKey(t, joiner), n.publicKey(t, leaver), n.publicKey(t, twin), n.publicKey(t, sleeper)

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
	n.refuses(t, "is bonded already", "bond", "--home", joiner.home, "--stake", "3")
	n.refuses(t, "has 0 ether, and this takes up to 1", "bond", "--home", n.light.home, "--role", "prover", "--stake", "1")
	n.refuses(t, "is neither owner", "unbond", "--home", joiner.home, "--key", leaver.ready.PeerID)
	n.verb(t, &change, "unbond", "--home", leaver.home)
	if change.Bond.State != "leaving" || change.Bond.Next {
		t.Fatalf("unbonded: %+v", change)
	}
	second := n.untilCommittee(t, func(c map[types.PublicKey]types.Stake) bool { return c[joins] == 3 && c[leaves] == 0 })
	n.serves(t, watcher, joiner, second)
	n.standsAs(t, joiner, "active", true)

	sleeper.proc.kill()
	n.untilCommittee(t, func(c map[types.PublicKey]types.Stake) bool { return c[sleeps] == 0 })
	sleeper.flags = n.checkpoint(t)
	sleeper.run(t, watcher.ready.Addrs...)
	n.untilCommittee(t, func(c map[types.PublicKey]types.Stake) bool { return c[sleeps] == 1 })

	n.runTwice(t, twin)
	n.slashed(t, lies)
	third := n.untilCommittee(t, func(c map[types.PublicKey]types.Stake) bool { return c[lies] == 0 && c[joins] == 3 })
	n.standsAs(t, twin, "slashed", false)
	n.rewarded(t, lies)
	prover := &peer{name: "prover-0", home: filepath.Join(n.dir, "prover-0")} // bonded since the genesis; nothing has settled without it
	prover.flags = n.checkpoint(t)
	prover.run(t, watcher.ready.Addrs...)
	n.paidBack(t, leaver)
	n.wonPrizes(t, prover)

	for _, p := range payers {
		p.end(t)
	}
	n.checkStates(t)
	for _, e := range []types.Epoch{second, third} {
		n.checkAudit(t, watcher, payers[0].wallet, e)
	}
	n.checkHeaders(t, []types.Epoch{0, second, third})
	t.Logf("epochs %d and %d began with new committees; the light client waited at most %v for a header", second, third, sight.between(began, time.Now()).certified.Round(time.Millisecond))
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

// due is what `bedrock withdraw` made due.
type due struct {
	What  string `json:"what"`
	Peer  string `json:"peer"`
	Times int    `json:"times"`
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

// refuses demands that a verb changes nothing and says why on one line.
func (n *network) refuses(t *testing.T, why string, args ...string) {
	t.Helper()
	stdout, stderr, code := run(t, append(args, "--json", "--rpc", n.sequencers[0].ready.RPC)...)
	var told struct {
		Error struct {
			Code    int    `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	err := json.Unmarshal([]byte(stdout), &told)
	if code != 1 || err != nil || told.Error.Code != 1 || !strings.Contains(told.Error.Message, why) || stderr != "bedrock: "+told.Error.Message+"\n" {
		t.Errorf("bedrock %s: exit code %d\n%s%s", strings.Join(args, " "), code, stdout, stderr)
	}
}

func (n *network) publicKey(t *testing.T, p *peer) types.PublicKey {
	t.Helper()
	home, err := config.LoadHome(p.home)
	if err != nil {
		t.Fatal(err)
	}
	return config.PublicKeyOf(home.Key)
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

// runTwice runs a second node with a sequencer's key, in this process: one that knows nothing of the other and does not look for
// it, as no honest program is.
func (n *network) runTwice(t *testing.T, p *peer) {
	t.Helper()
	home, err := config.LoadHome(p.home)
	if err != nil {
		t.Fatal(err)
	}
	cfg := node.ConfigOf(home)
	dir := t.TempDir()
	cfg.Data, cfg.UnusedMark, cfg.Dishonest, cfg.TwinWatch = filepath.Join(dir, "data"), filepath.Join(dir, "unused"), true, 0
	cfg.Listen, cfg.Bootstrap = []string{"/ip4/127.0.0.1/tcp/0"}, n.sequencers[1].ready.Addrs
	cfg.Checkpoint, cfg.Logger = n.checkpoint(t)[1], slog.New(slog.DiscardHandler)
	if err := config.MarkUnused(cfg.UnusedMark); err != nil { // the lie: this key did sign
		t.Fatal(err)
	}
	twin, err := node.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- twin.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-ended // it is slashed, and may have stopped before
		if err := twin.Close(); err != nil {
			t.Error(err)
		}
	})
}

// checkpoint is what a node needs to start now: the genesis is older than stakes stay bonded.
func (n *network) checkpoint(t *testing.T) (flags []string) {
	t.Helper()
	return []string{"--checkpoint", strings.TrimSpace(mustRun(t, "checkpoint", "--rpc", n.sequencers[1].ready.RPC))}
}

// slashed waits until a key is convicted by everybody, and its bond lost.
func (n *network) slashed(t *testing.T, key types.PublicKey) {
	t.Helper()
	eventually(t, backWithin, "the light client knows who was convicted", func() error {
		var list []rpc.Conviction
		if err := n.light.ask(&list, "bedrock_getConvictions"); err != nil {
			return err
		}
		if !slices.ContainsFunc(list, func(c rpc.Conviction) bool { return c.Sequencer == key.PeerID() && c.Kind == "double-vertex" }) {
			return fmt.Errorf("convictions: %+v", list)
		}
		return nil
	})
	took := eventually(t, 2*epochWithin, "the bond of who signed twice is slashed", func() error {
		var list struct {
			Bonds []ownBond `json:"bonds"`
		}
		n.verb(t, &list, "bonds")
		i := slices.IndexFunc(list.Bonds, func(b ownBond) bool { return b.PeerID == key.PeerID() })
		if i < 0 || list.Bonds[i].State != "slashed" || list.Bonds[i].Stake != "0" || list.Bonds[i].Next {
			return fmt.Errorf("bonds: %+v", list.Bonds)
		}
		return nil
	})
	t.Logf("slashed %v after its second process was ready", took.Round(time.Millisecond))
}

// rewarded waits until a tenth of the slashed ether is due to who committed to the challenge first, and pays it out. That may be
// any of the sequencers, the accused too; its node asks for it by itself, or `bedrock withdraw` does.
func (n *network) rewarded(t *testing.T, accused types.PublicKey) {
	t.Helper()
	var challenger *peer
	took := eventually(t, 2*epochWithin, "the reward of a challenge is due", func() error {
		var list struct {
			Block rpc.Height `json:"block"`
			Bonds []struct {
				PeerID string `json:"peerId"`
				Reward *struct {
					Payee common.Address `json:"payee"`
					After rpc.Height     `json:"after"`
				} `json:"reward"`
			} `json:"bonds"`
			Credits []struct {
				Owner  common.Address `json:"owner"`
				Amount string         `json:"amount"`
			} `json:"credits"`
		}
		n.verb(t, &list, "bonds")
		var payee common.Address
		for _, b := range list.Bonds {
			if b.PeerID == accused.PeerID() && b.Reward != nil && list.Block > b.Reward.After {
				payee = b.Reward.Payee
			}
		}
		for _, credit := range list.Credits {
			if strings.HasPrefix(credit.Amount, "0.1") {
				payee = credit.Owner
			}
		}
		i := slices.IndexFunc(n.sequencers, func(p *peer) bool { return common.HexToAddress(p.ready.Account) == payee })
		if i < 0 {
			return fmt.Errorf("bonds: %+v", list)
		}
		challenger = n.sequencers[i]
		return nil
	})
	var paid struct {
		Amount string `json:"amount"`
	}
	n.verb(t, &paid, "withdraw", "--home", challenger.home)
	if !strings.HasPrefix(paid.Amount, "0.1") {
		t.Errorf("paid %+v", paid)
	}
	t.Logf("%s was rewarded %v later", challenger.name, took.Round(time.Millisecond))
}

// wonPrizes waits until blocks have settled, and pays out what their prover has won.
func (n *network) wonPrizes(t *testing.T, prover *peer) {
	t.Helper()
	eventually(t, epochWithin, "blocks settle on the ledger", func() error {
		if s := prover.status(t); s.Settled < epochLength || s.Bond == nil || s.Bond.State != "active" {
			return fmt.Errorf("status %+v", s)
		}
		return nil
	})
	var paid struct {
		Amount string `json:"amount"`
		Made   []due  `json:"made"`
	}
	n.verb(t, &paid, "withdraw", "--home", prover.home)
	if len(paid.Made) != 1 || paid.Made[0].What != "prize" || paid.Made[0].Peer != prover.ready.PeerID || paid.Amount == "0" {
		t.Errorf("paid %+v", paid)
	}
	t.Logf("its prover won %s ether with %d steps", paid.Amount, paid.Made[0].Times)
}

// paidBack waits until the stake of who left is paid out.
func (n *network) paidBack(t *testing.T, p *peer) {
	t.Helper()
	took := eventually(t, 2*epochWithin, "the stake of who left is paid out", func() error {
		var paid struct {
			Amount string `json:"amount"`
			Made   []due  `json:"made"`
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
