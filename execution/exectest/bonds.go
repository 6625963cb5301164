package exectest

import (
	"math/big"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"

	"github.com/etherscale/bedrock/execution/contracts"
	"github.com/etherscale/bedrock/types"
)

// Ether in wei; a unit of stake in the bonded test genesis.
const Ether = 1_000_000_000_000_000_000

// Bonded gives the test genesis a bonding contract with short times: a window of 5 s, a delay of 40 s, at most 1 s a block.
// Account i owns the bond of peer i.
func Bonded(g *types.Genesis) {
	g.EpochLength, g.Heartbeat = 65, g.BlockInterval
	g.ChallengeWindow, g.WindowStep, g.Retention, g.UnbondingDelay = 5_000_000, 1_000_000, 20_000_000, 40_000_000
	g.Bonding = &types.Bonding{StakeUnit: Ether, MinStake: 1, MaxCommittee: 5, ProverStake: 2, ProverShare: 4000, Owners: map[string]string{}}
	for i := range 8 {
		g.Bonding.Owners[PublicKey(i).String()] = Address(i).Hex()
	}
}

// ABI is the bonding contract's.
var ABI = sync.OnceValue(contracts.NewBonds)

// Contract is the bonding contract's address.
func (s *Swarm) Contract() common.Address { return common.HexToAddress(s.Genesis.FeeVault) }

// Send is a call of the bonding contract by account i, worth wei.
func (s *Swarm) Send(i int, wei *big.Int, data []byte) []byte {
	to := s.Contract()
	nonce := s.Nonces[i]
	s.Nonces[i]++
	return s.Sign(i, &ethtypes.DynamicFeeTx{
		ChainID: new(big.Int).SetUint64(s.Genesis.ChainID), Nonce: nonce, GasTipCap: big.NewInt(1e6),
		GasFeeCap: big.NewInt(1e12), Gas: 2_000_000, To: &to, Value: wei, Data: data,
	})
}

// Prove is a peer's signature over who owns and operates its bond.
func (s *Swarm) Prove(peer int, owner, operator common.Address, role types.BondRole) (r, sig [32]byte) {
	statement := types.BondStatement{Contract: s.Contract(), Owner: owner, Operator: operator, Role: role}
	signature := types.SignDigest(PeerKey(peer), statement.Digest(s.Network))
	return [32]byte(signature[:32]), [32]byte(signature[32:])
}

// Bond is a request of account i, which is to own and operate it, for a bond of a peer's key.
func (s *Swarm) Bond(i, peer int, role types.BondRole, wei *big.Int) []byte {
	r, sig := s.Prove(peer, Address(i), Address(i), role)
	return s.Send(i, wei, ABI().PackBond(PublicKey(peer), uint8(role), Address(i), r, sig))
}

// View asks the bonding contract at the head and unpacks the answer.
func View[T any](s *Swarm, data []byte, unpack func([]byte) (T, error)) T {
	s.TB.Helper()
	head := s.Chain.Head()
	state, err := s.Chain.StateAt(head.Root)
	if err != nil {
		s.TB.Fatal(err)
	}
	block, err := s.Chain.BlockContext(head)
	if err != nil {
		s.TB.Fatal(err)
	}
	evm := vm.NewEVM(block, state, s.Chain.ChainConfig(), vm.Config{})
	defer evm.Release()
	to := s.Contract()
	evm.SetTxContext(core.NewEVMTxContext(&core.Message{To: &to, GasPrice: common.U2560}))
	answer, _, err := evm.Call(common.Address{}, to, data, vm.NewGasBudget(100_000_000, 0), common.U2560)
	if err != nil {
		s.TB.Fatalf("view: %v", err)
	}
	value, err := unpack(answer)
	if err != nil {
		s.TB.Fatal(err)
	}
	return value
}
