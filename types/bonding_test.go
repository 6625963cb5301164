package types

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func bondedGenesis(t *testing.T) *Genesis {
	g := validGenesis(t)
	g.Bonding = &Bonding{StakeUnit: 1, MinStake: 1, MaxCommittee: 4, ProverStake: 1, ProverShare: 10_000,
		Owners: map[string]string{g.Committee[0].Key.String(): "0x00000000000000000000000000000000000000aa"}}
	return g
}

// TestBonding: a genesis says who is bonded without contradicting itself; one without bonds is the same file as before there
// were any.
func TestBonding(t *testing.T) {
	if encoded, err := json.Marshal(validGenesis(t)); err != nil || strings.Contains(string(encoded), `"bonding"`) {
		t.Fatalf("%s, %v", encoded, err)
	}
	good := bondedGenesis(t)
	encoded, err := good.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := DecodeGenesis(encoded); err != nil {
		t.Fatal(err)
	}
	_, five := testCommittee(t, 5)
	for word, change := range map[string]func(*Genesis){
		"executes no contract":       func(g *Genesis) { g.Payload = PayloadOpaque },
		"handovers and bonds":        func(g *Genesis) { g.Handovers = []Handover{{Epoch: 1, Committee: five.Members()}} },
		"stakeUnit":                  func(g *Genesis) { g.Bonding.StakeUnit = 0 },
		"minStake must":              func(g *Genesis) { g.Bonding.StakeUnit = 0 },
		"maxCommittee 3":             func(g *Genesis) { g.Bonding.MaxCommittee = 3 },
		"maxCommittee 129":           func(g *Genesis) { g.Bonding.MaxCommittee = MaxBondedCommittee + 1 },
		"proverShare":                func(g *Genesis) { g.Bonding.ProverShare = 10_001 },
		"proverStake 0":              func(g *Genesis) { g.Provers, g.Bonding.ProverStake = []PublicKey{five.Member(4).Key}, 0 },
		"stake 1 of committee":       func(g *Genesis) { g.Bonding.MinStake = 2 },
		"stake 18014398509481985 of": func(g *Genesis) { g.Committee[0].Stake = MaxBondedStake + 1 },
		"two bonds":                  func(g *Genesis) { g.Provers = []PublicKey{g.Committee[1].Key} },
		"which is no key":            func(g *Genesis) { g.Bonding.Owners["aa"] = "0x00000000000000000000000000000000000000aa" },
		"is no address":              func(g *Genesis) { g.Bonding.Owners[g.Committee[0].Key.String()] = "0xaa" },
	} {
		g := bondedGenesis(t)
		change(g)
		if err := g.Validate(); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("want %q: %v", word, err)
		}
	}
}

// TestBondStatement: a signature bonds under the one owner, operator, role, contract and network that it names.
func TestBondStatement(t *testing.T) {
	private := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	key := PublicKey(private.Public().(ed25519.PublicKey))
	network := NetworkID{1}
	s := BondStatement{Contract: [20]byte{1}, Owner: [20]byte{2}, Operator: [20]byte{3}, Role: BondProver}
	signature := SignDigest(private, s.Digest(network))
	if err := s.Verify(network, key, signature); err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(NetworkID{2}, key, signature); !errors.Is(err, ErrSignature) {
		t.Error("another network:", err)
	}
	for i, change := range []func(*BondStatement){
		func(s *BondStatement) { s.Contract[19]++ }, func(s *BondStatement) { s.Owner[0]++ },
		func(s *BondStatement) { s.Operator[0]++ }, func(s *BondStatement) { s.Role = BondSequencer },
	} {
		other := s
		change(&other)
		if err := other.Verify(network, key, signature); !errors.Is(err, ErrSignature) {
			t.Errorf("change %d: %v", i, err)
		}
	}
	identity := PublicKey{1}
	if err := s.Verify(network, identity, Signature{1}); !errors.Is(err, ErrSmallOrderKey) {
		t.Error("a key of small order:", err)
	}
}
