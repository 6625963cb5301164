package main

import (
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gethrpc "github.com/ethereum/go-ethereum/rpc"

	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/fraud"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/types"
)

// headerServer answers bedrock_getHeader from a swarm's certified blocks.
type headerServer struct{ s *exectest.Swarm }

func (h *headerServer) GetHeader(height rpc.Height) *rpc.Header {
	ch, ok := h.s.Certified(types.Height(height))
	if !ok {
		return nil
	}
	return &rpc.Header{Height: height, Encoded: ch.Encode()}
}

// TestVerifyListed: with the genesis file and a header that a quorum signed, a stranger sees that what the header lists of a
// challenge is false: because the challenge proves nothing, or something else.
func TestVerifyListed(t *testing.T) {
	s := exectest.New(t, nil)
	accused := exectest.PublicKey(0)
	signed := func(tag byte) types.SignedVertexID {
		id := types.VertexID{Version: types.Version, Network: s.Network, Round: 7, Author: member(t, s, accused), Time: 1, Body: types.Hash{tag}}
		return types.SignedVertexID{ID: id, Signature: types.SignDigest(exectest.PeerKey(0), id.Digest())}
	}
	valid := fraud.NewDoubleVertex(s.Network, [20]byte{1}, 0, types.NewEquivocation(signed(1), signed(2)))
	nothing := *valid
	nothing.Body = nothing.Body[:len(nothing.Body)-1]
	cases := map[string]struct {
		challenge *fraud.Challenge
		verdict   types.Verdict
		want      string // of the error; empty: it is listed rightly
	}{
		"rightly":       {valid, types.Verdict{Kind: 3, Accused: accused, Payee: valid.Payee}, ""},
		"of nothing":    {&nothing, types.Verdict{Kind: 3, Accused: accused, Payee: valid.Payee}, "proves nothing"},
		"another payee": {valid, types.Verdict{Kind: 3, Accused: accused, Payee: [20]byte{2}}, "to be paid"},
		"another kind":  {valid, types.Verdict{Kind: 2, Accused: accused, Payee: valid.Payee}, "of kind"},
		"an innocent":   {valid, types.Verdict{Kind: 3, Accused: exectest.PublicKey(1), Payee: valid.Payee}, "accuses others"},
		"not at all":    {valid, types.Verdict{Challenge: types.BatchIDOf([]byte("x"))}, "lists no verdict"},
	}
	server := gethrpc.NewServer()
	if err := server.RegisterName("bedrock", &headerServer{s}); err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(server)
	defer web.Close()
	dir := t.TempDir()
	genesis := filepath.Join(dir, "genesis.json")
	encoded, err := s.Genesis.Encode()
	if err == nil {
		err = os.WriteFile(genesis, encoded, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "challenge")
			if err := os.WriteFile(file, c.challenge.Encode(), 0o600); err != nil {
				t.Fatal(err)
			}
			if c.verdict.Challenge == (types.BatchID{}) {
				c.verdict.Challenge = c.challenge.ID()
			}
			s.ApplyHeader(func(h *types.Header) { h.Verdicts = []types.Verdict{c.verdict} })
			found, err := verifyListed(t.Context(), queryFlags{rpc: web.URL}, file, genesis, s.Chain.Height())
			if err == nil {
				var out strings.Builder
				err = tellListed(&out, found, false)
			}
			var exit *exitError
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !errors.As(err, &exit)):
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

func member(t *testing.T, s *exectest.Swarm, key types.PublicKey) types.Member {
	t.Helper()
	m, ok := s.Committee().Index(key)
	if !ok {
		t.Fatal("no member")
	}
	return m
}
