package types

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func validGenesis(t *testing.T) *Genesis {
	_, c := testCommittee(t, 4)
	return &Genesis{
		Version: 1, Name: "test", ChainID: 1, Time: 1_700_000_000_000_000, Payload: PayloadEthereum, Committee: c.Members(),
		EpochLength: 1000, BlockInterval: 500_000, Heartbeat: 10_000_000, BlockBytes: 2 << 20, BlockGas: 60_000_000,
		BaseFee: 10, BaseFeeFloor: 1, GasTarget: 1, ChunkTransactions: 64, ChunkGas: 1 << 24, ChunkBytes: 1 << 20,
		ChallengeWindow: 10_000_000, WindowStep: 1, Retention: 40_000_000, UnbondingDelay: 1 << 60, ShardReplicas: 3,
		Alloc: map[string]GenesisAccount{"0x02": {Balance: "0x1"}, "0x01": {Balance: "0x2"}},
	}
}

// TestGenesisIsCanonical: white space and order of maps in a file do not change the network id.
func TestGenesisIsCanonical(t *testing.T) {
	g := validGenesis(t)
	want, err := g.NetworkID()
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := g.Encode()
	if err != nil {
		t.Fatal(err)
	}
	var spaced bytes.Buffer
	if err := json.Indent(&spaced, encoded, "", "\t"); err != nil {
		t.Fatal(err)
	}
	back, err := DecodeGenesis(spaced.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := back.NetworkID(); got != want {
		t.Fatalf("network id %s became %s", want, got)
	}
}

// TestHandovers: a handover is in force in its epoch; elsewhere the committee stays. A genesis without any is the same file
// as before handovers existed.
func TestHandovers(t *testing.T) {
	g := validGenesis(t)
	if encoded, err := g.Encode(); err != nil || bytes.Contains(encoded, []byte("handovers")) {
		t.Fatalf("%s, %v", encoded, err)
	}
	_, five := testCommittee(t, 5)
	g.Handovers = []Handover{{Epoch: 3, Committee: five.Members()}}
	if err := g.Validate(); err != nil {
		t.Fatal(err)
	}
	current, err := NewCommittee(g.Committee)
	if err != nil {
		t.Fatal(err)
	}
	for epoch, want := range map[Epoch]int{1: 4, 2: 4, 3: 5, 4: 4} {
		if got := g.NextCommittee(epoch, current); len(got) != want {
			t.Errorf("epoch %d: %d members, want %d", epoch, len(got), want)
		}
	}
	if stays := g.NextCommittee(4, five); len(stays) != 5 {
		t.Errorf("%d members stay, want 5", len(stays))
	}
	for i, m := range five.Members() {
		if !g.Sequences(m.Key) {
			t.Errorf("member %d is in no committee", i)
		}
	}
	if g.Sequences(PublicKey{1}) {
		t.Error("a stranger is in a committee")
	}
}

// TestChunkLimitsOfAGenesis: a genesis may fill the limits of a chunk, and not pass any.
func TestChunkLimitsOfAGenesis(t *testing.T) {
	for name, change := range map[string]func(*Genesis){
		"transactions": func(g *Genesis) { g.ChunkTransactions++ },
		"gas":          func(g *Genesis) { g.ChunkGas++ },
		"bytes":        func(g *Genesis) { g.ChunkBytes++ },
	} {
		g := validGenesis(t)
		g.ChunkTransactions, g.ChunkGas, g.ChunkBytes = 1024, 1<<26, 2<<20
		if err := g.Validate(); err != nil {
			t.Error(err)
		}
		change(g)
		if err := g.Validate(); err == nil || !strings.Contains(err.Error(), "chunk limits are too large") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestGenesisRefuses: every rule names its key.
func TestGenesisRefuses(t *testing.T) {
	cases := map[string]func(*Genesis){
		"retention":      func(g *Genesis) { g.Retention = 3 * g.ChallengeWindow },
		"unbondingDelay": func(g *Genesis) { g.UnbondingDelay = g.ChallengeWindow },
		"epochLength":    func(g *Genesis) { g.EpochLength = 64 },
		"payload":        func(g *Genesis) { g.Payload = "bytes" },
		"blockGas":       func(g *Genesis) { g.BlockGas = 1 },
		"baseFee":        func(g *Genesis) { g.BaseFeeFloor = 0 },
		"committee":      func(g *Genesis) { g.Committee[0], g.Committee[1] = g.Committee[1], g.Committee[0] },
		"shardReplicas":  func(g *Genesis) { g.ShardReplicas = 0 },
		"chainId":        func(g *Genesis) { g.ChainID = 0 },
	}
	for key, spoil := range cases {
		g := validGenesis(t)
		spoil(g)
		if err := g.Validate(); err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s: %v", key, err)
		}
	}
	four := validGenesis(t).Committee
	for what, handovers := range map[string][]Handover{
		"epoch 0":    {{Epoch: 0, Committee: four}},
		"ascend":     {{Epoch: 2, Committee: four}, {Epoch: 2, Committee: four}},
		"at least 4": {{Epoch: 1, Committee: four[:3]}},
		"not above":  {{Epoch: 1, Committee: []CommitteeMember{four[0], four[1], four[2], four[2]}}},
		"has stake":  {{Epoch: 1, Committee: []CommitteeMember{four[0], four[1], four[2], {Key: four[3].Key}}}},
	} {
		g := validGenesis(t)
		g.Handovers = handovers
		if err := g.Validate(); err == nil || !strings.Contains(err.Error(), what) || !strings.Contains(err.Error(), "handover") {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, file := range []string{`{"version":1,"unknown":2}`, `{}{}`, `[`} {
		if _, err := DecodeGenesis([]byte(file)); err == nil {
			t.Errorf("%s accepted", file)
		}
	}
}
