package fraud

import (
	"errors"
	"fmt"
	"maps"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/core/vm/program"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/types"
)

// Contracts that do one thing to (word0 + i) for each i below word1. What costs most witness for its gas, by
// research into stateless Ethereum: codes, absent accounts, slots, deletions that pull up siblings.
var (
	codesAddress   = common.HexToAddress("0xc0de000000000000000000000000000000000101") // extcodesize
	balanceAddress = common.HexToAddress("0xc0de000000000000000000000000000000000102") // balance
	deleteAddress  = common.HexToAddress("0xc0de000000000000000000000000000000000103") // sstore(.., 0)
	writeAddress   = common.HexToAddress("0xc0de000000000000000000000000000000000104") // sstore(.., 2)
	revertsAddress = common.HexToAddress("0xc0de000000000000000000000000000000000105") // sload, then reverts
)

const (
	firstCode = 0xb16c0de << 16 // the address of the first of many large contracts
	codeCount = 200
	codeSize  = 24 << 10 // the largest that a contract may have
	trieSize  = 20_000
)

// loops is a contract's code: body finds word0 + i on the stack and takes it away.
func loops(end vm.OpCode, body ...vm.OpCode) []byte {
	p := program.New().Push(32).Op(vm.CALLDATALOAD)
	p, pc := p.Jumpdest()
	p.Op(vm.DUP1).Push(1).Op(vm.SWAP1, vm.SUB).Push(0).Op(vm.CALLDATALOAD, vm.ADD).Op(body...)
	p.Push(1).Op(vm.SWAP1, vm.SUB, vm.DUP1).Push(int(pc)).Op(vm.JUMPI)
	if end == vm.REVERT {
		p.Push(0).Push(0)
	}
	return p.Op(end).Bytes()
}

// hungry is crowded's genesis with the contracts above, and many of the largest codes.
func hungry(g *types.Genesis) {
	crowded(trieSize)(g)
	slots := g.Alloc[exectest.ManyAddress.Hex()].Storage
	for address, code := range map[common.Address][]byte{
		codesAddress:   loops(vm.STOP, vm.EXTCODESIZE, vm.POP),
		balanceAddress: loops(vm.STOP, vm.BALANCE, vm.POP),
		deleteAddress:  loops(vm.STOP, vm.PUSH0, vm.SWAP1, vm.SSTORE),
		writeAddress:   loops(vm.STOP, vm.CALLER, vm.SWAP1, vm.SSTORE),
		revertsAddress: loops(vm.REVERT, vm.SLOAD, vm.POP),
	} {
		g.Alloc[address.Hex()] = types.GenesisAccount{Nonce: 1, Code: hexutil.Encode(code), Storage: maps.Clone(slots)}
	}
	for i := range codeCount {
		code := make([]byte, codeSize)
		code[1], code[2] = byte(i), byte(i>>8)
		address := common.BigToAddress(big.NewInt(firstCode + int64(i)))
		g.Alloc[address.Hex()] = types.GenesisAccount{Nonce: 1, Code: hexutil.Encode(code)}
	}
}

// I2: whatever fills a chunk to its limits, by one transaction or by several at the chunk's edges, every chunk of the block
// is proven by a challenge below MaxChallengeBytes, within the limits of the sandbox.
func TestChunksAtTheirLimitsAreProvable(t *testing.T) {
	s := exectest.New(t, hungry)
	s.Apply()
	const most, absent = 1 << 24, 1 << 40
	call := func(to common.Address, from, count uint64) []byte {
		return s.Call(int(from)%exectest.Accounts, &to, 0, most, exectest.Words(from, count))
	}
	with := func(length int, words ...uint64) []byte { // calldata of a length
		return append(exectest.Words(words...), make([]byte, length-32*len(words))...)
	}
	lone := func(i int) []byte { // the largest envelope, and as many slots as a chunk's bytes allow
		return s.Call(i, &exectest.ManyAddress, 0, most, with(types.MaxLoneTransactionBytes-300, 3, 2090))
	}
	long := func(count int) (txs [][]byte) {
		for i := range count {
			txs = append(txs, s.Call(i, &balanceAddress, 0, 1_400_000, with(types.MaxLoneTransactionBytes-300, absent, 1)))
		}
		return txs
	}
	for _, test := range []struct {
		name   string
		txs    [][]byte
		chunks int
		failed int // transactions above the limit by themselves
	}{
		{"codes, just below", [][]byte{call(codesAddress, firstCode, 81)}, 1, 0},
		{"codes, above", [][]byte{call(codesAddress, firstCode, 200)}, 1, 1},
		{"absent accounts, just below", [][]byte{call(balanceAddress, absent, 2090)}, 1, 0},
		{"absent accounts, above", [][]byte{call(balanceAddress, absent, 6000)}, 1, 1},
		{"slots, above", [][]byte{call(exectest.ManyAddress, 0, 6000)}, 1, 1},
		{"slots, then revert", [][]byte{call(revertsAddress, 0, 2090)}, 1, 1},
		{"slots written", [][]byte{call(writeAddress, 0, 2090)}, 1, 0},
		{"slots written, above", [][]byte{call(writeAddress, 0, 2500)}, 1, 1},
		{"new slots", [][]byte{call(writeAddress, absent, 740)}, 1, 0},
		{"slots deleted", [][]byte{call(deleteAddress, 0, 2090)}, 1, 0},
		{"slots deleted, again, and beside them", [][]byte{call(deleteAddress, 2000, 2000), call(deleteAddress, 5000, 900), call(deleteAddress, 6000, 2000)}, 3, 0},
		{"slots of three contracts in one chunk", [][]byte{
			s.Call(0, &deleteAddress, 0, 6_000_000, exectest.Words(10_000, 690)),
			s.Call(1, &exectest.ManyAddress, 0, 6_000_000, exectest.Words(10_000, 690)),
			s.Call(2, &writeAddress, 0, 6_000_000, exectest.Words(10_000, 690)),
		}, 1, 0},
		{"the next one does not fit", [][]byte{call(exectest.ManyAddress, 8000, 1000), call(deleteAddress, 8000, 1100)}, 2, 0},
		{"codes that do not fit beside slots", [][]byte{call(exectest.ManyAddress, 0, 2000), call(codesAddress, firstCode, 81)}, 2, 0},
		{"calldata and slots in the largest transaction", [][]byte{lone(5)}, 1, 0},
		{"the largest transactions", [][]byte{lone(1), lone(2), lone(3)}, 3, 0},
		{"calldata up to the limit", long(17), 2, 0},
	} {
		r := s.Apply(test.txs...)
		failed := len(r.Skipped)
		for _, receipt := range r.Receipts {
			failed += int(1 - receipt.Status)
		}
		if len(r.Claims) != test.chunks || failed != test.failed {
			t.Errorf("%s: %d chunks, %d failed transactions %v", test.name, len(r.Claims), failed, r.Skipped)
		}
		t.Logf("%-50s %s", test.name, provable(t, s, r))
	}
}

// provable wants every chunk of a block to have a complete challenge, and that of a lie about its largest to convict.
func provable(t *testing.T, s *exectest.Swarm, r *execution.Result) string {
	t.Helper()
	truth := honest(t, s, r.Height-1, r.Height)
	size, largest := 0, 0
	for chunk := range truth.Assertion.Blocks[0].Chunks() {
		c, err := BuildWrongState(s.Chain, s, truth, Place{Chunk: chunk}, [20]byte{})
		if err != nil {
			t.Fatal(err)
		}
		if n := len(c.Encode()); n > size {
			size, largest = n, chunk
		}
		if _, err := Verify(c, trustOf(s)); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "claim is right") {
			t.Fatalf("chunk %d: %v", chunk, err)
		}
	}
	liar := NewLiar(exectest.PublicKey(5), s.Chain, rand.New(rand.NewPCG(1, 1)))
	signed := tell(t, s, liar, outcome(t, s, r.Height-1, r.Height), 0, largest, LieRoot)
	if _, err := sandboxFor(t).Judge(t.Context(), challenge(t, s, signed), trustOf(s)); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d chunks, the largest challenge %7d bytes", len(r.Claims), size)
}
