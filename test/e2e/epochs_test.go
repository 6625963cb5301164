package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/ethclient"
	gethrpc "github.com/ethereum/go-ethereum/rpc"

	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/types"
)

const (
	epochLength = 65
	epochWithin = 30 * time.Second
	exitTrust   = 6 // the node must not follow
)

// TestEpochs runs four sequencers, a candidate and a light client over two changes of the committee, under load: in epoch 1
// sequencer 0 is left out and the candidate takes part, with twice the stake; in epoch 2 it is the other way round. One
// member is killed in epoch 1 and comes back in epoch 2.
func TestEpochs(t *testing.T) {
	long(t)
	n := newNetwork(t, 4, "--epoch-length", fmt.Sprint(epochLength), "--block-interval", "100ms", "--candidates", "1",
		"--handover", "1:1,2,3,4=2", "--handover", "2:0,1,2,3")
	candidate := &peer{name: "sequencer-4", home: filepath.Join(n.dir, "sequencer-4")}
	n.sequencers = append(n.sequencers, candidate)
	n.startSequencers(t)
	watcher, victim := n.sequencers[1], n.sequencers[3]
	n.light.run(t, watcher.ready.Addrs...)
	var wallets []*wallet
	for i, s := range []*peer{n.sequencers[0], watcher, n.sequencers[2], candidate} {
		wallets = append(wallets, newWallet(t, i, n.genesis.ChainID, func(int) *gethrpc.Client { return s.client() }))
	}
	load := sendAll(t, 150*time.Millisecond, wallets...)

	n.reach(t, epochLength+2)
	n.checkCommittee(t, watcher, 1, 5, n.sequencers[1:]...)
	n.reach(t, epochLength+epochLength/2+8) // from here on everybody was heard in the second half
	victim.proc.kill()
	n.reach(t, 2*epochLength+2)
	n.checkCommittee(t, n.light, 2, 4, n.sequencers[:4]...)
	n.signsAgain(t, watcher, victim)
	n.reach(t, 2*epochLength+15) // the audit takes a transaction from above the tenth block of each epoch

	load.end()
	// On a machine that is busy enough for batches to take longer than the time between two transactions, one can come before
	// its predecessor; its wallet signs it again. How many were is logged.
	load.settleMended(t, watcher.client(), settleWithin)
	load.checkOnce(t, watcher.client())
	n.checkStates(t)
	n.checkLight(t)
	for epoch := range types.Epoch(3) {
		n.checkAudit(t, watcher, wallets[epoch], epoch)
	}
	if followed := n.checkReceipt(t, n.light, n.light.status(t).Sampled); followed < 2 {
		t.Errorf("a receipt follows %d changes of the committee", followed)
	}
	n.checkCheckpoint(t, watcher)
	n.stop(t)
}

// checkCheckpoint starts a light client from a checkpoint, and one from a wrong one.
func (n *network) checkCheckpoint(t *testing.T, at *peer) {
	t.Helper()
	checkpoint := strings.TrimSpace(mustRun(t, "checkpoint", "--rpc", at.ready.RPC))
	parsed, err := types.ParseCheckpoint(checkpoint)
	if err != nil || parsed.Height%epochLength != 0 || parsed.Height == 0 {
		t.Fatalf("checkpoint %q: %v", checkpoint, err)
	}
	fresh := &peer{name: "light from a checkpoint", home: filepath.Join(n.dir, "light-2")}
	mustRun(t, "init", "--role", "light", "--genesis", filepath.Join(n.dir, "genesis.json"), "--home", fresh.home, "--checkpoint", checkpoint)
	fresh.run(t, at.ready.Addrs...)
	goal := at.status(t).Certified
	eventually(t, backWithin, fmt.Sprintf("the light client follows from %d to %d and samples", parsed.Height, goal), func() error {
		if s := fresh.status(t); s.Certified < goal || s.Sampled < goal {
			return fmt.Errorf("it knows header %d, sampled %d", s.Certified, s.Sampled)
		}
		return nil
	})
	var below, above *rpc.Header
	fresh.mustAsk(t, &below, "bedrock_getHeader", rpc.Height(parsed.Height-1))
	fresh.mustAsk(t, &above, "bedrock_getHeader", rpc.Height(parsed.Height+1))
	if below != nil || above == nil {
		t.Errorf("header below the checkpoint: %v, above: %v", below, above)
	}
	fresh.proc.interrupt(t)
	parsed.Digest[0] ^= 1
	_, stderr, code := run(t, "run", "--home", fresh.home, "--listen", "/ip4/127.0.0.1/tcp/0", "--checkpoint", parsed.String())
	if code != exitTrust || !strings.Contains(stderr, "the checkpoint says") {
		t.Errorf("a checkpoint that contradicts the stored headers: exit code %d\n%s", code, stderr)
	}
}

// TestStaleNodeRefuses: a network that has stood still for longer than stake stays bonded is followed by nobody.
func TestStaleNodeRefuses(t *testing.T) {
	long(t)
	n := newNetwork(t, 1)
	n.genesis.Time -= types.Time(n.genesis.UnbondingDelay + n.genesis.UnbondingDelay/8)
	encoded, err := n.genesis.Encode()
	if err != nil {
		t.Fatal(err)
	}
	path, home := filepath.Join(n.dir, "old.json"), filepath.Join(n.dir, "late")
	if err := os.WriteFile(path, encoded, 0o600); err != nil {
		t.Fatal(err)
	}
	mustRun(t, "init", "--role", "light", "--genesis", path, "--home", home)
	_, stderr, code := run(t, "run", "--home", home, "--listen", "/ip4/127.0.0.1/tcp/0")
	for _, word := range []string{"too old to follow", "stake stays bonded", "--checkpoint HEIGHT:DIGEST", "clock"} {
		if code != exitTrust || !strings.Contains(stderr, word) {
			t.Errorf("exit code %d, no word of %q:\n%s", code, word, stderr)
		}
	}
	if _, _, code := run(t, "run", "--home", home, "--checkpoint", "12"); code != 2 {
		t.Errorf("a checkpoint that is none: exit code %d", code)
	}
	if _, stderr, code := run(t, "run", "--home", home, "--listen", "/ip4/127.0.0.1/tcp/0", "--checkpoint", "12:"+strings.Repeat("00", 32)); code != exitTrust {
		t.Errorf("a checkpoint in the middle of an epoch: exit code %d\n%s", code, stderr)
	}
}

// reach waits until the nodes that run have certified a height and executed it.
func (n *network) reach(t *testing.T, h rpc.Height) {
	t.Helper()
	eventually(t, epochWithin, fmt.Sprintf("every running node gets to block %d", h), func() error {
		for _, p := range n.all() {
			if p.proc.over() {
				continue
			}
			var s rpc.Status
			if err := p.ask(&s, "bedrock_status"); err != nil {
				return err
			}
			if s.Height < h || s.Certified < h {
				return fmt.Errorf("%s is at %d, knows %d headers", p.name, s.Height, s.Certified)
			}
		}
		return nil
	})
}

// checkCommittee compares what a node says of an epoch's committee with who should be in it.
func (n *network) checkCommittee(t *testing.T, at *peer, e types.Epoch, stake types.Stake, members ...*peer) {
	t.Helper()
	var c *rpc.Committee
	at.mustAsk(t, &c, "bedrock_getCommittee", e)
	if c == nil || c.Size != len(members) || c.Stake != stake {
		t.Fatalf("%s: committee of epoch %d: %+v, want %d members with stake %d", at.name, e, c, len(members), stake)
	}
	listed := map[string]bool{}
	for _, m := range c.Members {
		listed[m.PeerID] = true
	}
	for _, p := range members {
		if !listed[p.ready.PeerID] {
			t.Errorf("%s is not in the committee of epoch %d: %+v", p.name, e, c)
		}
	}
	if s := at.status(t); s.Epoch < uint64(e) || s.Committee.Size == 0 {
		t.Errorf("%s: epoch %d, committee %+v", at.name, s.Epoch, s.Committee)
	}
}

// signsAgain starts the victim and waits until the watcher has a vertex of it in the log of the newest epoch.
func (n *network) signsAgain(t *testing.T, watcher, victim *peer) {
	t.Helper()
	victim.run(t, watcher.ready.Addrs...)
	took := eventually(t, backWithin, victim.name+" signs in an epoch that began without it", func() error {
		return inLog(watcher, victim, types.Epoch(watcher.status(t).Epoch))
	})
	t.Logf("%s signed again %v after its start", victim.name, took.Round(time.Millisecond))
	eventually(t, backWithin, victim.name+" executes what the others do", func() error {
		if have, want := victim.status(t).Height, watcher.status(t).Certified; have+20 < want {
			return fmt.Errorf("it is at %d, they are at %d", have, want)
		}
		return nil
	})
}

// inLog looks whether the watcher has a vertex of a member in its log of an epoch.
func inLog(watcher, member *peer, epoch types.Epoch) error {
	var c *rpc.Committee
	if err := watcher.ask(&c, "bedrock_getCommittee", epoch); err != nil || c == nil {
		return fmt.Errorf("no committee of epoch %d: %w", epoch, err)
	}
	var author, own types.Member
	for i, m := range c.Members {
		switch m.PeerID {
		case member.ready.PeerID:
			author = types.Member(i)
		case watcher.ready.PeerID:
			own = types.Member(i)
		}
	}
	for from := uint64(0); ; {
		var part rpc.Log
		if err := watcher.ask(&part, "bedrock_getLog", own, from, epoch); err != nil {
			return err
		}
		for _, encoded := range part.Vertices {
			if v, err := types.DecodeVertex(encoded); err == nil && v.Author() == author && v.Epoch() == epoch {
				return nil
			}
		}
		if part.Next <= from {
			return fmt.Errorf("%d vertices of epoch %d, none of member %d", part.End, epoch, author)
		}
		from = part.Next
	}
}

// checkLight demands that the light client followed all committees, by headers that each of them signed.
func (n *network) checkLight(t *testing.T) {
	t.Helper()
	goal := n.sequencers[1].status(t).Certified
	eventually(t, backWithin, fmt.Sprintf("the light client follows to %d", goal), func() error {
		if s := n.light.status(t); s.Certified < goal || s.Sampled < goal/2 {
			return fmt.Errorf("it knows %d headers, sampled %d", s.Certified, s.Sampled)
		}
		return nil
	})
	signers := map[uint64]map[string]bool{}
	for h := rpc.Height(1); h <= goal; h++ {
		var header *rpc.Header
		n.light.mustAsk(t, &header, "bedrock_getHeader", h)
		epoch := uint64(h-1) / epochLength
		if header == nil || uint64(header.Epoch) != epoch || header.SignedStake < header.Quorum {
			t.Fatalf("header %d at the light client: %+v", h, header)
		}
		if signers[epoch] == nil {
			signers[epoch] = map[string]bool{}
		}
		for _, id := range header.Signers {
			signers[epoch][id] = true
		}
	}
	if first, new := n.sequencers[0].ready.PeerID, n.sequencers[4].ready.PeerID; signers[1][first] || !signers[1][new] || signers[0][new] || signers[2][new] {
		t.Errorf("who left signs on, or who joined does not: %v", signers)
	}
}

// checkAudit recomputes the place of a transaction of an epoch from what its committee signed.
func (n *network) checkAudit(t *testing.T, at *peer, w *wallet, epoch types.Epoch) {
	t.Helper()
	client := ethclient.NewClient(at.client())
	var found *ethtypes.Receipt
	for _, tx := range w.sent {
		receipt, err := client.TransactionReceipt(t.Context(), tx.Hash())
		if err != nil {
			t.Fatal(err)
		}
		if h := receipt.BlockNumber.Uint64(); (h-1)/epochLength == uint64(epoch) && h%epochLength > 10 {
			found = receipt
			break
		}
	}
	if found == nil {
		t.Fatalf("no transaction of %s in epoch %d", w.address, epoch)
	}
	out := mustRun(t, "audit", found.TxHash.Hex(), "--rpc", at.ready.RPC, "--genesis", filepath.Join(n.dir, "genesis.json"), "--json")
	var report struct {
		Result struct {
			Height    uint64 `json:"height"`
			Certified bool   `json:"certified"`
			Vertices  uint64 `json:"vertices"`
		} `json:"result"`
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil || report.Result.Height != found.BlockNumber.Uint64() || !report.Result.Certified {
		t.Errorf("audit of a transaction of epoch %d, block %s: %v\n%s", epoch, found.BlockNumber, err, out)
	}
	t.Logf("epoch %d: block %d from %d signed vertices", epoch, report.Result.Height, report.Result.Vertices)
}
