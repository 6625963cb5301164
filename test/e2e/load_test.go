package e2e

import (
	"context"
	"crypto/ecdsa"
	"encoding/binary"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"
	gethrpc "github.com/ethereum/go-ethereum/rpc"

	"github.com/etherscale/bedrock/rpc"
)

// wallet sends transfers from one account through one node, as wallets do: it counts its own nonces, and when its node is
// gone it turns to another one and sends again what that one has not executed.
type wallet struct {
	key     *ecdsa.PrivateKey
	address common.Address
	signer  ethtypes.Signer
	entry   func(attempt int) *gethrpc.Client

	mu        sync.Mutex
	sent      []*ethtypes.Transaction // by nonce: every one was acknowledged
	failovers int
	refusals  int // answers of a living node that took nothing, such as a full pool
	lastError error
}

// load is some wallets that send at a steady pace.
type load struct {
	wallets []*wallet
	stop    context.CancelFunc
	done    sync.WaitGroup
}

// developmentKeys are the first accounts of "test test test test test test test test test test test junk", which new networks
// of development fund.
var developmentKeys = []string{
	"ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
	"59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
	"5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
	"7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6",
}

// newWallet uses development account i; entry names the node to send to, the next one after each failed attempt.
func newWallet(t *testing.T, i int, chainID uint64, entry func(attempt int) *gethrpc.Client) *wallet {
	t.Helper()
	key, err := crypto.HexToECDSA(developmentKeys[i])
	if err != nil {
		t.Fatal(err)
	}
	return walletOf(key, chainID, entry)
}

// walletOf is a wallet with a key of its own.
func walletOf(key *ecdsa.PrivateKey, chainID uint64, entry func(attempt int) *gethrpc.Client) *wallet {
	signer := ethtypes.LatestSignerForChainID(new(big.Int).SetUint64(chainID))
	return &wallet{key: key, address: crypto.PubkeyToAddress(key.PublicKey), signer: signer, entry: entry}
}

// sendAll lets every wallet send one transfer per pace until stopped.
func sendAll(t *testing.T, pace time.Duration, wallets ...*wallet) *load {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{wallets: wallets, stop: cancel}
	t.Cleanup(l.end)
	for _, w := range wallets {
		l.done.Add(1)
		go func() {
			defer l.done.Done()
			w.work(ctx, pace)
		}()
	}
	return l
}

// end stops sending; every transfer in flight is acknowledged or was never sent.
func (l *load) end() {
	l.stop()
	l.done.Wait()
}

func (w *wallet) work(ctx context.Context, pace time.Duration) {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	attempt, behind := 0, false // behind: the node may lack what another one took
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		var err error
		if behind {
			err = w.sendAgain(attempt)
			behind = err != nil
		} else {
			err = w.send(attempt)
		}
		if err != nil {
			w.note(err, &w.failovers)
			attempt++
			behind = true
		}
	}
}

// send sends the next transfer. The error says that the node is gone.
func (w *wallet) send(attempt int) error {
	tx := w.next()
	answered, err := w.offer(attempt, tx)
	switch {
	case err == nil:
		w.mu.Lock()
		w.sent = append(w.sent, tx)
		w.mu.Unlock()
	case answered:
		w.note(err, &w.refusals)
	default:
		return err
	}
	return nil
}

// next is the transfer of the next nonce.
func (w *wallet) next() *ethtypes.Transaction {
	return w.sign(uint64(len(w.sent)), big.NewInt(1_000_000_000))
}

// sign makes the transfer of a nonce: a little ether to a fresh address.
func (w *wallet) sign(nonce uint64, tip *big.Int) *ethtypes.Transaction {
	return ethtypes.MustSignNewTx(w.key, w.signer, &ethtypes.DynamicFeeTx{
		ChainID: w.signer.ChainID(), Nonce: nonce, To: ptr(w.recipient(nonce)), Value: transferValue,
		Gas: 21_000, GasTipCap: tip, GasFeeCap: new(big.Int).Mul(tip, big.NewInt(100)),
	})
}

// transferValue is what each transfer sends, in wei.
var transferValue = big.NewInt(1_000_000_000_000)

// recipient is an address that only this transfer pays.
func (w *wallet) recipient(nonce uint64) common.Address {
	return common.BytesToAddress(crypto.Keccak256(binary.BigEndian.AppendUint64(w.address.Bytes(), nonce)))
}

// offer hands a transaction to a node, and waits for the answer even when the load is over: nobody may be left in doubt.
// What was taken before its sender heard of it counts as taken. answered is false when the node is gone.
func (w *wallet) offer(attempt int, tx *ethtypes.Transaction) (answered bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err = ethclient.NewClient(w.entry(attempt)).SendTransaction(ctx, tx)
	if err == nil {
		return true, nil
	}
	if _, ok := err.(gethrpc.Error); !ok {
		return false, err
	}
	if strings.Contains(err.Error(), "already known") || strings.Contains(err.Error(), "nonce too low") {
		return true, nil
	}
	return true, err
}

func (w *wallet) note(err error, counter *int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*counter++
	w.lastError = err
}

// sendAgain sends what the node has not executed. The error says that the node is gone.
func (w *wallet) sendAgain(attempt int) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	executed, err := ethclient.NewClient(w.entry(attempt)).NonceAt(ctx, w.address, nil)
	if err != nil {
		return err
	}
	for _, tx := range w.sent[min(executed, uint64(len(w.sent))):] {
		answered, err := w.offer(attempt, tx)
		if !answered {
			return err
		}
		if err != nil {
			w.note(err, &w.refusals)
		}
	}
	return nil
}

// tally is what a wallet has been through.
type tally struct {
	sent, failovers, refusals int
	lastError                 error
}

func (w *wallet) tally() tally {
	w.mu.Lock()
	defer w.mu.Unlock()
	return tally{len(w.sent), w.failovers, w.refusals, w.lastError}
}

// settle waits until the node has executed everything the wallets sent.
func (l *load) settle(t *testing.T, at *gethrpc.Client, within time.Duration) {
	t.Helper()
	l.await(t, at, within, nil)
}

// settleMended is settle after a crash of every node at once. What was acknowledged and in no log then is lost, and when
// its wallet sends it again it may be ordered behind a successor. That one is skipped, and skipped for the epoch: its
// wallet has to sign the nonce again with another fee, as the node tells it. How many were is logged.
func (l *load) settleMended(t *testing.T, at *gethrpc.Client, within time.Duration) {
	t.Helper()
	signed := 0
	l.await(t, at, within, func(w *wallet, executed int) error {
		n, err := w.mend(at, executed)
		signed += n
		return err
	})
	t.Logf("%d transactions had been skipped and were signed again", signed)
}

func (l *load) await(t *testing.T, at *gethrpc.Client, within time.Duration, mend func(w *wallet, executed int) error) {
	t.Helper()
	client := ethclient.NewClient(at)
	eventually(t, within, "every acknowledged transaction is executed", func() error {
		for i, w := range l.wallets {
			now := w.tally()
			nonce, err := client.NonceAt(t.Context(), w.address, nil)
			if err != nil {
				return err
			}
			if int(nonce) > now.sent {
				t.Fatalf("wallet %d: %d transactions executed, %+v", i, nonce, now)
			}
			if int(nonce) == now.sent {
				continue
			}
			if mend != nil {
				if err := mend(w, int(nonce)); err != nil {
					return err
				}
			}
			state, err := stateOf(at, w.sent[nonce])
			return fmt.Errorf("wallet %d: %d transactions executed, %+v; the next one is %q, %v", i, nonce, now, state, err)
		}
		return nil
	})
}

// stateOf is how far a transaction has come at a node; empty where the node does not know it.
func stateOf(at *gethrpc.Client, tx *ethtypes.Transaction) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	var status *rpc.TransactionStatus
	if err := at.CallContext(ctx, &status, "bedrock_getTransactionStatus", tx.Hash()); err != nil || status == nil {
		return "", err
	}
	return status.State, nil
}

// mend signs what the order has skipped again, with higher fees, and sends it. The load must have ended.
func (w *wallet) mend(at *gethrpc.Client, executed int) (signed int, err error) {
	for nonce := executed; nonce < len(w.sent); nonce++ {
		if state, err := stateOf(at, w.sent[nonce]); err != nil || state != "skipped" {
			continue
		}
		old := w.sent[nonce]
		w.sent[nonce] = w.sign(uint64(nonce), new(big.Int).Mul(old.GasTipCap(), big.NewInt(2)))
		if err := ethclient.NewClient(at).SendTransaction(context.Background(), w.sent[nonce]); err != nil {
			w.sent[nonce] = old // the next look tries again
			return signed, err
		}
		signed++
	}
	return signed, nil
}

// checkOnce demands that every acknowledged transaction stands in exactly one block, succeeded, and moved its ether once.
func (l *load) checkOnce(t *testing.T, at *gethrpc.Client) {
	t.Helper()
	client := ethclient.NewClient(at)
	head, err := client.BlockNumber(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	times := map[common.Hash]int{}
	for h := uint64(1); h <= head; h++ {
		block, err := client.BlockByNumber(t.Context(), new(big.Int).SetUint64(h))
		if err != nil {
			t.Fatalf("block %d: %v", h, err)
		}
		for _, tx := range block.Transactions() {
			if to := tx.To(); to == nil || *to != feeVault { // else the network's own: assertions
				times[tx.Hash()]++
			}
		}
	}
	total := 0
	for i, w := range l.wallets {
		for nonce, tx := range w.sent {
			total++
			if times[tx.Hash()] != 1 {
				t.Errorf("wallet %d: transaction %d (%s) stands in %d blocks", i, nonce, tx.Hash(), times[tx.Hash()])
			}
		}
		w.checkEffects(t, client)
	}
	if total == 0 || len(times) != total {
		t.Errorf("%d transactions were acknowledged, %d were executed", total, len(times))
	}
}

// feeVault is the bonding contract's address.
var feeVault = common.HexToAddress("0x00000000000000000000000000000000000bed05")

// checkEffects looks at a handful of transfers from the inside: receipt and recipient's balance.
func (w *wallet) checkEffects(t *testing.T, client *ethclient.Client) {
	t.Helper()
	for nonce := 0; nonce < len(w.sent); nonce += 1 + len(w.sent)/8 {
		receipt, err := client.TransactionReceipt(t.Context(), w.sent[nonce].Hash())
		if err != nil || receipt.Status != ethtypes.ReceiptStatusSuccessful {
			t.Errorf("%s nonce %d: receipt %+v, %v", w.address, nonce, receipt, err)
			continue
		}
		balance, err := client.BalanceAt(t.Context(), w.recipient(uint64(nonce)), nil)
		if err != nil || balance.Cmp(transferValue) != 0 {
			t.Errorf("%s nonce %d: recipient holds %v, %v", w.address, nonce, balance, err)
		}
	}
}

func ptr[T any](v T) *T { return &v }
