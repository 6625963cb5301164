package e2e

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"math/big"
	"path/filepath"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/ethclient"
	gethrpc "github.com/ethereum/go-ethereum/rpc"

	"github.com/etherscale/bedrock/execution/contracts"
	"github.com/etherscale/bedrock/node"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/types"
)

// TestBondAndJoin: on a running network a fifth sequencer, of which the genesis knows nothing, bonds, announces that it is
// ready, and is in the committee from the next epoch on; then one of the first four asks to leave, and is in it no more.
// A light client follows throughout.
func TestBondAndJoin(t *testing.T) {
	long(t)
	n := newNetwork(t, 4, "--epoch-length", fmt.Sprint(epochLength), "--block-interval", "100ms", "--candidates", "1")
	candidate := &peer{name: "sequencer-4", home: filepath.Join(n.dir, "sequencer-4")}
	n.sequencers = append(n.sequencers, candidate)
	n.startSequencers(t)
	n.light.run(t, n.sequencers[1].ready.Addrs...)
	owner := newWallet(t, 0, n.genesis.ChainID, func(int) *gethrpc.Client { return n.sequencers[0].client() })
	abi := contracts.NewBonds()
	entry := func(int) *gethrpc.Client { return n.sequencers[1].client() } // load, since an idle network closes few blocks
	load := sendAll(t, 100*time.Millisecond, newWallet(t, 1, n.genesis.ChainID, entry), newWallet(t, 3, n.genesis.ChainID, entry))

	key, proof := n.proofOf(t, candidate, owner.address)
	n.transact(t, owner, big.NewInt(2e18), abi.PackBond(key, uint8(types.BondSequencer), owner.address, [32]byte(proof[:32]), [32]byte(proof[32:])))
	joined := n.untilEpoch(t, func(keys map[types.PublicKey]types.Stake) bool { return keys[key] == 2 }, func() {
		n.transact(t, owner, new(big.Int), abi.PackReady(key))
	})
	if len(joined) != 5 {
		t.Fatalf("a committee of %d", len(joined))
	}

	leaver := node.PublicKeyOf(n.key(t, n.sequencers[2]))
	w := walletOf(n.home(t, n.sequencers[2]).Account, n.genesis.ChainID, func(int) *gethrpc.Client { return n.sequencers[0].client() })
	if common.HexToAddress(n.genesis.Bonding.Owners[leaver.String()]) != w.address {
		t.Fatal("the sequencer's own account does not own its bond")
	}
	n.transact(t, w, new(big.Int), abi.PackUnbond(leaver))
	left := n.untilEpoch(t, func(keys map[types.PublicKey]types.Stake) bool { return keys[leaver] == 0 }, nil)
	if len(left) != 4 || left[key] != 2 {
		t.Fatalf("the committee after one left: %v", left)
	}
	load.end()
	n.checkStates(t)
	n.stop(t)
}

func (n *network) key(t *testing.T, p *peer) ed25519.PrivateKey { return n.home(t, p).Key }

func (n *network) home(t *testing.T, p *peer) *node.Home {
	t.Helper()
	home, err := node.LoadHome(p.home)
	if err != nil {
		t.Fatal(err)
	}
	return home
}

// proofOf is a peer's key and its signature over who is to own and operate its bond.
func (n *network) proofOf(t *testing.T, p *peer, owner common.Address) (types.PublicKey, types.Signature) {
	t.Helper()
	id, err := n.genesis.NetworkID()
	if err != nil {
		t.Fatal(err)
	}
	statement := types.BondStatement{Contract: common.HexToAddress(n.genesis.FeeVault), Owner: owner, Operator: owner, Role: types.BondSequencer}
	key := n.key(t, p)
	return node.PublicKeyOf(key), types.SignDigest(key, statement.Digest(id))
}

// transact calls the bonding contract and waits until that has succeeded.
func (n *network) transact(t *testing.T, w *wallet, wei *big.Int, data []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), epochWithin)
	defer cancel()
	client := ethclient.NewClient(n.sequencers[0].client())
	nonce, err := client.PendingNonceAt(ctx, w.address)
	if err != nil {
		t.Fatal(err)
	}
	to := common.HexToAddress(n.genesis.FeeVault)
	tx, err := ethtypes.SignNewTx(w.key, w.signer, &ethtypes.DynamicFeeTx{ChainID: new(big.Int).SetUint64(n.genesis.ChainID), Nonce: nonce,
		GasTipCap: big.NewInt(1e9), GasFeeCap: big.NewInt(1e11), Gas: 500_000, To: &to, Value: wei, Data: data})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.SendTransaction(ctx, tx); err != nil {
		t.Fatal(err)
	}
	eventually(t, epochWithin, "a call of the bonding contract is executed", func() error {
		receipt, err := client.TransactionReceipt(ctx, tx.Hash())
		if err == nil && receipt.Status != 1 {
			t.Fatalf("the call failed: %x", data[:4])
		}
		return err
	})
}

// untilEpoch waits for an epoch whose committee, by key, is as wanted; in each epoch before, each is called once.
func (n *network) untilEpoch(t *testing.T, wanted func(map[types.PublicKey]types.Stake) bool, each func()) map[types.PublicKey]types.Stake {
	t.Helper()
	last := types.Epoch(1 << 60)
	for deadline := time.Now().Add(3 * epochWithin); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		epoch := types.Epoch(n.light.status(t).Epoch)
		if epoch == last {
			continue
		}
		keys := n.committeeOf(t, n.light, epoch)
		if wanted(keys) {
			return keys
		}
		if last = epoch; each != nil {
			each()
		}
	}
	t.Fatal("no epoch had the committee that the bonds say")
	return nil
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
