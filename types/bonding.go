package types

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
)

// Bounds of a network with bonds.
const (
	// MaxBondedCommittee bounds the committee of a network whose contract chooses it, since one system call pays and names
	// all of it: 128 members take a third of its gas.
	MaxBondedCommittee = 128
	// MaxBondedStake bounds what a member's stake counts for, in units, so that a committee's total stays below 2^62.
	MaxBondedStake Stake = 1 << 54
	// shareWhole is all of a share.
	shareWhole = 10_000
)

// Bonding holds the parameters of the bonding contract, which lies at the fee vault's address. The members of the genesis
// committee and the genesis provers are bonded in it from the start.
type Bonding struct {
	StakeUnit    uint64 `json:"stakeUnit"`    // wei of one unit of stake
	MinStake     Stake  `json:"minStake"`     // units; smallest bond
	MaxCommittee int    `json:"maxCommittee"` // sequencers in an epoch
	ProverStake  Stake  `json:"proverStake"`  // units; bond of each prover of the genesis
	ProverShare  uint64 `json:"proverShare"`  // of 10000: the provers' part of the fees; the rest is the sequencers'
	// Owners gives the address (0x-hex) that owns and operates the bond of a key (hex). A bond without one serves, but
	// earns nothing and is never paid out.
	Owners map[string]string `json:"owners,omitempty"`
}

// checkBonding returns everything that is wrong with the bonds of a genesis.
func (g *Genesis) checkBonding() error {
	b := g.Bonding
	if b == nil {
		return nil
	}
	var problems []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf("genesis: bonding: "+format, args...))
		}
	}
	need(g.Payload == PayloadEthereum, "payload %q executes no contract", g.Payload)
	need(len(g.Handovers) == 0, "handovers and bonds cannot both say who orders next")
	need(b.StakeUnit > 0 && b.MinStake > 0 && b.MinStake <= MaxBondedStake, "stakeUnit and minStake must be above 0, minStake at most %d", MaxBondedStake)
	need(b.MaxCommittee >= len(g.Committee) && b.MaxCommittee >= minHandover && b.MaxCommittee <= MaxBondedCommittee,
		"maxCommittee %d is not in %d..%d", b.MaxCommittee, max(len(g.Committee), minHandover), MaxBondedCommittee)
	need(b.ProverShare <= shareWhole, "proverShare %d is above %d", b.ProverShare, shareWhole)
	need(len(g.Provers) == 0 || b.ProverStake >= b.MinStake && b.ProverStake <= MaxBondedStake, "proverStake %d is not in %d..%d", b.ProverStake, b.MinStake, MaxBondedStake)
	keys := slices.Clone(g.Provers)
	for i, m := range g.Committee {
		need(m.Stake >= b.MinStake && m.Stake <= MaxBondedStake, "stake %d of committee member %d is not in %d..%d", m.Stake, i, b.MinStake, MaxBondedStake)
		keys = append(keys, m.Key)
	}
	bonded := make(map[string]bool, len(keys))
	for _, key := range keys {
		need(!bonded[key.String()], "key %s has two bonds", key)
		bonded[key.String()] = true
	}
	for key, owner := range b.Owners {
		need(bonded[key], "owner of %q, which is no key of committee or provers in lower-case hex", key)
		need(isAddress(owner), "owner %q of %s is no address", owner, key)
	}
	return errors.Join(problems...)
}

func isAddress(s string) bool {
	if len(s) != 42 || s[:2] != "0x" {
		return false
	}
	_, err := hex.DecodeString(s[2:])
	return err == nil
}
