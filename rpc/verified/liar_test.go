package verified

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/core/vm/program"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/types"
)

// lie changes an honest answer; nil: it has nothing to say to this question.
type lie func(r *types.StateRequest, answer []byte) []byte

// ofKind limits a lie to one kind of question.
func ofKind(kind types.ProofKind, change func(*types.StateRequest, []byte) []byte) lie {
	return func(r *types.StateRequest, answer []byte) []byte {
		if r.Kind != kind {
			return nil
		}
		return change(r, answer)
	}
}

// nodes changes the list of trie nodes, leaves that of receipts.
func nodes(change func([][]byte) [][]byte) lie {
	return ofKind(types.ProofState, func(_ *types.StateRequest, answer []byte) []byte {
		list, _ := types.DecodeProofNodes(answer)
		return types.EncodeProofNodes(change(list))
	})
}

func leaves(change func([][]byte) [][]byte) lie {
	return ofKind(types.ProofReceipts, func(_ *types.StateRequest, answer []byte) []byte {
		list, _ := types.DecodeReceiptLeaves(answer)
		return types.EncodeReceiptLeaves(change(list))
	})
}

// instead answers another question than the one that was asked.
func instead(w *world, kind types.ProofKind, change func(*types.StateRequest)) lie {
	return ofKind(kind, func(r *types.StateRequest, _ []byte) []byte {
		other := *r
		other.Slots = slices.Clone(r.Slots)
		change(&other)
		answer, err := honest(w.Swarm)(&other)
		if err != nil {
			return nil
		}
		return answer
	})
}

func (w *world) rootOf(h types.Height) types.Hash {
	claim, err := w.Chain.LastClaim(h)
	if err != nil {
		w.TB.Fatal(err)
	}
	return types.Hash(claim.Root)
}

// lies are ways to answer wrongly.
func lies(w *world) map[string]lie {
	list := map[string]lie{
		"nothing":           func(*types.StateRequest, []byte) []byte { return []byte{} },
		"an empty list":     func(*types.StateRequest, []byte) []byte { return []byte{0xc0} },
		"one byte more":     func(_ *types.StateRequest, a []byte) []byte { return append(slices.Clone(a), 0) },
		"one byte less":     func(_ *types.StateRequest, a []byte) []byte { return a[:max(0, len(a)-1)] },
		"no root":           nodes(func(n [][]byte) [][]byte { return n[1:] }),
		"no leaf":           nodes(func(n [][]byte) [][]byte { return n[:len(n)-1] }),
		"a node twice":      nodes(func(n [][]byte) [][]byte { return append(n, n[0]) }),
		"a foreign node":    nodes(func(n [][]byte) [][]byte { return append(n, []byte{0xc2, 0x20, 0x01}) }),
		"another account":   instead(w, types.ProofState, func(r *types.StateRequest) { r.Account = exectest.Address(40) }),
		"no slots":          instead(w, types.ProofState, func(r *types.StateRequest) { r.Slots = nil }),
		"other slots":       instead(w, types.ProofState, func(r *types.StateRequest) { r.Slots = []types.Hash{{0x99}} }),
		"another code":      ofKind(types.ProofCode, func(*types.StateRequest, []byte) []byte { return []byte{0x60, 0, 0xff} }),
		"no receipts":       leaves(func([][]byte) [][]byte { return nil }),
		"a receipt less":    leaves(func(l [][]byte) [][]byte { return l[:len(l)-1] }),
		"a receipt twice":   leaves(func(l [][]byte) [][]byte { return append(l, l[0]) }),
		"order of receipts": leaves(func(l [][]byte) [][]byte { slices.Reverse(l); return l }),
		"a log left out":    leaves(withoutLog),
		"another place":     leaves(func(l [][]byte) [][]byte { l[0][7] ^= 1; return l }),
		"another status":    leaves(func(l [][]byte) [][]byte { return eachReceipt(l, func(l []byte) { flip(l, len(l)/2) }) }),
		"another block": ofKind(types.ProofPlace, func(r *types.StateRequest, a []byte) []byte {
			h, _ := types.DecodePlace(a)
			return types.EncodePlace(h%w.head + 1)
		}),
		"a block beyond": ofKind(types.ProofPlace, func(*types.StateRequest, []byte) []byte { return types.EncodePlace(1 << 40) }),
	}
	for back := types.Height(1); back <= 3; back++ {
		list[fmt.Sprint("a state of ", back, " blocks before")] = instead(w, types.ProofState, func(r *types.StateRequest) {
			if r.Height > back {
				r.Height -= back
				r.Want = w.rootOf(r.Height)
			}
		})
	}
	for at := range 24 { // a bit, spread over the answer
		list[fmt.Sprint("bit ", at)] = func(_ *types.StateRequest, a []byte) []byte {
			a = slices.Clone(a)
			flip(a, at*len(a)/24)
			return a
		}
	}
	return list
}

func flip(b []byte, at int) {
	if at < len(b) {
		b[at] ^= 1
	}
}

func eachReceipt(leaves [][]byte, change func([]byte)) [][]byte {
	for _, l := range leaves {
		change(l)
	}
	return leaves
}

// withoutLog drops the first log there is, as if it had never been.
func withoutLog(leaves [][]byte) [][]byte {
	for i, leaf := range leaves {
		place, r, err := execution.DecodeReceiptLeaf(leaf)
		if err != nil || len(r.Logs) == 0 {
			continue
		}
		r.Logs = r.Logs[1:]
		leaves[i], _ = execution.ReceiptLeaf(place, r)
		break
	}
	return leaves
}

// asking are the questions of whose answers every part is fetched from peers.
func asking(t *testing.T, w *world) []question {
	rich := hexutil.EncodeUint64(uint64(w.head - 2))
	last := hexutil.EncodeUint64(uint64(w.head))
	sload := hexutil.Encode(program.New().Push(3).Op(vm.SLOAD).Push(0).Op(vm.MSTORE).Push(32).Push(0).Op(vm.RETURN).Bytes())
	return []question{
		{"balance", "eth_getBalance", []any{exectest.Address(1), last}},
		{"nonce", "eth_getTransactionCount", []any{exectest.Address(2), last}},
		{"code", "eth_getCode", []any{exectest.StoreAddress, last}},
		{"slot", "eth_getStorageAt", []any{exectest.StoreAddress, "0x3", last}},
		{"proof", "eth_getProof", []any{exectest.StoreAddress, []string{"0x3", "0x4"}, last}},
		{"receipt", "eth_getTransactionReceipt", []any{hashOf(t, w.logged)}},
		{"transaction", "eth_getTransactionByHash", []any{hashOf(t, w.transfer)}},
		{"logs", "eth_getLogs", []any{map[string]any{"fromBlock": rich, "toBlock": rich}}},
		{"block", "eth_getBlockByNumber", []any{rich, true}},
		{"call", "eth_call", []any{map[string]any{"input": hexutil.Encode(surroundings())}, last}},
		{"call of code and slot", "eth_call", []any{map[string]any{"to": exectest.StoreAddress}, last, map[string]any{exectest.StoreAddress.Hex(): map[string]any{"code": sload}}}},
		{"estimate", "eth_estimateGas", []any{map[string]any{"from": exectest.Address(1), "to": exectest.StoreAddress, "input": hexutil.Encode(exectest.Words(3, 1))}, last}},
		{"call of a contract", "eth_call", []any{map[string]any{"to": exectest.ReadAddress, "input": hexutil.Encode(exectest.Words(5))}, last}},
	}
}

// TestALiarChangesNoAnswer: alone it gets an error, beside an honest peer the right answer is given; that it lied is found.
func TestALiarChangesNoAnswer(t *testing.T) {
	w := newWorld(t)
	f := &followed{w.Swarm, w.head, w.head}
	right := make(map[string]string)
	questions := asking(t, w)
	fair := w.light(t, f, &crowd{peers: []peerFunc{honest(w.Swarm)}})
	for _, q := range questions {
		answer, err := ask(fair, q)
		if err != nil {
			t.Fatal(q.name, err)
		}
		right[q.name] = answer
	}
	caught := make(map[string]bool)
	for name, tell := range lies(w) {
		told, foretold := 0, 0
		liar := func(r *types.StateRequest) ([]byte, error) {
			answer, err := honest(w.Swarm)(r)
			if err != nil {
				return nil, err
			}
			if wrong := tell(r, slices.Clone(answer)); wrong != nil && !bytes.Equal(wrong, answer) {
				told++
				return wrong, nil
			}
			return answer, nil
		}
		for _, q := range questions {
			told = 0
			alone := &crowd{peers: []peerFunc{liar}}
			if answer, err := ask(w.light(t, f, alone), q); err == nil && answer != right[q.name] {
				t.Errorf("%s, %s: the liar's answer was given: %s", name, q.name, answer)
			} else if err == nil && told > 0 && alone.lies == 0 && !harmless(name) {
				t.Errorf("%s, %s: %d lies made no difference", name, q.name, told)
			}
			both := &crowd{peers: []peerFunc{liar, honest(w.Swarm)}}
			if answer, err := ask(w.light(t, f, both), q); err != nil || answer != right[q.name] {
				t.Errorf("%s, %s, with an honest peer: %s, %v", name, q.name, answer, err)
			}
			caught[name] = caught[name] || both.lies > 0
			foretold += told
		}
		if foretold == 0 {
			t.Errorf("%s: was never told", name)
		}
		if !caught[name] && name != "a block beyond" { // of a block that is not there nothing can be shown
			t.Errorf("%s: costs nothing", name)
		}
	}
}

// harmless are answers that prove what was asked for, besides something else or by another way.
func harmless(name string) bool {
	return name == "other slots" || name == "no slots" || name == "another account"
}
