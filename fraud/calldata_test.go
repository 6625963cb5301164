package fraud

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	ethtypes "github.com/ethereum/go-ethereum/core/types"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/types"
)

// post is a transaction of the account of prover i to the bonding contract.
func post(s *exectest.Swarm, i int, data []byte) []byte {
	to := s.Contract()
	return s.Call(i, &to, 0, AssertionGas(data), data)
}

// What a prover posts is taken by the contract, enters one step for all who say the same, and settles there.
func TestAssertionsOnTheLedger(t *testing.T) {
	s := exectest.New(t, exectest.Bonded)
	s.Apply(several(s, 10)...) // three chunks
	s.Apply()
	o := outcome(t, s, 0, 2)
	for i := 4; i < 6; i++ {
		r := s.Apply(post(s, i, o.Assertion(exectest.PublicKey(i)).Calldata()))
		if len(r.Receipts) != 1 || r.Receipts[0].Status != ethtypes.ReceiptStatusSuccessful {
			t.Fatalf("assertion of prover %d: %+v", i, r.Receipts)
		}
		posted, err := s.Chain.Posted(r.Height)
		if err != nil || len(posted) != 1 || posted[0].Step != 0 {
			t.Fatalf("posted: %+v, %v", posted, err)
		}
		signed, err := DecodeAssertion(posted[0].Envelope)
		if err != nil {
			t.Fatal(err)
		}
		bond, _ := bondOf(exectest.PublicKey(i))
		rules := s.Rules()
		if err := signed.Verify(&rules, bond); err != nil {
			t.Fatal(err)
		}
		if _, wrong, err := Compare(s.Chain, &signed.Assertion); wrong || err != nil {
			t.Fatal(wrong, err)
		}
		t.Logf("%d bytes of calldata take %d gas of %d", len(signed.tx.Data()), r.Receipts[0].GasUsed, signed.tx.Gas())
	}
	for range 12 { // 6 s of a window of 5
		s.Apply()
	}
	settlement, err := s.Chain.Settlement()
	own, _ := OwnParent(s.Chain, 2)
	if err != nil || settlement.Height != 2 || settlement.Value != [32]byte(own.Value()) || settlement.Claim != own.Claim.Hash() || settlement.First != 1 {
		t.Fatalf("%+v, %v", settlement, err)
	}
	deciding := types.Height(s.Genesis.EpochLength - execution.CommitteeLookback)
	for s.Chain.Height() < deciding {
		s.Apply()
	}
	next, err := s.Chain.NextEpochAt(deciding) // for the epoch's last header
	if err != nil || next.SettledHeight != 2 || next.SettledClaim != own.Claim.Hash() {
		t.Fatalf("what the next epoch begins with: %+v, %v", next, err)
	}
}

// A longest assertion is taken within its gas.
func TestLongestAssertionIsTaken(t *testing.T) {
	s := exectest.New(t, exectest.Bonded)
	for range MaxAssertionBlocks + 1 {
		s.Apply()
	}
	o := outcome(t, s, 0, MaxAssertionBlocks+1)
	r := s.Apply(post(s, 4, o.Assertion(exectest.PublicKey(4)).Calldata()))
	if len(o.Claims) != MaxAssertionBlocks || r.Receipts[0].Status != ethtypes.ReceiptStatusSuccessful {
		t.Fatalf("%d blocks: %+v", len(o.Claims), r.Receipts[0])
	}
	t.Logf("%d blocks take %d gas", len(o.Claims), r.Receipts[0].GasUsed)
}

// The contract takes a call exactly if it can be read here: what stands on the ledger can always be challenged.
func TestContractTakesWhatIsReadHere(t *testing.T) {
	s := exectest.New(t, func(g *types.Genesis) { // nothing settles meanwhile
		exectest.Bonded(g)
		g.ChallengeWindow, g.Retention, g.UnbondingDelay = 3_600_000_000, 14_400_000_000, 4_000_000_000
	})
	s.Apply(several(s, 10)...)
	s.Apply(s.Transfer(10, 1, 1))
	s.Apply()
	random := rand.New(rand.NewPCG(4, 4))
	right := outcome(t, s, 0, 2).Assertion(exectest.PublicKey(4)).Calldata()
	taken, refused := 0, 0
	for range 400 {
		data := spoiled(random, right)
		a, err := decodeCalldata(data)
		read := err == nil
		if err != nil && !errors.Is(err, ErrAssertion) {
			t.Fatal(err)
		}
		if read { // what concerns the ledger, not the form
			again := a.Calldata()
			read = bytes.Equal(data[:len(data)-31], again[:len(again)-31]) && a.Prover == exectest.PublicKey(4) && a.ParentHeight == 0 &&
				slices.Equal(data[36:68], right[36:68]) && a.Last() < s.Chain.Height()+1 && headerIs(s, a)
		}
		r := s.Apply(s.Transfer(11, 1, 1), post(s, 4, data))
		got := len(r.Receipts) == 2 && r.Receipts[1].Status == ethtypes.ReceiptStatusSuccessful
		if got != read {
			t.Fatalf("the contract takes it: %v, read here: %v (%v)\n%x", got, read, err, data)
		}
		if got {
			taken++
		} else {
			refused++
		}
	}
	if taken < 40 || refused < 100 {
		t.Fatal("taken", taken, "refused", refused)
	}
	t.Log("taken", taken, "refused", refused)
}

func several(s *exectest.Swarm, n int) (envelopes [][]byte) {
	for i := range n {
		envelopes = append(envelopes, s.Transfer(10+i, 1, 1))
	}
	return envelopes
}

func headerIs(s *exectest.Swarm, a *Assertion) bool {
	h, err := s.Chain.Header(a.Last())
	return err == nil && h.Digest() == a.Digest
}

// spoiled is calldata with nothing, a byte, a word or its length changed.
func spoiled(random *rand.Rand, right []byte) []byte {
	data := slices.Clone(right)
	switch random.IntN(6) {
	case 0:
	case 1:
		data[random.IntN(len(data))] ^= 1 << random.IntN(8)
	case 2: // in a number of the head, or of chunks
		places := []int{4 + 2*32 + 31, 4 + 3*32 + 31, 4 + 5*32 + 31, 4 + 6*32 + 31, 4 + 2*32, callHead + 1, callHead + blockHead + 2*32 + 1}
		data[places[random.IntN(len(places))]] += byte(random.IntN(5)) - 2
	case 3:
		data = data[:len(data)-1-random.IntN(40)]
	case 4:
		data = append(data, make([]byte, 1+random.IntN(40))...)
	case 5: // in the claims
		data[callHead+random.IntN(len(data)-callHead)] ^= 0x55
	}
	return data
}

// Nobody can say again what he did not compute: a copier's masks are wrong, and its assertion falls to a challenge; with one
// chunk a block there is nothing to copy wrongly.
func TestCopiedMasksAreRefuted(t *testing.T) {
	s := exectest.New(t, nil)
	s.Apply(several(s, 10)...)
	truth := outcome(t, s, 0, 1).Assertion(exectest.PublicKey(4))
	copied := *truth
	copied.Prover = exectest.PublicKey(5)
	if len(truth.Blocks[0].Masks) == 0 || reflect.DeepEqual(truth.Blocks, outcome(t, s, 0, 1).Assertion(exectest.PublicKey(5)).Blocks) {
		t.Fatal("two provers' masks are the same")
	}
	lie := sign(t, s, &copied)
	finding, err := Verify(challenge(t, s, lie), trustOf(s))
	if err != nil || finding.Accused[0] != exectest.PublicKey(5) || finding.Chunk != 0 || finding.Claimed != nil {
		t.Fatal(finding, err)
	}
	if *finding.Refuted != lie.Assertion.Step(0) || finding.Computed == (execution.Claim{}) {
		t.Fatalf("%+v", finding)
	}
}

// forwarder is a contract that passes its calldata on to another, and fails where that does.
func forwarder(to common.Address) []byte {
	code := append(common.FromHex("36600060003760006000366000600073"), to.Bytes()...)
	return append(code, common.FromHex("5af115602b57005b60006000fd")...)
}

// What somebody else than the transaction's own sender posts, through a contract or by delegated code, shows in no transaction that
// could be challenged: the contract refuses it, though that owner may do everything else.
func TestAssertionsArePostedDirectly(t *testing.T) {
	wallet := common.HexToAddress("0xf0a4")
	s := exectest.New(t, func(g *types.Genesis) {
		exectest.Bonded(g)
		g.Alloc[wallet.Hex()] = types.GenesisAccount{Balance: "0x0", Nonce: 1, Code: hexutil.Encode(forwarder(common.HexToAddress(g.FeeVault)))}
		g.Bonding.Owners[exectest.PublicKey(4).String()] = wallet.Hex()
	})
	s.Apply(s.Transfer(10, 11, 1))
	s.Apply()
	of := func(i int) []byte { return outcome(t, s, 0, 1).Assertion(exectest.PublicKey(i)).Calldata() }
	abi := exectest.ABI()
	self := exectest.Address(5)
	for i, test := range []struct {
		what     string
		envelope []byte
		want     uint64
	}{
		{"through a contract", s.Call(10, &wallet, 0, 1_000_000, of(4)), 0},
		{"another call through the contract", s.Call(10, &wallet, 0, 1_000_000, abi.PackUnbond(exectest.PublicKey(4))), 1},
		{"delegates, and so posts", s.Authorize(10, 5, wallet, of(5)), 0},
		{"by delegated code", s.Call(5, &self, 0, 1_000_000, of(5)), 0},
		{"by an account with code", post(s, 5, of(5)), 0},
		{"another call by delegated code", s.Call(5, &self, 0, 1_000_000, abi.PackUnbond(exectest.PublicKey(5))), 1},
		{"directly", post(s, 6, of(6)), 1},
	} {
		r := s.Apply(test.envelope)
		if len(r.Receipts) != 1 || r.Receipts[0].Status != test.want {
			t.Errorf("%d, %s: %+v, want status %d", i, test.what, r.Receipts, test.want)
		}
	}
}
