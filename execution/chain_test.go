package execution

import (
	"errors"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/etherscale/bedrock/types"
)

func TestApplyTransfers(t *testing.T) {
	s := newSwarm(t, nil)
	r := s.apply(s.transfer(0, 100, 5), s.transfer(0, 100, 6), s.transfer(1, 100, 7), []byte{1, 2, 3}, s.transfer(2, 101, 1))
	if len(r.Claims) != 2 || r.Claims[1].Place != 5 || r.Claims[1].Transactions != 4 || len(r.Skipped) != 1 {
		t.Fatalf("claims %+v, skipped %+v", r.Claims, r.Skipped)
	}
	if got := s.chain.Balance(testAddress(100)).Uint64(); got != 18 {
		t.Fatalf("balance %d, want 18", got)
	}
	if r.Claims[1].Gas != 4*21000 {
		t.Fatalf("gas %d", r.Claims[1].Gas)
	}
	vault := s.chain.Balance(common.HexToAddress(testVault)).Uint64()
	if want := 4 * 21000 * (s.chain.BaseFee() + 1e6); vault != uint64(want) {
		t.Fatalf("vault has %d, want tips and base fee %d", vault, want)
	}
	if s.chain.Nonce(testAddress(0)) != 2 || s.chain.HasCode(testAddress(0)) || !s.chain.HasCode(storeAddress) {
		t.Fatal("nonce or code")
	}
	empty := s.apply()
	if len(empty.Claims) != 1 || empty.Claims[0].Place != 0 || empty.Claims[0].Root == r.Claims[1].Root {
		t.Fatalf("an empty block has one chunk with the system calls: %+v", empty.Claims)
	}
}

func TestApplyRefusesWrongBlocks(t *testing.T) {
	s := newSwarm(t, nil)
	s.apply()
	good := s.next()
	bad := good.header
	bad.Height++
	if _, err := s.chain.Apply(bad, nil); !errors.Is(err, ErrGap) {
		t.Fatal(err)
	}
	bad.Height -= 2
	if _, err := s.chain.Apply(bad, nil); !errors.Is(err, ErrExecuted) {
		t.Fatal(err)
	}
	bad = good.header
	bad.Parent = types.Hash{1}
	if _, err := s.chain.Apply(bad, nil); !errors.Is(err, ErrParent) {
		t.Fatal(err)
	}
}

// I5
func TestCrashLosesNothing(t *testing.T) {
	s := newSwarm(t, nil)
	var last *Result
	for round := range 3 {
		for i := range 7 {
			last = s.apply(s.transfer(i, 200+i, 1), s.call(i, &storeAddress, 0, 100_000, words(uint64(i), uint64(round+1))))
		}
		s.crash()
		s.open()
		if s.chain.Height() != last.Height || s.chain.head.Load().claim != last.Claims[len(last.Claims)-1] {
			t.Fatalf("after the crash: head %d, want %d", s.chain.Height(), last.Height)
		}
		if got := s.chain.Balance(testAddress(200)).Uint64(); got != uint64(round+1) {
			t.Fatalf("balance %d", got)
		}
	}
	if s.chain.Durable() > s.chain.Height() {
		t.Fatalf("durable %d above head %d", s.chain.Durable(), s.chain.Height())
	}
	if err := s.chain.Close(); err != nil {
		t.Fatal(err)
	}
	s.blocks = nil // a clean close needs no block again
	s.open()
	if s.chain.Height() != last.Height {
		t.Fatal("clean close lost blocks")
	}
}

func TestDurableAdvances(t *testing.T) {
	s := newSwarm(t, nil)
	s.chain.config.DurableEvery = 5
	for range 12 {
		s.apply()
	}
	if d := s.chain.Durable(); d != 10 {
		t.Fatalf("durable %d, want 10", d)
	}
	s.crash()
	delete(s.blocks, 10)
	s.open()
	if s.chain.Height() != 12 {
		t.Fatal("head", s.chain.Height())
	}
}
