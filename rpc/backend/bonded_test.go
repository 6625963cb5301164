package backend

import (
	"context"
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/rawdb"
	ethtypes "github.com/ethereum/go-ethereum/core/types"

	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/types"
)

// fixedTags say the same always.
type fixedTags types.Height

func (f fixedTags) Safe() types.Height      { return types.Height(f) }
func (f fixedTags) Finalized() types.Height { return types.Height(f) }

// A replay of a block with calls of the bonding contract ends in the state the block ended in, also where the contract
// refused one: what is traced is what was executed.
func TestReplayWithTheBondingContract(t *testing.T) {
	s := exectest.New(t, exectest.Bonded)
	ether := big.NewInt(exectest.Ether)
	slash := func(h *types.Header) {
		h.Verdicts = []types.Verdict{{Kind: 1, Accused: exectest.PublicKey(4), Payee: [20]byte(exectest.Address(3))}}
	}
	refused := func(h *types.Header) {
		h.Next = new(types.EpochEnd) // larger than any committee that the contract can name
		for i := range types.MaxCommittee {
			key := types.PublicKey{31: byte(i), 30: byte(i >> 8)}
			h.Next.Committee = append(h.Next.Committee, types.CommitteeMember{Key: key, Stake: 1})
		}
	}
	for i, change := range []func(*types.Header){nil, nil, nil, slash, refused, nil} {
		r := s.ApplyHeader(change, s.Bond(10+i, 20+i, types.BondProver, new(big.Int).Mul(ether, big.NewInt(3))), s.Send(0, ether, nil))
		replayed(t, New(s.Chain, fixedTags(0)), r.Block)
	}
}

// replayed executes a block again from its parent's state, as a trace does.
func replayed(t *testing.T, b *Chain, block *ethtypes.Block) {
	t.Helper()
	header := block.Header()
	statedb, err := b.StateAt(rawdb.ReadHeader(b.Disk(), header.ParentHash, header.Number.Uint64()-1))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Preamble(header, statedb); err != nil {
		t.Fatal(err)
	}
	signer := ethtypes.LatestSigner(b.ChainConfig())
	rules := b.ChainConfig().Rules(header.Number, true, header.Time)
	for i, tx := range block.Transactions() {
		message, err := core.TransactionToMessage(tx, signer, header.BaseFee)
		if err != nil {
			t.Fatal(err)
		}
		statedb.SetTxContext(tx.Hash(), i, uint32(i+1))
		if _, err := b.Apply(context.Background(), rpc.Call{Message: message, State: statedb, Block: b.BlockContext(header)}); err != nil {
			t.Fatal(err)
		}
		statedb.Finalise(rules)
	}
	if have := statedb.IntermediateRoot(rules); have != header.Root {
		t.Errorf("block %d: the replay ends in %s, the block in %s", header.Number, have, header.Root)
	}
}
