package main

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"
	"golang.org/x/sync/errgroup"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/execution/contracts"
	"github.com/etherscale/bedrock/node"
	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/node/devnet"
	"github.com/etherscale/bedrock/types"
)

const (
	drillDelay  = 50 * time.Millisecond // one way
	drillLights = 3
	drillTime   = 60 * time.Second // after which the drill has failed
	drillPoll   = 20 * time.Millisecond
)

// lie follows one wrong assertion through the facts of all nodes.
type lie struct {
	mu       sync.Mutex
	liar     string               // peer ID
	key      types.PublicKey      // of the liar, once it has lied
	told     time.Time            // when the first wrong assertion was
	ready    map[string]bool      // light clients that follow
	rejected map[string]time.Time // by light clients
	changed  chan struct{}        // capacity 1
}

// watch takes a fact of a node.
func (l *lie) watch(name string, fact node.Fact) {
	now, light := time.Now(), strings.HasPrefix(name, string(config.Light))
	l.mu.Lock()
	defer l.mu.Unlock()
	switch f := fact.(type) {
	case node.Certified:
		if !light || l.ready[name] {
			return
		}
		l.ready[name] = true
	case node.Asserted:
		if f.Prover.PeerID() != l.liar || !l.told.IsZero() {
			return
		}
		l.told, l.key = now, f.Prover
	case node.Refuted:
		if _, done := l.rejected[name]; !light || done || f.Accused.PeerID() != l.liar {
			return
		}
		l.rejected[name] = now
	default:
		return
	}
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// until waits for a condition.
func (l *lie) until(ctx context.Context, what string, holds func() bool) error {
	for {
		l.mu.Lock()
		done := holds()
		l.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-l.changed:
		case <-ctx.Done():
			return fmt.Errorf("bench: %s: %w", what, context.Cause(ctx))
		}
	}
}

// drill runs a network with a lying prover until its bond is slashed.
func drill(ctx context.Context, summary *fraudSummary) (err error) {
	sandbox, err := sandboxCommand()
	if err != nil {
		return err
	}
	l := &lie{ready: map[string]bool{}, rejected: map[string]time.Time{}, changed: make(chan struct{}, 1)}
	net, err := devnet.Open(devnet.Config{Sequencers: 4, Provers: 1, Lights: drillLights, DishonestProver: true, RPC: "127.0.0.1:0",
		Payload: types.PayloadEthereum, Sandbox: sandbox, ChallengeWindow: 10 * time.Second, Delay: drillDelay, Watch: l.watch})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, net.Close()) }()
	ready := net.Ready()
	for _, n := range ready.Nodes {
		if n.Name == devnet.DishonestProver {
			l.liar = n.PeerID
		}
	}
	summary.Hosts, summary.Lights, summary.DelayMs = len(ready.Nodes), drillLights, drillDelay.Seconds()*1000

	running, stop := context.WithTimeoutCause(ctx, drillTime, errors.New("not within "+drillTime.String()))
	defer stop()
	group, inner := errgroup.WithContext(running)
	group.Go(func() error { return net.Run(inner, nil, false) })
	group.Go(func() error {
		defer stop()
		return l.follow(inner, ready, summary)
	})
	return group.Wait()
}

// follow sends a transaction once all light clients are there, and takes the times of what comes of it.
func (l *lie) follow(ctx context.Context, ready devnet.Ready, summary *fraudSummary) error {
	if err := l.until(ctx, "light clients follow", func() bool { return len(l.ready) == drillLights }); err != nil {
		return err
	}
	client, err := ethclient.DialContext(ctx, ready.RPC)
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	defer client.Close()
	if err := transfer(ctx, client, ready); err != nil {
		return err
	}
	if err := l.until(ctx, "a lie is told", func() bool { return !l.told.IsZero() }); err != nil {
		return err
	}
	slashed, err := l.slashed(ctx, client)
	if err != nil {
		return err
	}
	if err := l.until(ctx, "light clients reject the lie", func() bool { return len(l.rejected) == drillLights }); err != nil {
		return err
	}
	var last time.Time
	for _, at := range l.rejected {
		if at.After(last) {
			last = at
		}
	}
	summary.DetectMs, summary.SlashMs = last.Sub(l.told).Seconds()*1000, slashed.Sub(l.told).Seconds()*1000
	return nil
}

// transfer gives the provers something to assert.
func transfer(ctx context.Context, client *ethclient.Client, ready devnet.Ready) error {
	key, err := crypto.HexToECDSA(strings.TrimPrefix(ready.Accounts[0].PrivateKey, "0x"))
	if err != nil {
		return fmt.Errorf("bench: key of the first account: %w", err)
	}
	chain, to := new(big.Int).SetUint64(ready.ChainID), common.HexToAddress(ready.Accounts[1].Address)
	tx, err := ethtypes.SignNewTx(key, ethtypes.LatestSignerForChainID(chain), &ethtypes.DynamicFeeTx{ChainID: chain, GasTipCap: big.NewInt(1e9),
		GasFeeCap: big.NewInt(100e9), Gas: 21_000, To: &to, Value: big.NewInt(1)})
	if err != nil {
		return fmt.Errorf("bench: sign: %w", err)
	}
	if err := client.SendTransaction(ctx, tx); err != nil {
		return fmt.Errorf("bench: send: %w", err)
	}
	return nil
}

// slashed waits until the executed state shows the liar's bond as slashed.
func (l *lie) slashed(ctx context.Context, client *ethclient.Client) (time.Time, error) {
	abi, vault := contracts.NewBonds(), common.HexToAddress(config.FeeVault)
	call := ethereum.CallMsg{To: &vault, Data: abi.PackBondOf(l.key)}
	for {
		answer, err := client.CallContract(ctx, call, nil)
		now := time.Now()
		if err != nil {
			return now, fmt.Errorf("bench: bond of the liar: %w", err)
		}
		bond, err := abi.UnpackBondOf(answer)
		if err != nil {
			return now, fmt.Errorf("bench: bond of the liar: %w", err)
		}
		if execution.BondStatus(bond.Status) == execution.BondSlashed {
			return now, nil
		}
		select {
		case <-time.After(drillPoll):
		case <-ctx.Done():
			return now, fmt.Errorf("bench: the liar's bond is slashed: %w", context.Cause(ctx))
		}
	}
}
