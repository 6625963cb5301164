package execution_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/types"
)

// admitted are transactions that a pool knows.
type admitted map[common.Hash]*ethtypes.Transaction

func (a admitted) Get(hash common.Hash) *ethtypes.Transaction { return a[hash] }

// Blocks that are prepared, looked up and executed ahead of each other, some of their transactions known from elsewhere, come
// to the same as one after the other.
func TestPreparingChangesNothing(t *testing.T) {
	plain, ahead := exectest.New(t, nil), exectest.New(t, nil)
	known := admitted{}
	ahead.Chain.Know(known)
	random := rand.New(rand.NewPCG(21, 4))
	signer := plain.Signer()
	var results []*execution.Result
	var blocks []exectest.Stored
	for range 12 {
		var envelopes [][]byte
		for range 40 {
			e := plain.Torture(random)
			envelopes = append(envelopes, e)
			if tx := execution.DecodeTransaction(e); tx != nil && random.IntN(2) == 0 {
				if _, err := ethtypes.Sender(signer, tx); err == nil {
					known[crypto.Keccak256Hash(e)] = tx
				}
			}
		}
		results = append(results, plain.Apply(envelopes...))
		blocks = append(blocks, ahead.Next(envelopes...))
	}
	used := 0
	next := ahead.Chain.Prepare(blocks[0].Data)
	for i, b := range blocks {
		prepared, done := next, make(chan struct{})
		go func() {
			defer close(done)
			if i+1 < len(blocks) {
				next = ahead.Chain.Prepare(blocks[i+1].Data)
				ahead.Chain.Prefetch(next)
			}
		}()
		r, err := ahead.Chain.ApplyPrepared(b.Header.Header, prepared, i+1 == len(blocks))
		<-done
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(r.Claims, results[i].Claims) || r.Block.Hash() != results[i].Block.Hash() {
			t.Fatalf("block %d comes to something else", i+1)
		}
		for place, e := range types.DecodeBlockData(b.Data) {
			if prepared.Hashes()[place] != types.Hash(crypto.Keccak256Hash(e)) {
				t.Fatalf("hash of place %d", place)
			}
		}
		for _, tx := range r.Block.Transactions() {
			if known[tx.Hash()] == tx {
				used++
			}
		}
	}
	if used < 100 {
		t.Fatalf("only %d known transactions were used", used)
	}
}

// Blocks that need not be durable survive a crash of the process, come again after a power cut, and become durable with the
// next one that must be.
func TestBlocksThatNeedNotBeDurable(t *testing.T) {
	s := exectest.New(t, nil)
	s.Chain.SetDurableEvery(3)
	var last *execution.Result
	for i := range 10 {
		b := s.Next(s.Transfer(0, 200, int64(i)))
		var err error
		if last, err = s.Chain.ApplyPrepared(b.Header.Header, s.Chain.Prepare(b.Data), false); err != nil {
			t.Fatal(err)
		}
	}
	crash(s)
	s.Open()
	for height := s.Chain.Height() + 1; height <= last.Height; height++ {
		if _, err := s.Chain.Apply(s.Stored[height].Header.Header, s.Stored[height].Data); err != nil {
			t.Fatal(err)
		}
	}
	claim, err := s.Chain.LastClaim(10)
	if err != nil || claim != last.Claims[0] || s.Chain.Durable() < 9 {
		t.Fatal(claim, err, s.Chain.Durable())
	}
}
