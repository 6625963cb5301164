package verified

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/core/vm/program"
	gethrpc "github.com/ethereum/go-ethereum/rpc"

	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/types"
)

// surroundings returns what a contract can ask about the block and about others.
func surroundings() []byte {
	p := program.New()
	at := 0
	keep := func() { p.Push(at).Op(vm.MSTORE); at += 32 }
	for _, op := range []vm.OpCode{vm.NUMBER, vm.TIMESTAMP, vm.PREVRANDAO, vm.COINBASE, vm.GASLIMIT, vm.BASEFEE, vm.CHAINID, vm.ORIGIN} {
		p.Op(op)
		keep()
	}
	p.Push(1).Op(vm.NUMBER, vm.SUB, vm.BLOCKHASH)
	keep()
	for _, address := range []common.Address{exectest.Address(1), exectest.StoreAddress, {0xee}} {
		for _, op := range []vm.OpCode{vm.BALANCE, vm.EXTCODEHASH, vm.EXTCODESIZE} {
			p.Push(address.Bytes()).Op(op)
			keep()
		}
	}
	return p.Push(at).Push(0).Op(vm.RETURN).Bytes()
}

// questions are those that both kinds of node answer alike, about the newest block.
func questions(t testing.TB, w *world) []question {
	last := hexutil.EncodeUint64(uint64(w.head))
	rich := hexutil.EncodeUint64(uint64(w.head - 2)) // the block with logs and a skipped transaction
	sload := hexutil.Encode(program.New().Push(3).Op(vm.SLOAD).Push(0).Op(vm.MSTORE).Push(32).Push(0).Op(vm.RETURN).Bytes())
	call := func(args map[string]any, more ...any) []any { return append([]any{args, last}, more...) }
	qs := []question{
		{"chain id", "eth_chainId", nil},
		{"network", "net_version", nil},
		{"accounts", "eth_accounts", nil},
		{"no balance", "eth_getBalance", []any{common.Address{0xee}, last}},
		{"code", "eth_getCode", []any{exectest.StoreAddress, last}},
		{"no code", "eth_getCode", []any{exectest.Address(1), last}},
		{"slot", "eth_getStorageAt", []any{exectest.StoreAddress, "0x3", last}},
		{"empty slot", "eth_getStorageAt", []any{exectest.StoreAddress, "0xffff", last}},
		{"slot of nobody", "eth_getStorageAt", []any{common.Address{0xee}, "0x0", last}},
		{"proof", "eth_getProof", []any{exectest.StoreAddress, []string{"0x3", "0xffff", common.HexToHash("0x4").Hex()}, last}},
		{"proof of nobody", "eth_getProof", []any{common.Address{0xee}, []string{"0x3"}, last}},
		{"receipt", "eth_getTransactionReceipt", []any{hashOf(t, w.transfer)}},
		{"receipt with log", "eth_getTransactionReceipt", []any{hashOf(t, w.logged)}},
		{"transaction", "eth_getTransactionByHash", []any{hashOf(t, w.logged)}},
		{"receipts of a block", "eth_getBlockReceipts", []any{rich}},
		{"block", "eth_getBlockByNumber", []any{rich, false}},
		{"whole block", "eth_getBlockByNumber", []any{rich, true}},
		{"logs", "eth_getLogs", []any{map[string]any{"fromBlock": rich, "toBlock": rich}}},
		{"logs by address", "eth_getLogs", []any{map[string]any{"fromBlock": "0x1", "toBlock": last, "address": exectest.StoreAddress}}},
		{"logs by topic", "eth_getLogs", []any{map[string]any{"fromBlock": "0x1", "toBlock": last, "topics": []any{common.HexToHash("0x3")}}}},
		{"call", "eth_call", call(map[string]any{"input": hexutil.Encode(surroundings())})},
		{"call with value", "eth_call", call(map[string]any{"from": exectest.Address(1), "to": common.Address{0xaa}, "value": "0x5"})},
		{"call with other code", "eth_call", call(map[string]any{"to": exectest.StoreAddress}, map[string]any{exectest.StoreAddress.Hex(): map[string]any{"code": sload}})},
		{"call in another block", "eth_call", call(map[string]any{"input": hexutil.Encode(program.New().Op(vm.TIMESTAMP).Push(0).Op(vm.MSTORE).Push(32).Push(0).Op(vm.RETURN).Bytes())},
			map[string]any{}, map[string]any{"time": "0x77"})},
	}
	for name, args := range map[string]map[string]any{
		"transfer": {"from": exectest.Address(1), "to": exectest.Address(2), "value": "0x5"}, "creation": {"from": exectest.Address(1), "input": hexutil.Encode(surroundings())},
		"store": {"from": exectest.Address(1), "to": exectest.StoreAddress, "input": hexutil.Encode(exectest.Words(900, 1))},
	} {
		qs = append(qs, question{"estimate of a " + name, "eth_estimateGas", call(args)})
	}
	for i := range 6 {
		qs = append(qs, question{fmt.Sprint("balance ", i), "eth_getBalance", []any{exectest.Address(i), last}},
			question{fmt.Sprint("nonce ", i), "eth_getTransactionCount", []any{exectest.Address(i), last}})
	}
	for h := uint64(1); h <= uint64(w.head); h++ {
		qs = append(qs, question{fmt.Sprint("block ", h), "eth_getBlockByNumber", []any{hexutil.EncodeUint64(h), true}})
	}
	return qs
}

// shown replaces Ethereum's block hashes by digests of certified headers, which are what a light client can know.
func shown(t *testing.T, w *world, full *gethrpc.Client, answer string) string {
	t.Helper()
	for h := types.Height(0); h <= w.head; h++ {
		var block struct{ Hash common.Hash }
		if err := full.CallContext(context.Background(), &block, "eth_getHeaderByNumber", hexutil.EncodeUint64(uint64(h))); err != nil {
			t.Fatal(err)
		}
		header, err := w.Chain.Header(h)
		if err != nil {
			t.Fatal(err)
		}
		answer = strings.ReplaceAll(answer, block.Hash.Hex(), common.Hash(header.Digest()).Hex())
	}
	return answer
}

// TestAnswersAreAFullNodes: what is proven is what whoever executed answers.
func TestAnswersAreAFullNodes(t *testing.T) {
	w := newWorld(t)
	full := w.full(t)
	c := &crowd{peers: []peerFunc{honest(w.Swarm)}}
	client := w.light(t, &followed{w.Swarm, w.head, w.head}, c)
	for _, q := range questions(t, w) {
		want, err := ask(full, q)
		if err != nil {
			t.Fatalf("%s: full node: %v", q.name, err)
		}
		got, err := ask(client, q)
		if want = shown(t, w, full, want); err != nil || got != want {
			t.Errorf("%s:\n  proven %s, %v\n  full   %s", q.name, got, err, want)
		}
	}
	if c.lies > 0 {
		t.Errorf("%d answers of an honest peer count as lies", c.lies)
	}
	revert := question{"revert", "eth_call", []any{map[string]any{"to": exectest.RevertAddress, "input": hexutil.Encode(exectest.Words(1, 2))}, "latest"}}
	_, wanted := ask(full, revert)
	if _, err := ask(client, revert); err == nil || err.Error() != wanted.Error() {
		t.Errorf("revert: %v, a full node says %v", err, wanted)
	}
}

// TestUnprovableIsAnError: never null, never a guess.
func TestUnprovableIsAnError(t *testing.T) {
	w := newWorld(t)
	f := &followed{w.Swarm, w.head - 3, w.head - 1}
	client := w.light(t, f, &crowd{peers: []peerFunc{honest(w.Swarm)}})
	height := func(h types.Height) string { return hexutil.EncodeUint64(uint64(h)) }
	for _, q := range []question{
		{"a block without a claim", "eth_getBalance", []any{exectest.Address(1), height(w.head)}},
		{"a block that is not there", "eth_getBlockByNumber", []any{"0xffffff", false}},
		{"a hash nobody knows", "eth_getBlockByHash", []any{common.Hash{1}, false}},
		{"Ethereum's hash", "eth_getBalance", []any{exectest.Address(1), map[string]any{"blockHash": w.Chain.Head().Hash()}}},
		{"a transaction nobody knows", "eth_getTransactionReceipt", []any{common.Hash{1}}},
		{"a transaction nobody knows", "eth_getTransactionByHash", []any{common.Hash{1}}},
		{"a skipped transaction", "eth_getTransactionReceipt", []any{hashOf(t, w.skipped), "safe"}},
		{"a receipt above the settled", "eth_getTransactionReceipt", []any{hashOf(t, w.transfer)}},
		{"logs up to no claim", "eth_getLogs", []any{map[string]any{"fromBlock": "0x1", "toBlock": height(w.head)}}},
		{"logs of too many blocks", "eth_getLogs", []any{map[string]any{"fromBlock": "0x0", "toBlock": "0x80"}}},
	} {
		got, err := ask(client, q)
		var coded gethrpc.Error
		if err == nil || !errors.As(err, &coded) || coded.ErrorCode() == -32000 {
			t.Errorf("%s: %s, %v", q.name, got, err)
		}
	}
	if _, err := ask(client, question{"", "eth_getTransactionReceipt", []any{hashOf(t, w.transfer), "safe"}}); err != nil {
		t.Errorf("a receipt of an asserted block, asked for as such: %v", err)
	}
}

// TestTagsOfALightClient: latest, finalized and nothing stand for settled, safe and pending for asserted, or as configured.
func TestTagsOfALightClient(t *testing.T) {
	w := newWorld(t)
	f := &followed{w.Swarm, w.head - 3, w.head - 1}
	for _, asserted := range []bool{false, true} {
		v := New(Config{Rules: w.Rules(), Chain: f, Peers: &crowd{peers: []peerFunc{honest(w.Swarm)}}, Asserted: asserted})
		latest := f.settled
		if asserted {
			latest = f.asserted
		}
		for tag, want := range map[gethrpc.BlockNumber]types.Height{gethrpc.LatestBlockNumber: latest, gethrpc.PendingBlockNumber: f.asserted,
			gethrpc.FinalizedBlockNumber: f.settled, gethrpc.SafeBlockNumber: f.asserted, gethrpc.EarliestBlockNumber: 0} {
			at := gethrpc.BlockNumberOrHashWithNumber(tag)
			if got, err := v.At(&at); err != nil || got.Certified.Height != want || got.Settled != (want <= f.settled) {
				t.Errorf("%s: %+v, %v, want %d", tag, got, err, want)
			}
		}
		if got, err := v.At(nil); err != nil || got.Certified.Height != latest {
			t.Errorf("no tag: %+v, %v", got, err)
		}
		digest := f.value(3).Digest
		at := gethrpc.BlockNumberOrHashWithHash(common.Hash(digest), true)
		if got, err := v.At(&at); err != nil || got.Certified.Height != 3 {
			t.Errorf("by digest: %+v, %v", got, err)
		}
	}
}

// TestLimitOfReads: one request has so many proofs fetched, and then no answer.
func TestLimitOfReads(t *testing.T) {
	w := newWorld(t)
	c := &crowd{peers: []peerFunc{honest(w.Swarm)}}
	v := New(Config{Rules: w.Rules(), Chain: &followed{w.Swarm, w.head, w.head}, Peers: c})
	at, err := v.At(nil)
	if err != nil {
		t.Fatal(err)
	}
	s, failure, err := v.State(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 512 {
		s.GetBalance(common.BigToAddress(big.NewInt(int64(i))))
	}
	if err := failure(); err != nil || c.asked != 512 {
		t.Fatalf("%d proofs: %v", c.asked, err)
	}
	s.GetBalance(common.BigToAddress(big.NewInt(512)))
	if err := failure(); !errors.Is(err, ErrUnproven) || c.asked != 512 {
		t.Errorf("%d proofs: %v", c.asked, err)
	}
}
