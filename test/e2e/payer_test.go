package e2e

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/ethclient"
)

// paidWithin bounds the time from sending a transaction to its receipt.
const paidWithin = 20 * time.Second

// payer is somebody with a wallet: one transfer after the other, each once the one before has its receipt.
type payer struct {
	*wallet
	done sync.WaitGroup
	stop context.CancelFunc

	longest time.Duration // to a receipt; valid once done
	err     error         // what ended it early
}

// pay begins to send; it ends with the test.
func pay(t *testing.T, w *wallet) *payer {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p := &payer{wallet: w, stop: cancel}
	t.Cleanup(func() { cancel(); p.done.Wait() })
	p.done.Add(1)
	go func() {
		defer p.done.Done()
		for ctx.Err() == nil && p.err == nil {
			p.err = p.transfer()
		}
	}()
	return p
}

// transfer sends one and waits for its receipt, also when the payer is to end.
func (p *payer) transfer() error {
	begin, tx := time.Now(), p.next()
	if answered, err := p.offer(0, tx); err != nil {
		return fmt.Errorf("transfer %d (answered: %v): %w", tx.Nonce(), answered, err)
	}
	p.sent = append(p.sent, tx)
	client := ethclient.NewClient(p.entry(0))
	for {
		receipt, err := client.TransactionReceipt(context.Background(), tx.Hash())
		took := time.Since(begin)
		switch {
		case err == nil && receipt.Status != ethtypes.ReceiptStatusSuccessful:
			return fmt.Errorf("transfer %d failed", tx.Nonce())
		case err == nil:
			p.longest = max(p.longest, took)
			return nil
		case took > paidWithin:
			state, unknown := stateOf(p.entry(0), tx)
			return fmt.Errorf("transfer %d has no receipt after %v, it is %q: %w", tx.Nonce(), took, state, errors.Join(err, unknown))
		}
		time.Sleep(lookEvery)
	}
}

// end waits for the last receipt, and demands that every transfer had one.
func (p *payer) end(t *testing.T) {
	t.Helper()
	p.stop()
	p.done.Wait()
	if p.err != nil {
		t.Errorf("%s: %v", p.address, p.err)
	}
	t.Logf("%s: %d transfers one after the other, each executed within %v", p.address, len(p.sent), p.longest.Round(time.Millisecond))
}
