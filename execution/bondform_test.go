package execution_test

import (
	"bytes"
	"encoding/binary"
	"math/big"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/core/vm/program"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/types"
)

// claimed are well-formed claims of count blocks of one chunk.
func claimed(count int) (blocks []byte) {
	for range count {
		blocks = append(binary.BigEndian.AppendUint16(blocks, 1), make([]byte, 32+execution.ClaimBytes)...)
	}
	return blocks
}

// An assertion that a challenge could not show, or that says what no header stands for, is not taken: it comes from an
// account without code directly, is laid out in one way, and names the digest on the chain.
func TestAssertionsHaveOneForm(t *testing.T) {
	relay := common.HexToAddress("0xc0de000000000000000000000000000000000202")
	s := exectest.New(t, func(g *types.Genesis) {
		exectest.Bonded(g)
		g.Bonding.Owners[exectest.PublicKey(5).String()] = relay.Hex()
		p := program.New().Op(vm.CALLDATASIZE).Push(0).Push(0).Op(vm.CALLDATACOPY)
		p.Push(0).Push(0).Op(vm.CALLDATASIZE).Push(0).Push(0).Push(common.HexToAddress(g.FeeVault)).Op(vm.GAS, vm.CALL).Push(0).Op(vm.SSTORE)
		g.Alloc[relay.Hex()] = types.GenesisAccount{Nonce: 1, Code: hexutil.Encode(p.Bytes())}
	})
	s.Apply(s.Authorize(20, 6, exectest.StoreAddress, exectest.Words(1, 1))) // the owner of prover 6 has code now
	s.Apply()
	abi := exectest.ABI()
	on := exectest.View(s, abi.PackSettled(), abi.UnpackSettled).Value
	pack := func(peer int, digest types.Hash, blocks []byte) []byte {
		return abi.PackAssertValue(exectest.PublicKey(peer), on, 0, 1, digest, blocks)
	}
	right := pack(4, digestOf(s, 1), claimed(1))
	moved := slices.Concat(right[:4+5*32], common.BigToHash(big.NewInt(7*32)).Bytes(), make([]byte, 32), right[4+6*32:])
	noChunks := claimed(1)
	noChunks[1] = 0
	relayed := s.Call(0, &relay, 0, 2_000_000, pack(5, digestOf(s, 1), claimed(1)))
	r := s.Apply(
		s.Send(4, new(big.Int), moved),
		s.Send(4, new(big.Int), append(bytes.Clone(right), make([]byte, 32)...)),
		s.Send(4, new(big.Int), pack(4, types.Hash{1}, claimed(1))),
		s.Send(4, new(big.Int), pack(4, digestOf(s, 1), append(claimed(1), 0))),
		s.Send(4, new(big.Int), pack(4, digestOf(s, 1), noChunks)),
		s.Send(6, new(big.Int), pack(6, digestOf(s, 1), claimed(1))),
		s.Send(4, new(big.Int), right),
	)
	if want := []uint64{0, 0, 0, 0, 0, 0, 1}; !slices.Equal(statuses(r), want) {
		t.Fatalf("statuses %v, want %v", statuses(r), want)
	}
	s.Apply(relayed)
	if queue := exectest.View(s, abi.PackQueue(), abi.UnpackQueue); queue.Next != 1 {
		t.Fatalf("queue %+v", queue)
	}
	step := exectest.View(s, abi.PackStepAt(new(big.Int)), abi.UnpackStepAt)
	if len(step.Supporters) != 1 {
		t.Fatal("a contract's call was taken")
	}
}

// One assertion covers 512 blocks and no more.
func TestAssertionCoversAtMost512Blocks(t *testing.T) {
	s := exectest.New(t, func(g *types.Genesis) {
		exectest.Bonded(g)
		g.EpochLength, g.UnbondingDelay = 1000, 1_000_000_000
	})
	for range 514 {
		s.Apply()
	}
	abi := exectest.ABI()
	on := exectest.View(s, abi.PackSettled(), abi.UnpackSettled).Value
	call := func(peer, count int) []byte {
		to := s.Contract()
		data := abi.PackAssertValue(exectest.PublicKey(peer), on, 0, uint64(count), digestOf(s, types.Height(count)), claimed(count))
		return s.Call(peer, &to, 0, 10_000_000, data)
	}
	if have := statuses(s.Apply(call(4, 513), call(5, 512))); have[0] != 0 || have[1] != 1 {
		t.Fatal(have)
	}
}
