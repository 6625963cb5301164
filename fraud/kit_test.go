package fraud

import (
	"flag"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/types"
)

// long makes the drills many times longer than `go test ./...` can afford: go test ./fraud -args -long.
var long = flag.Bool("long", false, "long drills")

// TestMain lets the test binary be its own sandboxed child.
func TestMain(m *testing.M) {
	switch os.Getenv("BEDROCK_TEST_CHILD") {
	case "verify":
		os.Exit(VerifyMain(os.Stdin, os.Stdout, Limits{}))
	case "hog":
		hog()
	case "panic":
		go func() { panic("as a library might in a goroutine of its own") }()
		select {}
	case "sleep":
		time.Sleep(time.Hour)
	}
	os.Exit(m.Run())
}

// hog takes memory beyond its limit.
func hog() {
	if err := (Limits{Memory: minSandboxMemory}).apply(); err != nil {
		os.Exit(0) // the test expects a death
	}
	var kept [][]byte
	for range 64 {
		kept = append(kept, slices.Repeat([]byte{1}, 16<<20))
	}
	_, _ = os.Stdout.WriteString(`{"finding":{}}`) // an answer: the limit did not hold
	os.Exit(len(kept) - 64)
}

func sandboxFor(t testing.TB) *Sandbox { return sandbox(t, "verify", Limits{}) }

func sandbox(t testing.TB, child string, limits Limits) *Sandbox {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return &Sandbox{Exe: exe, Env: []string{"BEDROCK_TEST_CHILD=" + child}, Limits: limits}
}

func trustOf(s *exectest.Swarm) *Trust {
	committee := s.Committee()
	return &Trust{
		Rules: s.Rules(),
		Committee: func(e types.Epoch) *types.Committee {
			if e != 0 {
				return nil
			}
			return committee
		},
		Prover: func(key types.PublicKey) bool { return slices.Contains(s.Genesis.Provers, key) },
	}
}

func jobOf(s *exectest.Swarm, c *Challenge) *Job {
	return &Job{Rules: s.Rules(), Committees: []EpochCommittee{{Members: s.Genesis.Committee}}, Provers: s.Genesis.Provers, Challenge: c.Encode()}
}

// tortured is a swarm with some blocks of random transactions.
func tortured(t testing.TB, seed uint64, blocks, size int) *exectest.Swarm {
	s := exectest.New(t, nil)
	random := rand.New(rand.NewPCG(seed, 1))
	for range blocks {
		var envelopes [][]byte
		for range random.IntN(size + 1) {
			envelopes = append(envelopes, s.Torture(random))
		}
		s.Apply(envelopes...)
	}
	return s
}

func honest(t testing.TB, s *exectest.Swarm, parent, last types.Height) *SignedAssertion {
	t.Helper()
	signed, err := NewProver(exectest.PeerKey(4), s.Chain).Assert(parent, last)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func challenge(t testing.TB, s *exectest.Swarm, signed *SignedAssertion) *Challenge {
	t.Helper()
	at, wrong, err := Compare(s.Chain, &signed.Assertion)
	if err != nil || !wrong {
		t.Fatalf("compare: wrong %v, %v", wrong, err)
	}
	c, err := BuildWrongState(s.Chain, s, signed, at, [20]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
