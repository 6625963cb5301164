package fraud

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/types"

	"github.com/ethereum/go-ethereum/rlp"
)

// I2: every lie about every chunk is refuted by a challenge that survives the wire.
func TestEveryLieIsRefuted(t *testing.T) {
	s := tortured(t, 1, 6, 20)
	trust, random := trustOf(s), rand.New(rand.NewPCG(9, 9))
	liar := NewLiar(exectest.PublicKey(5), s.Chain, random)
	truth := outcome(t, s, 1, 6)
	count, largest := 0, 0
	for block := range truth.Claims {
		for chunk := range truth.Claims[block] {
			for lie := range lies {
				signed := tell(t, s, liar, truth, block, chunk, lie)
				encoded := challenge(t, s, signed).Encode()
				c, err := DecodeChallenge(encoded)
				if err != nil {
					t.Fatal(err)
				}
				finding, err := Verify(c, trust)
				if err != nil {
					t.Fatalf("block %d, chunk %d, lie %d: %v", block, chunk, lie, err)
				}
				if finding.Accused[0] != liar.Key() || finding.Height != signed.Assertion.Height(block) || len(finding.Differences) == 0 || finding.Refuted == nil {
					t.Fatalf("finding %+v", finding)
				}
				count, largest = count+1, max(largest, len(encoded))
			}
		}
	}
	t.Logf("%d lies refuted, largest challenge %d bytes", count, largest)
}

// I1: no challenge against an honest assertion verifies, whichever chunk it names.
func TestHonestChunkIsNeverRefuted(t *testing.T) {
	s := tortured(t, 2, 4, 20)
	trust := trustOf(s)
	signed := honest(t, s, 0, 4)
	if _, wrong, err := Compare(s.Chain, &signed.Assertion); wrong || err != nil {
		t.Fatal(wrong, err)
	}
	for block := range signed.Assertion.Blocks {
		for chunk := range signed.Assertion.Blocks[block].Chunks() + 1 {
			c, err := BuildWrongState(s.Chain, s, signed, Place{Block: block, Chunk: chunk}, [20]byte{})
			if err != nil {
				t.Fatal(err)
			}
			if f, err := Verify(c, trust); !errors.Is(err, ErrInvalid) {
				t.Fatalf("honest block %d, chunk %d: %+v, %v", block, chunk, f, err)
			}
		}
	}
}

// I1: with any part missing or changed, a challenge of an honest assertion still convicts nobody.
func TestTamperedChallengeConvictsNoHonestProver(t *testing.T) {
	s := tortured(t, 3, 5, 14)
	trust, random := trustOf(s), rand.New(rand.NewPCG(3, 3))
	signed := honest(t, s, 2, 5)
	tried := 0
	for block := range signed.Assertion.Blocks {
		for chunk := range signed.Assertion.Blocks[block].Chunks() {
			c, err := BuildWrongState(s.Chain, s, signed, Place{Block: block, Chunk: chunk}, [20]byte{})
			if err != nil {
				t.Fatal(err)
			}
			var body WrongState
			if err := rlp.DecodeBytes(c.Body, &body); err != nil {
				t.Fatal(err)
			}
			for _, lists := range []*[][]byte{&body.Nodes, &body.Codes, &body.Rows, &body.Ancestors} {
				whole := *lists
				for i := range whole {
					*lists = append(append([][]byte(nil), whole[:i]...), whole[i+1:]...)
					mustNotConvict(t, trust, c, body)
					changed := append([]byte(nil), whole[i]...)
					changed[random.IntN(len(changed))] ^= 1 << random.IntN(8)
					*lists = append([][]byte(nil), whole...)
					(*lists)[i] = changed
					mustNotConvict(t, trust, c, body)
					tried += 2
				}
				*lists = whole
			}
		}
	}
	if tried < 200 {
		t.Fatalf("only %d tampered challenges", tried)
	}
}

func mustNotConvict(t *testing.T, trust *Trust, c *Challenge, body WrongState) {
	t.Helper()
	bad := *c
	bad.Body = mustEncode(&body)
	if f, err := Verify(&bad, trust); !errors.Is(err, ErrInvalid) {
		t.Fatalf("convicted an honest prover: %+v, %v", f, err)
	}
}

func TestChallengeNeedsBondCertificateAndSignature(t *testing.T) {
	s := tortured(t, 4, 3, 8)
	liar := NewLiar(exectest.PublicKey(5), s.Chain, rand.New(rand.NewPCG(1, 1)))
	signed := tell(t, s, liar, outcome(t, s, 1, 3), 1, 0, LieRoot)
	good := challenge(t, s, signed)
	if err := Check(good, trustOf(s)); err != nil {
		t.Fatal(err)
	}
	edit := func(change func(b *WrongState)) *Challenge {
		var body WrongState
		if err := rlp.DecodeBytes(good.Body, &body); err != nil {
			t.Fatal(err)
		}
		change(&body)
		c := *good
		c.Body = mustEncode(&body)
		return &c
	}
	if d := Describe(good); d.Height != 3 || d.Chunk != 0 || d.Accused[0] != liar.Key() || d.Assertion != signed.ID().String() {
		t.Fatalf("described as %+v", d)
	}
	noProver := trustOf(s)
	noProver.Bond = nil
	stranger := trustOf(s)
	stranger.Bond = func(types.PublicKey) (Bond, bool) {
		return Bond{Owner: exectest.Address(6), Operator: exectest.Address(7)}, true
	}
	noCommittee := trustOf(s)
	noCommittee.Committee = nil
	for name, test := range map[string]struct {
		c     *Challenge
		trust *Trust
	}{
		"not a prover":   {good, noProver},
		"bond of others": {good, stranger},
		"signature": {edit(func(b *WrongState) {
			b.Assertion = append([]byte(nil), b.Assertion...)
			b.Assertion[len(b.Assertion)-1] ^= 1
		}), trustOf(s)},
		"parent": {edit(func(b *WrongState) { b.Block, b.Parent = 0, nil }), trustOf(s)},
		"another parent": {edit(func(b *WrongState) {
			own, _ := OwnParent(s.Chain, 2)
			b.Block, b.Parent = 0, own.Encode()
		}), trustOf(s)},
		"certificate": {edit(func(b *WrongState) {
			h, _ := s.Certified(3)
			h.Certificate.Signatures = append([]types.Signature(nil), h.Certificate.Signatures...)
			h.Certificate.Signatures[0][0] ^= 1
			b.Header = h.Encode()
		}), trustOf(s)},
		"other block's header": {edit(func(b *WrongState) {
			h, _ := s.Certified(2)
			b.Header = h.Encode()
		}), trustOf(s)},
		"body":               {func() *Challenge { c := *good; c.Body = c.Body[:len(c.Body)-1]; return &c }(), trustOf(s)},
		"kind":               {func() *Challenge { c := *good; c.Kind = 99; return &c }(), trustOf(s)},
		"network":            {func() *Challenge { c := *good; c.Network[0] ^= 1; return &c }(), trustOf(s)},
		"too many nodes":     {edit(func(b *WrongState) { b.Nodes = make([][]byte, maxListItems+1) }), trustOf(s)},
		"block out of range": {edit(func(b *WrongState) { b.Block = 1 << 40 }), trustOf(s)},
		"chunk out of range": {edit(func(b *WrongState) { b.Chunk = 1 << 40 }), trustOf(s)},
		"no ancestors":       {edit(func(b *WrongState) { b.Ancestors = nil }), trustOf(s)},
		"frontier":           {edit(func(b *WrongState) { b.Frontier = append(b.Frontier, types.Hash{}) }), trustOf(s)},
	} {
		if err := Check(test.c, test.trust); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := Check(good, noCommittee); !errors.Is(err, ErrUnknownCommittee) {
		t.Errorf("unknown committee: %v", err)
	}
}

func TestForesee(t *testing.T) {
	s := tortured(t, 11, 4, 16)
	liar := NewLiar(exectest.PublicKey(5), s.Chain, rand.New(rand.NewPCG(1, 1)))
	truth, claims := honest(t, s, 1, 4), outcome(t, s, 1, 4)
	build := func(signed *SignedAssertion, at Place) *Challenge {
		c, err := BuildWrongState(s.Chain, s, signed, at, [20]byte{})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	lie := tell(t, s, liar, claims, 1, 0, LieRoot)
	if err := Foresee(s.Chain, build(lie, Place{Block: 1})); err != nil {
		t.Fatal("right challenge:", err)
	}
	if err := Foresee(s.Chain, build(truth, Place{Block: 1})); !errors.Is(err, ErrInvalid) {
		t.Fatal("challenge of an honest claim:", err)
	}
	if err := Foresee(s.Chain, build(lie, Place{Block: 2})); !errors.Is(err, ErrForeignParent) {
		t.Fatal("challenge of a later claim:", err)
	}
	missing := tell(t, s, liar, claims, 1, 0, LieExtraClaim)
	if err := Foresee(s.Chain, challenge(t, s, missing)); err != nil {
		t.Fatal("one claim too many:", err)
	}
	if err := Foresee(s.Chain, build(truth, Place{Block: 1, Chunk: truth.Assertion.Blocks[1].Chunks()})); !errors.Is(err, ErrInvalid) {
		t.Fatal("no claim is missing:", err)
	}
}

// A block whose table of lengths lies is what types.DecodeBlockData says it is, in the prover and in the challenge.
func TestMalformedDataIsChallengedAlike(t *testing.T) {
	s := exectest.New(t, nil)
	whole := types.EncodeBlockData([][]byte{s.Transfer(0, 1, 1), s.Transfer(1, 1, 1), s.Transfer(2, 1, 1), s.Transfer(3, 1, 1), s.Transfer(4, 1, 1), s.Transfer(5, 1, 1)})
	short := append([]byte(nil), whole[:len(whole)-7]...) // the last envelope reaches beyond the data
	zero := append([]byte(nil), whole...)
	zero[4+4*4] = 0 // the fifth is empty
	many := append([]byte{0xff, 0xff, 0xff, 0x7f}, whole[4:]...)
	liar := NewLiar(exectest.PublicKey(5), s.Chain, rand.New(rand.NewPCG(1, 1)))
	for i, data := range [][]byte{short, zero, many, {1, 0}, {}} {
		b := s.NextData(data)
		r, err := s.Chain.Apply(b.Header.Header, data)
		if err != nil {
			t.Fatal(err)
		}
		if r.Places != len(types.DecodeBlockData(data)) {
			t.Fatal("places", r.Places)
		}
		for lie := range lies {
			signed := tell(t, s, liar, outcome(t, s, r.Height-1, r.Height), 0, len(r.Claims)-1, lie)
			if _, err := Verify(challenge(t, s, signed), trustOf(s)); err != nil {
				t.Fatalf("data %d, lie %d: %v", i, lie, err)
			}
		}
	}
}

func TestCompareNamesForeignParentsAndUnexecutedBlocks(t *testing.T) {
	s := tortured(t, 5, 4, 4)
	signed := honest(t, s, 1, 4)
	a := signed.Assertion
	a.Parent[0] ^= 1
	if _, _, err := Compare(s.Chain, &a); !errors.Is(err, ErrForeignParent) {
		t.Fatal(err)
	}
	a = signed.Assertion
	a.Blocks = append(append([]BlockClaims(nil), a.Blocks...), a.Blocks[0])
	if _, _, err := Compare(s.Chain, &a); !errors.Is(err, ErrNotExecuted) {
		t.Fatal(err)
	}
}

// A lie about a block that uses BLOCKHASH carries the headers it needs, and without one of them proves nothing.
func TestBlockHashNeedsAncestors(t *testing.T) {
	s := exectest.New(t, nil)
	for range 8 {
		s.Apply()
	}
	s.Apply(s.Call(0, &exectest.HashAddress, 0, 200_000, exectest.Words(6)))
	liar := NewLiar(exectest.PublicKey(5), s.Chain, rand.New(rand.NewPCG(1, 1)))
	signed := tell(t, s, liar, outcome(t, s, 8, 9), 0, 0, LieRoot)
	c := challenge(t, s, signed)
	if _, err := Verify(c, trustOf(s)); err != nil {
		t.Fatal(err)
	}
	var body WrongState
	if err := rlp.DecodeBytes(c.Body, &body); err != nil {
		t.Fatal(err)
	}
	if len(body.Ancestors) != 5 {
		t.Fatalf("%d ancestors for BLOCKHASH 6 back, want 5", len(body.Ancestors))
	}
	body.Ancestors = body.Ancestors[:4]
	c.Body = mustEncode(&body)
	if _, err := Verify(c, trustOf(s)); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "BLOCKHASH") {
		t.Fatal(err)
	}
}

// The reader of partial data agrees with the decoder of whole data.
func TestBlockReaderAgreesWithDecoder(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	for range 2000 {
		data := make([]byte, random.IntN(60))
		for i := range data {
			data[i] = byte(random.IntN(6) * random.IntN(2))
		}
		want := types.DecodeBlockData(data)
		reader := newBlockReader(uint64(len(data)), func(from, to uint64) ([]byte, error) { return data[from:to], nil })
		for place := range uint64(len(want) + 3) {
			from, to, ok, err := reader.span(place)
			if err != nil || ok != (place < uint64(len(want))) {
				t.Fatalf("place %d of %x: %v %v", place, data, ok, err)
			}
			if ok && string(data[from:to]) != string(want[place]) {
				t.Fatalf("place %d of %x", place, data)
			}
		}
	}
}
