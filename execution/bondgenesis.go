package execution

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/etherscale/bedrock/execution/contracts"
	"github.com/etherscale/bedrock/types"
)

// Storage slots of the bonding contract, as its compiler lays it out; a test compares them.
const (
	slotParameters = 0
	slotAccounted  = 3
	slotBonds      = 8
	slotSequencers = 9
	slotServing    = 10
	slotKnown      = 20
)

// statusActive is the status of a bond that is neither leaving nor lost.
const statusActive = 1

// bondsAccount is the bonding contract at height 0: a predeploy's constructor never runs, so its storage is written here.
func bondsAccount(g *types.Genesis) (ethtypes.Account, error) {
	artefact, err := contracts.BondsArtefact()
	if err != nil {
		return ethtypes.Account{}, err
	}
	s := bondStorage{slots: make(map[common.Hash]common.Hash), unit: new(big.Int).SetUint64(g.Bonding.StakeUnit), total: new(big.Int)}
	b := g.Bonding
	s.put(number(slotParameters), word(b.StakeUnit, 8, uint64(b.MinStake), 8, g.ChallengeWindow, 8, g.WindowStep, 8))
	s.put(number(slotParameters+1), word(g.UnbondingDelay, 8, b.ProverShare, 8))
	for i, m := range g.Committee {
		if err := s.bond(m.Key, types.BondSequencer, uint64(i), m.Stake, b.Owners[m.Key.String()]); err != nil {
			return ethtypes.Account{}, err
		}
		for _, list := range [...]uint64{slotSequencers, slotServing, slotKnown} {
			s.push(list, i, m.Key)
		}
	}
	for i, key := range g.Provers {
		if err := s.bond(key, types.BondProver, 0, b.ProverStake, b.Owners[key.String()]); err != nil {
			return ethtypes.Account{}, err
		}
		s.push(slotKnown, len(g.Committee)+i, key)
	}
	s.put(number(slotAccounted), common.BigToHash(s.total))
	return ethtypes.Account{Code: artefact.Code, Nonce: 1, Balance: s.total, Storage: s.slots}, nil
}

// bondStorage gathers the contract's storage.
type bondStorage struct {
	slots map[common.Hash]common.Hash
	unit  *big.Int
	total *big.Int // wei of all stakes
}

func (s *bondStorage) put(slot, value common.Hash) { s.slots[slot] = value }

// push makes a key the element i, and the last so far, of the list in a slot.
func (s *bondStorage) push(list uint64, i int, key types.PublicKey) {
	s.put(number(list), common.BigToHash(big.NewInt(int64(i+1))))
	s.put(after(crypto.Keccak256Hash(number(list).Bytes()), uint64(i)), common.Hash(key))
}

// bond writes the three words of a bond:
//
//	owner (20) role (1) status (1) place (4) assertedIn (5) | operator (20) readyFor (8) | stake (16) served (8) until (8)
func (s *bondStorage) bond(key types.PublicKey, role types.BondRole, place uint64, stake types.Stake, owner string) error {
	address, err := hex.DecodeString(string(bytes.TrimPrefix([]byte(owner), []byte("0x"))))
	if err != nil {
		return fmt.Errorf("genesis: bonding: owner of %s: %w", key, err)
	}
	who := new(big.Int).SetBytes(address)
	served := uint64(0)
	if role == types.BondSequencer {
		served = 1
	}
	wei := new(big.Int).Mul(s.unit, new(big.Int).SetUint64(uint64(stake)))
	s.total.Add(s.total, wei)
	base := crypto.Keccak256Hash(key[:], number(slotBonds).Bytes())
	s.put(base, word(who, 20, uint64(role), 1, uint64(statusActive), 1, place, 4))
	s.put(after(base, 1), word(who, 20))
	s.put(after(base, 2), word(wei, 16, served, 8))
	return nil
}

// word packs values into a storage word, the first lowest, as Solidity does: pairs of a value and its size in bytes.
func word(pairs ...any) common.Hash {
	sum, shift := new(big.Int), uint(0)
	for i := 0; i < len(pairs); i += 2 {
		value, ok := pairs[i].(*big.Int)
		if !ok {
			value = new(big.Int).SetUint64(pairs[i].(uint64))
		}
		sum.Or(sum, new(big.Int).Lsh(value, shift))
		shift += uint(8 * pairs[i+1].(int))
	}
	return common.BigToHash(sum)
}

func number(n uint64) common.Hash { return common.BigToHash(new(big.Int).SetUint64(n)) }

// after is the slot n after another.
func after(slot common.Hash, n uint64) common.Hash {
	return common.BigToHash(new(big.Int).Add(slot.Big(), new(big.Int).SetUint64(n)))
}
