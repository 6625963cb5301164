package fraud

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/etherscale/bedrock/execution/exectest"
)

// The whole story with every part but the wire: a prover lies, an executing peer finds it and sends one message, a light
// client that executed nothing verifies it in a child process, and settles what the honest prover said.
func TestDrill(t *testing.T) {
	s := exectest.New(t, nil) // the executing peers' chain
	base, err := GenesisParent(s.Genesis)
	if err != nil {
		t.Fatal(err)
	}
	light := trackerOf(t, s, nil)
	if light.Settled() != base {
		t.Fatal("a light client computes another genesis than a full peer")
	}
	random := rand.New(rand.NewPCG(5, 5))
	liar := NewLiar(exectest.PublicKey(5), s.Chain, random)
	prover := NewProver(exectest.PublicKey(4), s.Chain)
	challenger := NewChallenger(s.Chain, s, trustOf(s), [20]byte{0xca})
	box := sandbox(t, "verify", Limits{})

	for range 3 {
		s.Apply(s.Torture(random), s.Torture(random), s.Transfer(0, 1, 1), s.Torture(random), s.Torture(random))
		h, err := s.Chain.Header(s.Chain.Height())
		if err != nil {
			t.Fatal(err)
		}
		light.AddHeader(&h)
	}
	told, err := liar.Next(0)
	if err != nil {
		t.Fatal(err)
	}
	right, err := prover.Next(0)
	if err != nil {
		t.Fatal(err)
	}
	lie, truth := sign(t, s, told), sign(t, s, right)
	add(t, light, lie)
	add(t, light, truth)

	made, err := challenger.Inspect(lie)
	if err != nil || made == nil {
		t.Fatal(made, err)
	}
	received, err := DecodeChallenge(made.Encode())
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	finding, err := box.Judge(t.Context(), received, trustOf(s))
	if err != nil {
		t.Fatal(err)
	}
	light.Convict(finding)
	light.Note(Record{ID: received.ID(), Kind: finding.Kind, Height: finding.Height, Accused: finding.Accused, Challenger: received.Payee,
		Valid: true, Bytes: len(made.Encode()), Millis: float64(time.Since(start).Microseconds()) / 1000})
	follow(t, s, light, 21)
	if got := light.Settled(); got.Height != 3 || !light.Convicted(liar.Key()) || len(light.Records()) != 1 {
		t.Fatalf("settled block %d, liar convicted %v", got.Height, light.Convicted(liar.Key()))
	}
	own, err := OwnParent(s.Chain, 3)
	if err != nil || light.Settled() != own {
		t.Fatal("the light client settled something else than the truth", err)
	}
	t.Logf("%s of block %d, chunk %d (%v): %d bytes, verified in %.0f ms", finding.Kind, finding.Height, finding.Chunk,
		finding.Differences, light.Records()[0].Bytes, light.Records()[0].Millis)
}
