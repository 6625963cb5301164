package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/ethclient"
	gethrpc "github.com/ethereum/go-ethereum/rpc"

	"github.com/etherscale/bedrock/rpc"
	bedrock "github.com/etherscale/bedrock/types"
)

const (
	bigCalldata     = 100 << 10 // bytes of each large transaction
	smallBudgetMiB  = 1         // disk for rows of the peer that has little
	availableWithin = 30 * time.Second
	// settled is how long peers take no further rows once all that was certified is published.
	settled = 2 * time.Second
)

// TestAvailabilityWhenPeersVanish runs four sequencers, six peers and a light client over blocks that are too large to be
// sampled whole. Half of the peers are killed, then all sequencers: the light client still finds new blocks available, and the
// three peers that are left rebuild a block from the rows they hold.
func TestAvailabilityWhenPeersVanish(t *testing.T) {
	long(t)
	n := newNetwork(t, 4)
	peers := n.addPeers(t, 6)
	small := peers[0]
	limitRows(t, small.home)
	n.startSequencers(t)
	entry := n.sequencers[0].ready.Addrs
	for i, p := range peers {
		p.run(t, append(entry, peers[max(i, 1)-1].ready.Addrs...)...)
	}
	n.light.run(t, append(entry, peers[5].ready.Addrs...)...)
	var wallets []*wallet
	for i, s := range n.sequencers {
		wallets = append(wallets, newWallet(t, i, n.genesis.ChainID, func(int) *gethrpc.Client { return s.client() }))
	}

	before, sent := n.bigBlock(t, wallets)
	n.findsAvailable(t, before)
	for range 4 {
		last, _ := n.bigBlock(t, wallets)
		n.findsAvailable(t, last)
	}
	n.checkReady(t, append(peers[1:], n.light)...)
	peers[1].tellsOfItself(t, before)
	n.light.tellsOfItself(t, before)
	n.checkReceipt(t, n.light, before)
	stored := checkBudget(t, small)

	for _, p := range peers[3:] {
		p.proc.kill()
	}
	after, _ := n.bigBlock(t, wallets)
	n.findsAvailable(t, after)
	n.checkSamplingResumes(t, after, entry)
	small.proc.interrupt(t)
	small.run(t, entry...)
	if again := checkBudget(t, small); again.Rows < stored.Rows/2 {
		t.Errorf("%d rows on the disk after a restart, %d before", again.Rows, stored.Rows)
	}
	last, _ := n.bigBlock(t, wallets)
	n.findsAvailable(t, last)

	rowsSettle(t, peers[:3])
	for _, s := range n.sequencers {
		s.proc.kill()
	}
	checkFromShards(t, peers[1], before, sent)
	checkFromShards(t, n.light, last, nil)
	for _, p := range peers[:3] {
		p.proc.kill()
	}
	n.cannotRebuild(t, last)
	n.light.ailsAlone(t)
}

// addPeers makes homes of peers.
func (n *network) addPeers(t *testing.T, count int) (peers []*peer) {
	t.Helper()
	for i := range count {
		p := &peer{name: fmt.Sprintf("peer-%d", i), home: filepath.Join(n.dir, fmt.Sprintf("peer-%d", i))}
		mustRun(t, "init", "--role", "peer", "--genesis", filepath.Join(n.dir, "genesis.json"), "--home", p.home)
		peers = append(peers, p)
	}
	return peers
}

// limitRows gives a home little disk for rows.
func limitRows(t *testing.T, home string) {
	t.Helper()
	file, err := os.OpenFile(filepath.Join(home, "config.toml"), os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := fmt.Fprintf(file, "\nshard_mib = %d\n", smallBudgetMiB); err != nil {
		t.Fatal(err)
	}
}

// bigBlock has every wallet send a large transaction at once. It returns the height of a block that has one of them and is too
// large to be sampled whole, and that transaction's bytes.
func (n *network) bigBlock(t *testing.T, wallets []*wallet) (h rpc.Height, envelope []byte) {
	t.Helper()
	var txs []*types.Transaction
	for _, w := range wallets {
		data := make([]byte, bigCalldata)
		for i := range data {
			data[i] = byte(rand.Uint32()) | 1
		}
		nonce := uint64(len(w.sent))
		tx := types.MustSignNewTx(w.key, w.signer, &types.DynamicFeeTx{ChainID: w.signer.ChainID(), Nonce: nonce, To: ptr(w.recipient(nonce)),
			Gas: 21_000 + 40*bigCalldata, GasTipCap: big.NewInt(1e9), GasFeeCap: big.NewInt(1e12), Data: data})
		if err := ethclient.NewClient(w.entry(0)).SendTransaction(t.Context(), tx); err != nil {
			t.Fatal(err)
		}
		w.sent = append(w.sent, tx)
		txs = append(txs, tx)
	}
	at := n.sequencers[0]
	for _, tx := range txs {
		eventually(t, availableWithin, "a large transaction is executed", func() error {
			var status *rpc.TransactionStatus
			if err := at.ask(&status, "bedrock_getTransactionStatus", tx.Hash()); err != nil {
				return err
			}
			if status == nil || status.State != "executed" {
				return fmt.Errorf("status %+v", status)
			}
			h = *status.Height
			return nil
		})
	}
	envelope, err := txs[len(txs)-1].MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return h, envelope
}

// findsAvailable waits until the light client has sampled a block by single rows.
func (n *network) findsAvailable(t *testing.T, h rpc.Height) {
	t.Helper()
	took := eventually(t, availableWithin, fmt.Sprintf("the light client samples block %d", h), func() error {
		var s *rpc.Sampling
		if err := n.light.ask(&s, "bedrock_getSampling", h); err != nil {
			return err
		}
		if s == nil || s.Verdict != rpc.VerdictAvailable || s.Asked < 33 || s.MissLog2 > -39 {
			return fmt.Errorf("sampling %+v", s)
		}
		return nil
	})
	t.Logf("block %d: available to the light client %v after its execution", h, took.Round(time.Millisecond))
}

func (n *network) checkReady(t *testing.T, nodes ...*peer) {
	t.Helper()
	for _, p := range nodes {
		eventually(t, availableWithin, p.name+" is ready", func() error {
			ask, err := http.NewRequest(http.MethodGet, p.ready.RPC+"/readyz", nil)
			if err != nil {
				return err
			}
			ask.Header.Set("Accept", "application/json")
			answer, err := http.DefaultClient.Do(ask)
			if err != nil {
				return err
			}
			defer answer.Body.Close()
			body, err := io.ReadAll(answer.Body)
			var ready rpc.Readiness
			if err != nil || json.Unmarshal(body, &ready) != nil || answer.StatusCode != http.StatusOK || !ready.Ready || len(ready.Checks) < 3 {
				return fmt.Errorf("%d %s (%v)", answer.StatusCode, body, err)
			}
			return nil
		})
	}
}

// checkBudget demands that a peer keeps rows, and no more than it may.
func checkBudget(t *testing.T, p *peer) rpc.Storage {
	t.Helper()
	var s *rpc.Storage
	p.mustAsk(t, &s, "bedrock_getStorage")
	t.Logf("%s: %d rows of %d blocks, %d of %d bytes", p.name, s.Rows, s.Blocks, s.Bytes, s.Budget)
	if s.Budget != smallBudgetMiB<<20 || s.Bytes > s.Budget || s.Rows == 0 {
		t.Errorf("%s stores %+v", p.name, *s)
	}
	return *s
}

// rowsSettle waits until no more rows come to peers: members bring them there after the block was certified.
func rowsSettle(t *testing.T, peers []*peer) {
	t.Helper()
	var before int
	since := time.Now()
	eventually(t, availableWithin, "all rows are at peers", func() error {
		rows := 0
		for _, p := range peers {
			var s *rpc.Storage
			p.mustAsk(t, &s, "bedrock_getStorage")
			rows += s.Rows
		}
		if rows != before {
			before, since = rows, time.Now()
		}
		if time.Since(since) < settled {
			return fmt.Errorf("%d rows %v ago", rows, time.Since(since))
		}
		return nil
	})
}

// checkSamplingResumes kills and restarts the light client: what it had found it knows, by the same rows.
func (n *network) checkSamplingResumes(t *testing.T, h rpc.Height, bootstrap []string) {
	t.Helper()
	var first, second rpc.Sampling
	n.light.mustAsk(t, &first, "bedrock_getSampling", h)
	n.light.proc.kill()
	n.light.run(t, bootstrap...)
	n.light.mustAsk(t, &second, "bedrock_getSampling", h)
	if second.Verdict != first.Verdict || fmt.Sprint(second.Indices) != fmt.Sprint(first.Indices) {
		t.Errorf("before the restart %+v, after it %+v", first, second)
	}
	eventually(t, 5*time.Second, "the light client knows again what it sampled", func() error {
		if s := n.light.status(t); s.Sampled < h {
			return fmt.Errorf("sampled up to %d of %d", s.Sampled, h)
		}
		return nil
	})
}

// checkFromShards has a node rebuild a block from its rows by the program's own command.
func checkFromShards(t *testing.T, p *peer, h rpc.Height, holds []byte) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "block")
	output := mustRun(t, "block", fmt.Sprint(uint64(h)), "--from-shards", "--rpc", p.ready.RPC, "--out", file, "--json")
	var answer struct {
		Result struct {
			rpc.Rebuilding
			Verified bool `json:"verified"`
		} `json:"result"`
	}
	if err := json.Unmarshal([]byte(output), &answer); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	r := answer.Result
	t.Logf("%s: block %d of %d bytes from %d rows of %d peers in %d ms", p.name, h, r.Bytes, r.Rows, r.Peers, r.Ms)
	if r.State != rpc.RebuildDone || !r.Verified || uint64(len(data)) != r.Bytes || r.Peers < 2 {
		t.Errorf("%+v, %d bytes", r, len(data))
	}
	found := holds == nil
	for _, envelope := range bedrock.DecodeBlockData(data) {
		found = found || bytes.Equal(envelope, holds)
	}
	if !found {
		t.Errorf("block %d has not the transaction that was ordered in it", h)
	}
}

// cannotRebuild demands that the light client, which nobody answers any more, says so.
func (n *network) cannotRebuild(t *testing.T, h rpc.Height) {
	t.Helper()
	begin := time.Now()
	output, stderr, code := run(t, "block", fmt.Sprint(uint64(h)), "--from-shards", "--rpc", n.light.ready.RPC)
	t.Logf("with nobody left: %s after %v", strings.TrimSpace(output), time.Since(begin).Round(time.Millisecond))
	if code != 5 || !strings.Contains(output, string(rpc.RebuildUnavailable)) {
		t.Errorf("exit code %d\n%s%s", code, output, stderr)
	}
}
