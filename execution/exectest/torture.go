package exectest

import (
	"bytes"
	"math/big"
	"math/rand/v2"

	"github.com/ethereum/go-ethereum/common"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/core/vm/program"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"
)

// Torture draws a transaction that is good at finding differences between executors: storage written, cleared and read,
// contracts created and destroyed, delegations, reverts, block hashes, and everything that must be skipped.
func (s *Swarm) Torture(random *rand.Rand) []byte {
	i := random.IntN(Accounts)
	slot := uint64(random.IntN(60))
	switch random.IntN(17) {
	case 0, 1:
		return s.Call(i, &StoreAddress, 0, 200_000, Words(slot, uint64(random.IntN(3))))
	case 2:
		return s.Call(i, &ClearAddress, 0, 400_000, Words(slot, uint64(random.IntN(2))))
	case 3:
		return s.Call(i, &ClearAddress, 0, 400_000, Words(slot, 0))
	case 4:
		return s.Call(i, &HashAddress, 0, 200_000, Words(uint64(1+random.IntN(6))))
	case 5:
		return s.Call(i, &RevertAddress, 0, 100_000, Words(slot, 9))
	case 6:
		return s.Call(i, &CreateAddress, int64(random.IntN(2)), 500_000, initCode(random))
	case 7:
		return s.Call(i, nil, int64(random.IntN(2)), 500_000, initCode(random))
	case 8:
		return s.Call(i, &DestroyAddress, int64(random.IntN(2)), 100_000, nil)
	case 9:
		return s.Call(i, &ReadAddress, 0, 200_000, common.LeftPadBytes(Address(random.IntN(2*Accounts)).Bytes(), 32))
	case 10:
		return s.Call(i, &ManyAddress, 0, 300_000, Words(slot, uint64(1+random.IntN(20))))
	case 11:
		return s.delegation(i, random)
	case 12:
		return s.skipped(i, random)
	case 13: // above the byte limit of a test chunk by itself
		return s.Call(i, &ManyAddress, 0, 1_000_000, Words(slot, 300))
	default:
		return s.Transfer(i, random.IntN(2*Accounts), int64(random.IntN(3)))
	}
}

// initCode makes a contract, one that self-destructs as it is made, or one that runs out of gas.
func initCode(random *rand.Rand) []byte {
	p := program.New()
	switch random.IntN(3) {
	case 0:
		return p.Push(random.IntN(4)).Push(1).Op(vm.SSTORE, vm.CALLER, vm.SELFDESTRUCT).Bytes()
	case 1:
		return p.Push(random.IntN(40)).Push(1).Op(vm.SSTORE).ReturnViaCodeCopy(StopCode(random.IntN(900))).Bytes()
	}
	return p.Op(vm.INVALID).Bytes()
}

// StopCode is a contract of a length that does nothing.
func StopCode(length int) []byte { return make([]byte, 1+length) }

func (s *Swarm) delegation(i int, random *rand.Rand) []byte {
	who := random.IntN(Accounts)
	target := StoreAddress
	if random.IntN(2) == 0 {
		target = common.Address{}
	}
	return s.Authorize(i, who, target, Words(3, uint64(random.IntN(4))))
}

// Authorize has account i send account who's authorization to act by a contract's code, and call the account with data; the
// zero target takes the delegation back.
func (s *Swarm) Authorize(i, who int, target common.Address, data []byte) []byte {
	nonce := s.Nonces[i]
	s.Nonces[i]++
	chain := uint256.NewInt(s.Genesis.ChainID)
	auth, err := ethtypes.SignSetCode(Key(who), ethtypes.SetCodeAuthorization{ChainID: *chain, Address: target, Nonce: s.Nonces[who]})
	if err != nil {
		s.TB.Fatal(err)
	}
	s.Nonces[who]++
	return s.Sign(i, &ethtypes.SetCodeTx{ChainID: chain, Nonce: nonce, GasTipCap: uint256.NewInt(1e6), GasFeeCap: uint256.NewInt(1e12),
		Gas: 400_000, To: Address(who), Value: new(uint256.Int), Data: data,
		AuthList: []ethtypes.SetCodeAuthorization{auth}})
}

// skipped is a transaction that no block may execute.
func (s *Swarm) skipped(i int, random *rand.Rand) []byte {
	to, nonce := Address(1), s.Nonces[i]
	switch random.IntN(8) {
	case 0:
		return []byte{0x02, 0xc0, 0x01}
	case 1:
		return s.CallAt(i, nonce+5, &to, 1, 21000, nil)
	case 2:
		return s.CallAt(i, nonce, &to, 1, 20999, nil) // intrinsic gas
	case 3:
		return s.CallAt(i, nonce, &to, 1, 22000, bytes.Repeat([]byte{1}, 100)) // calldata floor
	case 4:
		return s.Sign(1000+i, &ethtypes.LegacyTx{Gas: 21000, GasPrice: big.NewInt(1e12), To: &to, Value: big.NewInt(1)}) // no funds
	case 5:
		return s.Sign(i, &ethtypes.DynamicFeeTx{ChainID: big.NewInt(48848), Nonce: nonce, Gas: 21000, GasFeeCap: big.NewInt(1), To: &to})
	case 6:
		tx, err := ethtypes.SignTx(ethtypes.NewTransaction(nonce, to, big.NewInt(1), 21000, big.NewInt(1e12), nil), ethtypes.HomesteadSigner{}, Key(i))
		if err != nil {
			s.TB.Fatal(err)
		}
		encoded, err := tx.MarshalBinary()
		if err != nil {
			s.TB.Fatal(err)
		}
		return encoded
	}
	return s.Sign(i, &ethtypes.BlobTx{ChainID: uint256.NewInt(s.Genesis.ChainID), Nonce: nonce, GasTipCap: uint256.NewInt(1e6),
		GasFeeCap: uint256.NewInt(1e12), Gas: 21000, To: to, Value: new(uint256.Int), BlobFeeCap: uint256.NewInt(1),
		BlobHashes: []common.Hash{{1}, crypto.Keccak256Hash(nil)}})
}
