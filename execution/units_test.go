package execution_test

import (
	"crypto/sha256"
	"fmt"
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"pgregory.net/rapid"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/types"
)

// rfc6962 is the definition, recursive.
func rfc6962(leaves [][]byte) types.Hash {
	switch n := len(leaves); n {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return sha256.Sum256(append([]byte{0}, leaves[0]...))
	default:
		k := 1
		for 2*k < n {
			k *= 2
		}
		l, r := rfc6962(leaves[:k]), rfc6962(leaves[k:])
		return sha256.Sum256(append(append([]byte{1}, l[:]...), r[:]...))
	}
}

func TestFrontierIsRFC6962(t *testing.T) {
	var f execution.Frontier
	var leaves [][]byte
	for i := range 70 {
		if f.Root() != rfc6962(leaves) || f.Size() != uint64(i) {
			t.Fatalf("root of %d leaves", i)
		}
		again, err := execution.NewFrontier(f.Size(), f.Hashes())
		if err != nil || again.Root() != f.Root() {
			t.Fatal(err)
		}
		if _, err := execution.NewFrontier(f.Size(), append(f.Hashes(), types.Hash{})); err == nil {
			t.Fatal("one hash too many passes")
		}
		leaf := fmt.Appendf(nil, "leaf %d", i)
		leaves, f = append(leaves, leaf), f.Append(leaf)
	}
}

func TestBaseFee(t *testing.T) {
	r := exectest.New(t, nil).Rules()
	const fee = 1_000_000_000
	for _, test := range []struct {
		fee, gas uint64
		apart    types.Time
		want     uint64
	}{
		{fee, 7_500_000, 500_000, fee},            // on target
		{fee, 15_000_000, 500_000, fee + fee/16},  // twice the target: an eighth a second
		{fee, 60_000_000, 500_000, fee + fee/16},  // never more
		{fee, 0, 500_000, fee - fee/16},           // idle
		{fee, 0, 10_000_000, fee - fee/8},         // a long gap counts as one second
		{fee, 0, 0, fee},                          // no time, no change
		{1000, 0, 1_000_000, 1000},                // floor
		{1001, 15_000_001, 1_000_000, 1002},       // at least 1 upwards
		{1 << 60, 60_000_000, 1_000_000, 1 << 60}, // ceiling
		{1 << 60, 0, 1_000_000, 1<<60 - 1<<57},    // from the ceiling
	} {
		if got := r.NextBaseFee(test.fee, test.gas, 5, 5+test.apart); got != test.want {
			t.Errorf("fee %d, gas %d, %d us: got %d, want %d", test.fee, test.gas, test.apart, got, test.want)
		}
	}
}

// However a second is cut into blocks, the fee moves by at most an eighth, up to rounding.
func TestBaseFeeMovesAtMostAnEighthASecond(t *testing.T) {
	r := exectest.New(t, nil).Rules()
	rapid.Check(t, func(t *rapid.T) {
		fee := rapid.Uint64Range(10_000, 1<<50).Draw(t, "fee")
		low, high := fee, fee
		now := types.Time(0)
		for range 4 {
			gas := rapid.Uint64Range(0, 1<<40).Draw(t, "gas")
			low = r.NextBaseFee(low, 0, now, now+250_000)
			high = r.NextBaseFee(high, gas, now, now+250_000)
			now += 250_000
		}
		if float64(high) > float64(fee)*1.1332 || float64(low) < float64(fee)*0.8789 {
			t.Fatalf("from %d to %d..%d in a second", fee, low, high)
		}
	})
}

func TestClaimCodec(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := execution.Claim{Root: common.Hash(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "root")), BaseFee: rapid.Uint64().Draw(t, "fee"),
			Gas: rapid.Uint64().Draw(t, "gas"), Place: rapid.Uint64().Draw(t, "place"), Transactions: rapid.Uint64().Draw(t, "txs"),
			Logs: rapid.Uint64().Draw(t, "logs"), Receipts: types.Hash(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "receipts"))}
		again, err := execution.DecodeClaim(c.Encode())
		if err != nil || again != c || len(c.Differences(again)) != 0 {
			t.Fatal(again, err)
		}
		if _, err := execution.DecodeClaim(c.Encode()[1:]); err == nil {
			t.Fatal("short claim decodes")
		}
	})
}

// I4: what is above the limit by itself ends out of gas with nothing changed but nonce and fee; what fits does not.
func TestMeterExhaustsHungryTransactions(t *testing.T) {
	s := exectest.New(t, nil)
	before := s.Chain.Balance(exectest.Address(0))
	r := s.Apply(
		s.Call(0, &exectest.ManyAddress, 5, 5_000_000, exectest.Words(0, 2000)),
		s.Call(1, &exectest.ManyAddress, 0, 5_000_000, exectest.Words(0, 50)),
	)
	if len(r.Receipts) != 2 || r.Receipts[0].Status != 0 || r.Receipts[0].GasUsed != 5_000_000 || r.Receipts[1].Status != 1 {
		t.Fatalf("%+v", r.Receipts)
	}
	spent := new(big.Int).Sub(before.ToBig(), s.Chain.Balance(exectest.Address(0)).ToBig())
	price := new(big.Int).SetUint64(s.Chain.BaseFee() + 1e6)
	if spent.Cmp(price.Mul(price, big.NewInt(5_000_000))) != 0 {
		t.Fatalf("spent %s", spent)
	}
	if s.Chain.Nonce(exectest.Address(0)) != 1 || !s.Chain.Balance(exectest.ManyAddress).IsZero() {
		t.Fatal("an exhausted transaction has another effect than its fee and nonce")
	}
	if len(r.Claims) != 2 {
		t.Fatalf("%d chunks: what takes the chunk above its bytes begins the next one", len(r.Claims))
	}
}

func TestChunksAreCutByDeclaredGas(t *testing.T) {
	s := exectest.New(t, nil)
	to := exectest.Address(1)
	r := s.Apply(
		s.Call(0, &to, 1, 10_000_000, nil), s.Call(2, &to, 1, 6_000_000, nil), // 16 M: together
		s.Call(3, &to, 1, 1_000_000, nil), // above 2^24: next chunk
	)
	if len(r.Claims) != 2 || r.Claims[0].Place != 2 || r.Claims[1].Place != 3 {
		t.Fatalf("%+v", r.Claims)
	}
}

func TestGenesisOutcomeIsTheChains(t *testing.T) {
	s := exectest.New(t, nil)
	header, claim, err := execution.GenesisOutcome(s.Genesis)
	if err != nil {
		t.Fatal(err)
	}
	own, err := s.Chain.LastClaim(0)
	head := s.Chain.HeadHeader()
	if err != nil || own != claim || head.Digest() != header.Digest() {
		t.Fatal(own, claim, err)
	}
}

func TestGenesisRefusesNonsense(t *testing.T) {
	for name, change := range map[string]func(*types.Genesis){
		"vault":   func(g *types.Genesis) { g.FeeVault = "home" },
		"payload": func(g *types.Genesis) { g.Payload = types.PayloadOpaque },
		"address": func(g *types.Genesis) { g.Alloc["0x12"] = types.GenesisAccount{} },
		"balance": func(g *types.Genesis) { g.Alloc[exectest.Vault] = types.GenesisAccount{Balance: "12"} },
		"riches": func(g *types.Genesis) {
			g.Alloc[exectest.Vault] = types.GenesisAccount{Balance: "0x1" + fmt.Sprintf("%033x", 0)}
		},
		"code": func(g *types.Genesis) { g.Alloc[exectest.Vault] = types.GenesisAccount{Code: "0xzz"} },
		"storage": func(g *types.Genesis) {
			g.Alloc[exectest.Vault] = types.GenesisAccount{Storage: map[string]string{"1": "0x1"}}
		},
	} {
		g := exectest.Genesis()
		change(g)
		if _, err := execution.EthereumGenesis(g); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
