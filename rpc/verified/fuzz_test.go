package verified

import (
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/types"
)

// FuzzStateProof: whatever a peer answers, what is read out of it is the truth or an error.
func FuzzStateProof(f *testing.F) {
	w := newWorld(f)
	root := common.Hash(w.rootOf(w.head))
	slots := []common.Hash{common.HexToHash("0x3"), common.HexToHash("0xffff")}
	answer, err := honest(w.Swarm)(&types.StateRequest{Kind: types.ProofState, Height: w.head, Want: types.Hash(root), Account: exectest.StoreAddress,
		Slots: []types.Hash{types.Hash(slots[0]), types.Hash(slots[1])}})
	if err != nil {
		f.Fatal(err)
	}
	truth, err := check(root, exectest.StoreAddress, slots, answer)
	if err != nil || truth.slots[slots[0]].value != common.HexToHash("0x4d") {
		f.Fatal(truth, err)
	}
	f.Add(answer)
	f.Add(answer[:len(answer)/2])
	f.Add([]byte{0xc0})
	f.Fuzz(func(t *testing.T, answer []byte) {
		got, err := check(root, exectest.StoreAddress, slots, answer)
		if err != nil {
			return
		}
		if got.state.Root != truth.state.Root || got.state.Nonce != truth.state.Nonce || !got.state.Balance.Eq(truth.state.Balance) ||
			got.slots[slots[0]].value != truth.slots[slots[0]].value || got.slots[slots[1]].value != (common.Hash{}) {
			t.Errorf("%x proves %+v", answer, got)
		}
	})
}

// FuzzReceipts: a liar's claim may commit to any bytes as receipts; they are read or refused, and nothing else happens.
func FuzzReceipts(f *testing.F) {
	w := newWorld(f)
	value := (&followed{w.Swarm, w.head, w.head}).value(w.head - 2)
	leaves, err := w.Chain.ReceiptLeaves(value.Height, value.Claim.Receipts, 0)
	if err != nil {
		f.Fatal(err)
	}
	data, err := w.Data(value.Height)
	if err != nil {
		f.Fatal(err)
	}
	for _, leaf := range leaves {
		f.Add(leaf, leaves[0])
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		v := New(Config{Rules: w.Rules(), Chain: &followed{w.Swarm, w.head, w.head}})
		lie := value
		lie.Claim.Receipts = execution.Frontier{}.Append(first).Append(second).Root()
		lie.Claim.Transactions = 2
		at, err := v.known(lie)
		if err != nil {
			t.Fatal(err)
		}
		read, err := v.leaves(at, func(*types.StateRequest) ([]byte, error) {
			return types.EncodeReceiptLeaves([][]byte{first, second}), nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if b, err := v.assemble(at, types.DecodeBlockData(data), read); err == nil && (len(b.Receipts) != 2 || len(b.Block.Transactions()) != 2) {
			t.Errorf("%d receipts of %d transactions", len(b.Receipts), len(b.Block.Transactions()))
		}
	})
}
