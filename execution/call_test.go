package execution_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/holiman/uint256"

	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/types"
)

func message(to common.Address, gas uint64, data []byte) *core.Message {
	m := &core.Message{From: exectest.Address(0), To: &to, Value: new(uint256.Int), GasLimit: gas, GasPrice: new(uint256.Int),
		GasFeeCap: new(uint256.Int), GasTipCap: new(uint256.Int), Data: data}
	return m.SkipNonceCheck().SkipEOACheck()
}

func TestCallRunsUnderTheSameMeter(t *testing.T) {
	s := exectest.New(t, nil)
	s.Apply()
	call := func(ctx context.Context, slots uint64) (*core.ExecutionResult, error) {
		head := s.Chain.Head()
		state, err := s.Chain.StateAt(head.Root)
		if err != nil {
			t.Fatal(err)
		}
		block, err := s.Chain.BlockContext(head)
		if err != nil {
			t.Fatal(err)
		}
		return s.Chain.Call(ctx, message(exectest.ManyAddress, 5_000_000, exectest.Words(0, slots)), state, block, vm.Config{NoBaseFee: true}, nil)
	}
	if r, err := call(t.Context(), 50); err != nil || r.Err != nil || r.UsedGas >= 5_000_000 {
		t.Fatal(r, err)
	}
	if r, err := call(t.Context(), 200); err != nil || !errors.Is(r.Err, vm.ErrOutOfGas) || r.UsedGas != 5_000_000 {
		t.Fatal(r, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := call(ended, 80); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

func TestPreambleIsTheBlocksOwn(t *testing.T) {
	s := exectest.New(t, nil)
	parent := s.Apply(s.Transfer(0, 1, 1))
	empty := s.Apply()
	state, err := s.Chain.StateAt(parent.Block.Root())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Chain.Preamble(empty.Block.Header(), state); err != nil {
		t.Fatal(err)
	}
	rules := s.Chain.ChainConfig().Rules(empty.Block.Number(), true, empty.Block.Time())
	if got := state.IntermediateRoot(rules); got != empty.Block.Root() {
		t.Fatalf("preamble comes to %s, block to %s", got, empty.Block.Root())
	}
}

func TestNextBaseFeeForesees(t *testing.T) {
	s := exectest.New(t, nil)
	random := rand.New(rand.NewPCG(1, 1))
	for range 5 {
		want := s.Chain.NextBaseFee(s.Chain.Head())
		if r := s.Apply(s.Torture(random), s.Torture(random)); r.Block.BaseFee().Cmp(want) != 0 {
			t.Fatalf("block %d has base fee %s, foreseen %s", r.Height, r.Block.BaseFee(), want)
		}
	}
}

func TestReadersWhileApplying(t *testing.T) {
	s := exectest.New(t, nil)
	signal, cancel := s.Chain.SubscribeSignal()
	defer cancel()
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				head := s.Chain.Head()
				state, err := s.Chain.StateAt(head.Root)
				if err != nil {
					t.Error(err)
					return
				}
				state.GetBalance(exectest.Address(1))
				s.Chain.Nonce(exectest.Address(0))
				if _, err := s.Chain.Claims(s.Chain.Height()); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 20 {
		s.Apply(s.Transfer(0, 1, 1))
	}
	close(done)
	readers.Wait()
	select {
	case <-signal:
	default:
		t.Fatal("no signal of 20 blocks")
	}
}

func BenchmarkApply(b *testing.B) {
	s := exectest.New(b, func(g *types.Genesis) { g.ChunkTransactions, g.ChunkBytes, g.ChunkGas = 64, 2<<20, 30_000_000 })
	var total int
	for b.Loop() {
		b.StopTimer()
		var envelopes [][]byte
		for i := range 1000 {
			envelopes = append(envelopes, s.Transfer(i%exectest.Accounts, i%exectest.Accounts+1, 1))
		}
		block := s.Next(envelopes...)
		b.StartTimer()
		r, err := s.Chain.Apply(block.Header.Header, block.Data)
		if err != nil || len(r.Receipts) != 1000 {
			b.Fatal(len(r.Receipts), err)
		}
		total += len(r.Receipts)
	}
	b.ReportMetric(float64(total)/b.Elapsed().Seconds(), "tx/s")
}
