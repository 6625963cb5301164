package exectest

import (
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/core/vm/program"
)

// Contracts of the tests, assembled by hand: calldata is one or more words.
var (
	StoreAddress   = common.HexToAddress("0xc0de000000000000000000000000000000000001") // sstore(word0, word1), log
	HashAddress    = common.HexToAddress("0xc0de000000000000000000000000000000000002") // stores blockhash(number-word0), prevrandao, time
	RevertAddress  = common.HexToAddress("0xc0de000000000000000000000000000000000003") // writes, then reverts
	CreateAddress  = common.HexToAddress("0xc0de000000000000000000000000000000000004") // create2(calldata, salt 7)
	ManyAddress    = common.HexToAddress("0xc0de000000000000000000000000000000000005") // sload(word0 .. word0+word1)
	DestroyAddress = common.HexToAddress("0xc0de000000000000000000000000000000000006") // self-destructs to the caller
	ReadAddress    = common.HexToAddress("0xc0de000000000000000000000000000000000007") // extcodesize, extcodehash, balance of word0
	ClearAddress   = common.HexToAddress("0xc0de000000000000000000000000000000000008") // stores word1 in slots word0 .. word0+7
)

func assembled() map[common.Address][]byte {
	word := func(p *program.Program, i int) *program.Program { return p.Push(32 * i).Op(vm.CALLDATALOAD) }

	store := program.New()
	word(store, 1)
	word(store, 0).Op(vm.SSTORE)
	word(store, 1).Push(0).Op(vm.MSTORE)
	word(store, 0).Push(32).Push(0).Op(vm.LOG1)

	hash := program.New()
	word(hash, 0).Op(vm.NUMBER, vm.SUB, vm.BLOCKHASH, vm.NUMBER, vm.SSTORE)
	hash.Op(vm.PREVRANDAO, vm.TIMESTAMP, vm.SSTORE)

	revert := program.New()
	word(revert, 1)
	word(revert, 0).Op(vm.SSTORE).Push(0).Push(0).Op(vm.REVERT)

	create := program.New()
	create.Op(vm.CALLDATASIZE).Push(0).Push(0).Op(vm.CALLDATACOPY)
	create.Push(7).Op(vm.CALLDATASIZE).Push(0).Op(vm.CALLVALUE, vm.CREATE2).Push(0).Op(vm.SSTORE)

	many := program.New()
	word(many, 1) // n
	loop, pc := many.Jumpdest()
	loop.Op(vm.DUP1)
	word(loop, 0).Op(vm.ADD, vm.SLOAD, vm.POP).Push(1).Op(vm.SWAP1, vm.SUB, vm.DUP1).Push(int(pc)).Op(vm.JUMPI)

	destroy := program.New().Op(vm.CALLER, vm.SELFDESTRUCT)

	read := program.New()
	word(read, 0).Op(vm.EXTCODESIZE)
	word(read, 0).Op(vm.EXTCODEHASH, vm.ADD)
	word(read, 0).Op(vm.BALANCE, vm.ADD).Push(1).Op(vm.SSTORE)

	clear := program.New()
	for i := range 8 {
		word(clear, 1)
		word(clear, 0).Push(i).Op(vm.ADD, vm.SSTORE)
	}

	return map[common.Address][]byte{
		StoreAddress: store.Bytes(), HashAddress: hash.Bytes(), RevertAddress: revert.Bytes(), CreateAddress: create.Bytes(),
		ManyAddress: loop.Bytes(), DestroyAddress: destroy.Bytes(), ReadAddress: read.Bytes(), ClearAddress: clear.Bytes(),
	}
}

// Words lays out calldata of whole words.
func Words(values ...uint64) []byte {
	var b []byte
	for _, v := range values {
		b = append(b, common.BigToHash(new(big.Int).SetUint64(v)).Bytes()...)
	}
	return b
}
