package gossip

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/etherscale/bedrock/types"
)

// proving answers with a text, whatever was asked.
func proving(text string) Handlers {
	return Handlers{Prove: func(_ context.Context, r *types.StateRequest) ([]byte, bool) {
		return []byte(text), r.Want == types.Hash{1}
	}}
}

func ask(ctx context.Context, g *Gossip, want types.Hash) (string, error) {
	return Consult(ctx, g, func(_ context.Context, ask Ask) (string, error) {
		answer, err := ask(&types.StateRequest{Kind: types.ProofCode, Want: want})
		if err == nil && string(answer) != "truth" {
			return "", fmt.Errorf("%q: %w", answer, types.ErrUnproven)
		}
		return string(answer), err
	})
}

// TestConsultPassesLiarsOver: whoever answers with something else loses score, and an honest peer's answer is taken.
func TestConsultPassesLiarsOver(t *testing.T) {
	s := newSwarm(t, 2, 1)
	liar, _ := s.start(0, proving("lie"))
	s.start(1, proving("truth"))
	g, _ := s.start(2, Handlers{}, func(c *Config) { c.HedgeDelay = time.Minute })
	s.connectAll()
	eventually(t, "both are known to prove", func() bool { return len(g.candidates(g.protocols.state, false)) == 2 })
	for range 3 {
		if got, err := ask(s.ctx, g, types.Hash{1}); err != nil || got != "truth" {
			t.Fatalf("%q, %v", got, err)
		}
	}
	if !g.peers.distrusted(liar.self) {
		t.Error("the liar keeps its score")
	}
	if _, err := ask(s.ctx, g, types.Hash{2}); !errors.Is(err, ErrNotFound) {
		t.Errorf("what nobody has: %v", err)
	}
}

// TestMalformedProofRequestsArePenalized: what is no request gets no answer, and costs its sender.
func TestMalformedProofRequestsArePenalized(t *testing.T) {
	s := newSwarm(t, 1, 1)
	server, _ := s.start(0, proving("truth"))
	g, _ := s.start(1, Handlers{})
	s.connectAll()
	eventually(t, "the server is known", func() bool { return len(g.candidates(g.protocols.state, false)) == 1 })
	bad := &types.StateRequest{Kind: 9}
	if _, err := g.exchange(s.ctx, server.self, g.protocols.state, bad.Encode(), 100); !errors.Is(err, ErrRefused) {
		t.Error(err)
	}
	eventually(t, "the penalty", func() bool { return server.peers.distrusted(g.self) })
}
