package execution_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/rawdb"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/types"
)

func crash(s *exectest.Swarm) {
	s.TB.Helper()
	if err := s.Chain.Crash(); err != nil {
		s.TB.Fatal(err)
	}
	s.Chain = nil
}

func TestApplyTransfers(t *testing.T) {
	s := exectest.New(t, nil)
	r := s.Apply(s.Transfer(0, 100, 5), s.Transfer(0, 100, 6), s.Transfer(1, 100, 7), []byte{1, 2, 3}, s.Transfer(2, 101, 1))
	if len(r.Claims) != 2 || r.Claims[1].Place != 5 || r.Claims[1].Transactions != 4 || len(r.Skipped) != 1 {
		t.Fatalf("claims %+v, skipped %+v", r.Claims, r.Skipped)
	}
	if got := s.Chain.Balance(exectest.Address(100)).Uint64(); got != 18 {
		t.Fatalf("balance %d, want 18", got)
	}
	if r.Claims[1].Gas != 4*21000 {
		t.Fatalf("gas %d", r.Claims[1].Gas)
	}
	vault := s.Chain.Balance(common.HexToAddress(exectest.Vault)).Uint64()
	if want := 4 * 21000 * (s.Chain.BaseFee() + 1e6); vault != uint64(want) {
		t.Fatalf("vault has %d, want tips and base fee %d", vault, want)
	}
	if s.Chain.Nonce(exectest.Address(0)) != 2 || s.Chain.HasCode(exectest.Address(0)) || !s.Chain.HasCode(exectest.StoreAddress) {
		t.Fatal("nonce or code")
	}
	empty := s.Apply()
	if len(empty.Claims) != 1 || empty.Claims[0].Place != 0 || empty.Claims[0].Root == r.Claims[1].Root {
		t.Fatalf("an empty block has one chunk with the system calls: %+v", empty.Claims)
	}
}

func TestApplyRefusesWrongBlocks(t *testing.T) {
	s := exectest.New(t, nil)
	s.Apply()
	good := s.Next().Header.Header
	for _, test := range []struct {
		change func(h *types.Header)
		want   error
	}{
		{func(h *types.Header) { h.Height++ }, execution.ErrGap},
		{func(h *types.Header) { h.Height-- }, execution.ErrExecuted},
		{func(h *types.Header) { h.Parent[0]++ }, execution.ErrParent},
		{func(h *types.Header) { h.Network[0]++ }, execution.ErrWrongNetwork},
	} {
		bad := good
		test.change(&bad)
		if _, err := s.Chain.Apply(bad, nil); !errors.Is(err, test.want) {
			t.Fatalf("got %v, want %v", err, test.want)
		}
	}
}

// I5
func TestCrashLosesNothing(t *testing.T) {
	s := exectest.New(t, nil)
	random := rand.New(rand.NewPCG(1, 1))
	var last *execution.Result
	for round := range 3 {
		for range 7 {
			last = s.Apply(s.Transfer(0, 200, 1), s.Torture(random), s.Torture(random), s.Torture(random))
		}
		crash(s)
		s.Open()
		claim, err := s.Chain.LastClaim(s.Chain.Height())
		if err != nil || s.Chain.Height() != last.Height || claim != last.Claims[len(last.Claims)-1] {
			t.Fatalf("after the crash: head %d, want %d; %v", s.Chain.Height(), last.Height, err)
		}
		if _, err := s.Chain.StateAt(claim.Root); err != nil {
			t.Fatal(err)
		}
		if got := s.Chain.Balance(exectest.Address(200)).Uint64(); got < uint64(round) {
			t.Fatalf("balance %d in round %d", got, round)
		}
	}
	if s.Chain.Durable() > s.Chain.Height() {
		t.Fatalf("durable %d above head %d", s.Chain.Durable(), s.Chain.Height())
	}
	if err := s.Chain.Close(); err != nil {
		t.Fatal(err)
	}
	s.Stored = nil // a clean close needs no block again
	s.Open()
	if s.Chain.Height() != last.Height {
		t.Fatal("clean close lost blocks")
	}
	s.Stored = map[types.Height]exectest.Stored{}
	for range 3 { // the state written at the close is still the newest on disk when the next crash comes
		last = s.Apply(s.Transfer(1, 200, 1))
	}
	crash(s)
	s.Open()
	if s.Chain.Height() != last.Height {
		t.Fatal("crash after a clean close")
	}
}

// Witnesses are not synced with each block: those that a power cut takes are recorded again with the state.
func TestCrashRecordsWitnessesAgain(t *testing.T) {
	s := exectest.New(t, nil)
	random := rand.New(rand.NewPCG(8, 1))
	var before []execution.Witness
	for height := types.Height(1); height <= 5; height++ {
		s.Apply(s.Torture(random), s.Torture(random), s.Torture(random))
		w, err := s.Chain.Witness(height)
		if err != nil {
			t.Fatal(err)
		}
		before = append(before, w)
	}
	crash(s)
	if err := os.RemoveAll(filepath.Join(s.Dir, "witnesses-v1")); err != nil {
		t.Fatal(err)
	}
	s.Open()
	for i, want := range before {
		if w, err := s.Chain.Witness(types.Height(i + 1)); err != nil || !reflect.DeepEqual(w, want) {
			t.Fatalf("witness of block %d after the crash: %v", i+1, err)
		}
	}
	if err := s.Chain.Close(); err != nil {
		t.Fatal(err)
	}
	s.Open()
	if w, err := s.Chain.Witness(5); err != nil || !reflect.DeepEqual(w, before[4]) {
		t.Fatal("after a clean close:", err)
	}
}

// Blocks that the node did not store after all come again from the network, and execute to the same.
func TestCrashWithoutBlocksRewinds(t *testing.T) {
	s := exectest.New(t, nil)
	var results []*execution.Result
	for i := range 6 {
		results = append(results, s.Apply(s.Transfer(0, 200+i, 1)))
	}
	crash(s)
	lost := map[types.Height]exectest.Stored{5: s.Stored[5], 6: s.Stored[6]}
	delete(s.Stored, 5)
	delete(s.Stored, 6)
	s.Open()
	if s.Chain.Height() != 4 || rawdb.ReadCanonicalHash(s.Chain.Disk(), 5) != (common.Hash{}) {
		t.Fatal("head", s.Chain.Height())
	}
	for h := types.Height(5); h <= 6; h++ {
		r, err := s.Chain.Apply(lost[h].Header.Header, lost[h].Data)
		if err != nil || r.Block.Hash() != results[h-1].Block.Hash() {
			t.Fatal(r, err)
		}
	}
}

func TestStoredBlockThatChangedStopsRecovery(t *testing.T) {
	s := exectest.New(t, nil)
	s.Apply(s.Transfer(0, 1, 1))
	crash(s)
	b := s.Stored[1]
	b.Header.Header.VertexIndex++
	s.Stored[1] = b
	if _, err := execution.Open(execution.Config{Genesis: s.Genesis, Dir: s.Dir, Blocks: s}); !errors.Is(err, execution.ErrRecovery) {
		t.Fatal(err)
	}
}

func TestOtherNetworkIsRefused(t *testing.T) {
	s := exectest.New(t, nil)
	if err := s.Chain.Close(); err != nil {
		t.Fatal(err)
	}
	s.Chain = nil
	g := exectest.Genesis()
	g.Name = "other"
	if _, err := execution.Open(execution.Config{Genesis: g, Dir: s.Dir}); !errors.Is(err, execution.ErrWrongNetwork) {
		t.Fatal(err)
	}
}

func TestDurableAdvances(t *testing.T) {
	s := exectest.New(t, nil)
	s.Chain.SetDurableEvery(5)
	for range 12 {
		s.Apply()
	}
	if d := s.Chain.Durable(); d != 10 {
		t.Fatalf("durable %d, want 10", d)
	}
	crash(s)
	delete(s.Stored, 10)
	s.Open()
	if s.Chain.Height() != 12 {
		t.Fatal("head", s.Chain.Height())
	}
}

func TestRecordsOfEthereum(t *testing.T) {
	s := exectest.New(t, nil)
	r := s.Apply(s.Transfer(0, 1, 1), []byte{9}, s.Call(1, &exectest.StoreAddress, 0, 100_000, exectest.Words(1, 2)))
	hash := r.Block.Transactions()[1].Hash()
	number := rawdb.ReadTxLookupEntry(s.Chain.Disk(), hash)
	if number == nil || *number != 1 {
		t.Fatal("transaction index")
	}
	receipts := rawdb.ReadReceipts(s.Chain.Disk(), r.Block.Hash(), 1, r.Block.Time(), s.Chain.ChainConfig())
	if len(receipts) != 2 || len(receipts[1].Logs) != 1 || receipts[1].Logs[0].TxHash != hash || receipts[1].TransactionIndex != 1 {
		t.Fatalf("receipts %+v", receipts)
	}
	skips, err := s.Chain.Skipped(1)
	if err != nil || len(skips) != 1 || skips[0].Place != 1 || skips[0].Reason != string(execution.ReasonMalformed) {
		t.Fatal(skips, err)
	}
	height, skip, err := s.Chain.SkippedByHash(skips[0].Hash)
	if err != nil || height != 1 || skip != skips[0] {
		t.Fatal(height, skip, err)
	}
	if parent := rawdb.ReadHeader(s.Chain.Disk(), r.Block.ParentHash(), 0); parent == nil {
		t.Fatal("genesis block is not the parent")
	}
}
