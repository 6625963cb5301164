package fraud

import (
	"bytes"
	"errors"
	"testing"

	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/types"
)

// signedHeaders are statements of one member about height 1: by headers and by vertices, of the header that the swarm made
// and of another one.
type signedHeaders struct {
	author                types.Member
	header, other         SignedHeader
	vertex, otherVertex   SignedHeader
	elsewhere, bySomebody SignedHeader // of height 2; of another member
}

func newSignedHeaders(t testing.TB, s *exectest.Swarm) signedHeaders {
	t.Helper()
	author, _ := s.Committee().Index(exectest.PublicKey(0))
	someone, _ := s.Committee().Index(exectest.PublicKey(1))
	h := s.Next().Header.Header
	other := h
	other.VertexIndex++
	higher := other
	higher.Height++
	header := func(h types.Header) SignedHeader {
		return SignedHeader{Header: h.Encode(), Signature: types.SignDigest(exectest.PeerKey(0), h.Digest())}
	}
	vertex := func(by types.Member, key int, h types.Header) SignedHeader {
		v := types.NewVertex(types.VertexID{Version: types.Version, Network: s.Network, Round: 1, Author: by, Time: 1}, types.VertexBody{
			Parents:          types.NewBitmap(s.Committee().Len()),
			HeaderSignatures: []types.HeaderSignature{{Height: h.Height, Digest: h.Digest(), Signature: types.SignDigest(exectest.PeerKey(key), h.Digest())}}})
		return SignedHeader{Vertex: v.WithSignature(types.SignDigest(exectest.PeerKey(key), v.Digest())).Encode()}
	}
	return signedHeaders{author, header(h), header(other), vertex(author, 0, h), vertex(author, 0, other), header(higher), vertex(someone, 1, other)}
}

func doubleSignature(s *exectest.Swarm, author types.Member, a, b SignedHeader) *Challenge {
	return NewDoubleSignature(s.Network, [20]byte{3}, 0, 1, author, a, b)
}

func TestDoubleSignatureConvicts(t *testing.T) {
	s := exectest.New(t, nil)
	said := newSignedHeaders(t, s)
	cases := map[string]struct {
		a, b SignedHeader
		want bool
	}{
		"two headers":           {said.header, said.other, true},
		"header and vertex":     {said.header, said.otherVertex, true},
		"two vertices":          {said.vertex, said.otherVertex, true},
		"one header twice":      {said.header, said.header, false},
		"one header, two ways":  {said.header, said.vertex, false},
		"another height":        {said.header, said.elsewhere, false},
		"somebody else's":       {said.header, said.bySomebody, false},
		"nothing":               {said.header, SignedHeader{}, false},
		"both in one statement": {said.header, SignedHeader{Header: said.other.Header, Vertex: said.vertex.Vertex, Signature: said.other.Signature}, false},
		"unsigned":              {said.header, SignedHeader{Header: said.other.Header}, false},
	}
	for name, c := range cases {
		for _, pair := range [][2]SignedHeader{{c.a, c.b}, {c.b, c.a}} {
			made, err := DecodeChallenge(doubleSignature(s, said.author, pair[0], pair[1]).Encode())
			if err != nil {
				t.Fatal(name, err)
			}
			finding, err := Verify(made, trustOf(s))
			switch {
			case c.want && (err != nil || len(finding.Accused) != 1 || finding.Accused[0] != exectest.PublicKey(0)):
				t.Errorf("%s: %+v, %v", name, finding, err)
			case !c.want && !errors.Is(err, ErrInvalid):
				t.Errorf("%s: %+v, %v", name, finding, err)
			}
		}
	}
	if a, b := doubleSignature(s, said.author, said.header, said.other), doubleSignature(s, said.author, said.other, said.header); a.ID() != b.ID() {
		t.Error("one pair makes two challenges")
	}
}

func TestTamperedSignaturesConvictNobody(t *testing.T) {
	s := exectest.New(t, nil)
	said := newSignedHeaders(t, s)
	for _, valid := range []*Challenge{doubleSignature(s, said.author, said.header, said.other), doubleSignature(s, said.author, said.vertex, said.otherVertex)} {
		for at := range valid.Body {
			c := *valid
			c.Body = bytes.Clone(valid.Body)
			c.Body[at] ^= 1
			if f, err := Verify(&c, trustOf(s)); !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrUnknownCommittee) {
				t.Fatalf("byte %d changed: %+v, %v", at, f, err)
			}
		}
	}
}

func FuzzDoubleSignature(f *testing.F) {
	s := exectest.New(f, nil)
	said := newSignedHeaders(f, s)
	valid := doubleSignature(s, said.author, said.header, said.otherVertex)
	f.Add(valid.Body)
	f.Add(valid.Body[:len(valid.Body)-1])
	f.Add(doubleSignature(s, said.author, said.vertex, said.header).Body)
	f.Fuzz(func(t *testing.T, body []byte) {
		c := *valid
		c.Body = body
		finding, err := Verify(&c, trustOf(s))
		switch {
		case err == nil && !bytes.Equal(body, valid.Body):
			t.Fatalf("other bytes convict: %+v", finding)
		case err != nil && !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrUnknownCommittee):
			t.Fatal(err)
		}
	})
}
