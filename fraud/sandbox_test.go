package fraud

import (
	"errors"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/etherscale/bedrock/execution/exectest"
)

func TestSandboxAnswersLikeVerify(t *testing.T) {
	s := tortured(t, 10, 3, 12)
	liar := NewLiar(exectest.PublicKey(5), s.Chain, rand.New(rand.NewPCG(1, 1)))
	signed := tell(t, s, liar, outcome(t, s, 1, 3), 1, 0, LieGas)
	c := challenge(t, s, signed)
	want, err := Verify(c, trustOf(s))
	if err != nil {
		t.Fatal(err)
	}
	box := sandbox(t, "verify", Limits{})
	got, err := box.Verify(t.Context(), jobOf(s, c))
	if err != nil {
		t.Fatal(err)
	}
	if *got.Refuted != *want.Refuted || got.Computed != want.Computed || got.Accused[0] != liar.Key() || got.Assertion != signed.ID().String() || got.Kind != KindWrongState {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	if judged, err := box.Judge(t.Context(), c, trustOf(s)); err != nil || judged.Computed != want.Computed {
		t.Fatal(judged, err)
	}
	truth, err := BuildWrongState(s.Chain, s, honest(t, s, 1, 3), Place{Block: 1}, [20]byte{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := box.Verify(t.Context(), jobOf(s, truth)); !errors.Is(err, ErrInvalid) {
		t.Fatal(err)
	}
}

// I3: a child that dies proves nothing, and takes nobody with it.
func TestSandboxSurvivesItsChild(t *testing.T) {
	s := exectest.New(t, nil)
	job := jobOf(s, &Challenge{})
	for name, box := range map[string]*Sandbox{
		"sleeps": sandbox(t, "sleep", Limits{Timeout: 200 * time.Millisecond}),
		"panics": sandbox(t, "panic", Limits{}),
	} {
		if _, err := box.Verify(t.Context(), job); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if runtime.GOOS == "linux" {
		if _, err := sandbox(t, "hog", Limits{}).Verify(t.Context(), job); !errors.Is(err, ErrInvalid) {
			t.Error("takes too much memory:", err)
		}
	}
	missing := &Sandbox{Exe: "/does/not/exist"}
	if _, err := missing.Verify(t.Context(), job); !errors.Is(err, ErrSandbox) {
		t.Error(err)
	}
}
