package fraud

import (
	"errors"
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
		Bond: bondOf,
	}
}

// bondOf: account i owns the bond of prover i.
func bondOf(key types.PublicKey) (Bond, bool) {
	for i := 4; i < 8; i++ {
		if exectest.PublicKey(i) == key {
			return Bond{Owner: exectest.Address(i), Operator: exectest.Address(i), Stands: true}, true
		}
	}
	return Bond{}, false
}

func jobOf(s *exectest.Swarm, c *Challenge) *Job {
	return &Job{Rules: s.Rules(), Committees: []EpochCommittee{{Members: s.Genesis.Committee}}, Bonds: bonds(), Challenge: c.Encode()}
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

func bonds() (list []KeyBond) {
	for i := 4; i < 8; i++ {
		bond, _ := bondOf(exectest.PublicKey(i))
		list = append(list, KeyBond{exectest.PublicKey(i), bond})
	}
	return list
}

// sign signs an assertion with the account of its prover's bond; bound to the swarm's chain, as far as that goes.
func sign(t testing.TB, s *exectest.Swarm, a *Assertion) *SignedAssertion {
	t.Helper()
	for i := 4; i < 10; i++ {
		if exectest.PublicKey(i) != a.Prover {
			continue
		}
		rules := s.Rules()
		signed, err := a.Sign(exectest.Key(i), &rules, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := signed.Assertion.Bind(executed(s.Chain)); err != nil && !errors.Is(err, ErrEarly) && !errors.Is(err, ErrForeignHeader) {
			t.Fatal(err)
		}
		return signed
	}
	t.Fatal("no account speaks for", a.Prover)
	return nil
}

func outcome(t testing.TB, s *exectest.Swarm, parent, last types.Height) *Outcome {
	t.Helper()
	o, err := OutcomeOf(s.Chain, parent, last)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func honest(t testing.TB, s *exectest.Swarm, parent, last types.Height) *SignedAssertion {
	t.Helper()
	return sign(t, s, outcome(t, s, parent, last).Assertion(exectest.PublicKey(4)))
}

// tell is what a liar says of an outcome.
func tell(t testing.TB, s *exectest.Swarm, liar *Liar, o *Outcome, block, chunk int, lie Lie) *SignedAssertion {
	t.Helper()
	a, err := liar.Tell(o, block, chunk, lie)
	if err != nil {
		t.Fatal(err)
	}
	return sign(t, s, a)
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
