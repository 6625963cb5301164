package types

import (
	"crypto/ed25519"
	"errors"
	"math"
	"strings"
	"testing"
)

// pad is a list of n different receipts, in order.
func pad(n int) (receipts []Receipt) {
	for i := range n {
		receipts = append(receipts, Receipt{Batch: BatchIDOf([]byte{byte(i), byte(i >> 8), byte(i >> 16)}), Time: Time(i + 1)})
	}
	return receipts
}

// TestVertexLimits: each list of a vertex at its bound, and one past it.
func TestVertexLimits(t *testing.T) {
	keys, c := testCommittee(t, 4)
	base := validVertex(keys, c)
	for name, x := range map[string]struct {
		mutate func(n int, id *VertexID, b *VertexBody)
		most   int
	}{
		"receipts": {func(n int, id *VertexID, b *VertexBody) { b.Receipts, id.Time = pad(n), Time(n) }, 4096},
		"header signatures": {func(n int, _ *VertexID, b *VertexBody) {
			b.HeaderSignatures = nil
			for i := range n {
				b.HeaderSignatures = append(b.HeaderSignatures, HeaderSignature{Height: Height(i)})
			}
		}, 64},
		"verdicts": {func(n int, _ *VertexID, b *VertexBody) {
			b.Verdicts = nil
			for i := range n {
				v := Verdict{Challenge: b.Receipts[0].Batch}
				v.Challenge[35], v.Challenge[34] = byte(i), byte(i>>8)
				b.Verdicts = append(b.Verdicts, v)
			}
		}, 64},
		"evidence": {func(n int, _ *VertexID, b *VertexBody) {
			first := b.Evidence[0]
			for b.Evidence = nil; len(b.Evidence) < n; {
				b.Evidence = append(b.Evidence, first)
			}
		}, 4},
		"weak depth": {func(n int, id *VertexID, b *VertexBody) { id.Round, b.Weak[0].Round = 100, Round(100-n) }, 64},
		"strong parents": {func(n int, _ *VertexID, b *VertexBody) {
			b.Weak, b.Parents, b.ParentDigests = nil, NewBitmap(8), nil
			for i := range n {
				b.Parents.Set(Member(i))
				b.ParentDigests = append(b.ParentDigests, Hash{byte(i)})
			}
			if n <= 4 {
				b.Parents = b.Parents[:1]
			}
		}, 4},
	} {
		for n, ok := range map[int]bool{x.most: true, x.most + 1: false} {
			id, body := base.ID(), *base.Body()
			body.Weak = append([]VertexRef(nil), body.Weak...)
			x.mutate(n, &id, &body)
			err := NewVertex(id, body).CheckShape(NetworkID{7}, 0, c)
			if (err == nil) != ok || err != nil && !errors.Is(err, ErrInvalidVertex) {
				t.Errorf("%s: %d: %v", name, n, err)
			}
		}
	}
	for round, ok := range map[Round]bool{97: true, 98: true, 99: false, 100: false} { // round 99 is for strong parents
		id, body := base.ID(), *base.Body()
		id.Round, body.Weak = 100, []VertexRef{{Author: 3, Round: round}}
		if err := NewVertex(id, body).CheckShape(NetworkID{7}, 0, c); (err == nil) != ok {
			t.Errorf("weak parent of round %d: %v", round, err)
		}
	}
}

// TestLargestVertexFits: a vertex of the largest committee with every list full is within the bound, and so is what it
// names beside.
func TestLargestVertexFits(t *testing.T) {
	body := VertexBody{Parents: NewBitmap(MaxCommittee), Receipts: pad(MaxReceipts), RuleVersion: math.MaxUint64}
	for i := range body.Receipts {
		body.Receipts[i].Time = math.MaxUint64
	}
	for m := range MaxCommittee {
		body.Parents.Set(Member(m))
		body.ParentDigests = append(body.ParentDigests, Hash{1})
	}
	id := VertexID{Version: Version, Epoch: math.MaxUint64, Round: math.MaxUint64, Author: MaxCommittee - 1, Time: math.MaxUint64}
	for range MaxHeaderSignatures {
		body.HeaderSignatures = append(body.HeaderSignatures, HeaderSignature{Height: math.MaxUint64})
		body.Verdicts = append(body.Verdicts, Verdict{Challenge: BatchIDOf(nil), Kind: math.MaxUint64, Accused: PublicKey{0: 255}, Payee: [20]byte{0: 255}})
	}
	for range MaxEvidence {
		body.Evidence = append(body.Evidence, Equivocation{SignedVertexID{ID: id}, SignedVertexID{ID: id}})
	}
	largest := NewVertex(id, body).Encode()
	if _, err := DecodeVertex(largest); err != nil {
		t.Fatalf("%d bytes: %v", len(largest), err)
	}
	if n := len((&Push{Vertices: [][]byte{largest}}).Encode()); n > MaxMessageBytes/4 {
		t.Errorf("a push with it has %d bytes", n)
	}
}

// TestLengthLimits: every decoder takes the longest encoding that it may and refuses one byte more before it looks inside.
func TestLengthLimits(t *testing.T) {
	decoders := map[string]struct {
		most   int
		decode func([]byte) error
	}{
		"vertex":           {512 << 10, func(b []byte) error { _, err := DecodeVertex(b); return err }},
		"push":             {4 << 20, func(b []byte) error { _, err := DecodePush(b); return err }},
		"fetch request":    {4 << 20, func(b []byte) error { _, err := DecodeFetchRequest(b); return err }},
		"fetch response":   {4 << 20, func(b []byte) error { _, err := DecodeFetchResponse(b); return err }},
		"batch":            {128<<10 + 8, func(b []byte) error { _, err := DecodeBatch(b); return err }},
		"header":           {128 << 10, func(b []byte) error { _, err := DecodeHeader(b); return err }},
		"certified header": {128<<10 + 1024*72, func(b []byte) error { _, err := DecodeCertifiedHeader(b); return err }},
		"announcement":     {96, func(b []byte) error { _, err := DecodeChallengeAnnouncement(b); return err }},
		"genesis":          {16 << 20, func(b []byte) error { _, err := DecodeGenesis(b); return err }},
	}
	for name, d := range decoders {
		for n, tooLong := range map[int]bool{d.most: false, d.most + 1: true} {
			err := d.decode(make([]byte, n))
			if !errors.Is(err, ErrMalformed) || strings.Contains(err.Error(), " bytes") != tooLong {
				t.Errorf("%s of %d bytes: %v", name, n, err)
			}
		}
	}
}

// TestMessageLimits: references in a request, items in a list of a message.
func TestMessageLimits(t *testing.T) {
	for n, ok := range map[int]bool{256: true, 257: false} {
		r := &FetchRequest{Vertices: make([]Hash, 100), Batches: make([]BatchID, n-100)}
		if _, err := DecodeFetchRequest(r.Encode()); (err == nil) != ok {
			t.Errorf("request for %d items: %v", n, err)
		}
	}
	for n, ok := range map[int]bool{1 << 16: true, 1<<16 + 1: false} {
		if _, err := DecodePush((&Push{Vertices: make([][]byte, n)}).Encode()); (err == nil) != ok {
			t.Errorf("push of %d vertices: %v", n, err)
		}
		if _, err := DecodeFetchResponse((&FetchResponse{Batches: make([][]byte, n)}).Encode()); (err == nil) != ok {
			t.Errorf("answer of %d bodies: %v", n, err)
		}
	}
	for size, ok := range map[uint64]bool{16 << 20: true, 16<<20 + 1: false} {
		a := &ChallengeAnnouncement{Challenge: BatchIDOf(nil), Size: size}
		if _, err := DecodeChallengeAnnouncement(a.Encode()); (err == nil) != ok {
			t.Errorf("announced challenge of %d bytes: %v", size, err)
		}
	}
}

// TestBatchLimits: number and bytes of a batch.
func TestBatchLimits(t *testing.T) {
	many := func(n int) (envelopes [][]byte) {
		for i := range n {
			envelopes = append(envelopes, []byte{1, byte(i), byte(i >> 8)})
		}
		return envelopes
	}
	// Two envelopes a and b take 3 + 3 + a + 3 + b bytes when both are longer than 255.
	two := func(total int) [][]byte { return [][]byte{make([]byte, 1000), make([]byte, total-1009)} }
	for name, x := range map[string]struct {
		envelopes [][]byte
		ok        bool
	}{
		"1024 transactions": {many(1024), true}, "1025 transactions": {many(1025), false},
		"two of 32 KiB": {two(32 << 10), true}, "two of 32 KiB and a byte": {two(32<<10 + 1), false},
		"one of 128 KiB": {[][]byte{make([]byte, 128<<10)}, true}, "one of 128 KiB and a byte": {[][]byte{make([]byte, 128<<10+1)}, false},
	} {
		encoded, err := EncodeBatch(x.envelopes)
		if (err == nil) != x.ok {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := DecodeBatch(encoded); (err == nil) != x.ok {
			t.Errorf("%s decoded: %v", name, err)
		}
	}
}

// TestHeaderLimits: verdicts, next committee and rewards of a header; the largest one fits.
func TestHeaderLimits(t *testing.T) {
	header := func(verdicts, members, rewards int) *Header {
		h := &Header{Version: Version, Height: math.MaxUint64, Verdicts: make([]Verdict, verdicts)}
		for i := range h.Verdicts {
			h.Verdicts[i].Kind = math.MaxUint64
		}
		h.Next = &EpochEnd{Committee: make([]CommitteeMember, members), Rewards: make([]uint64, rewards)}
		for i := range h.Next.Committee {
			h.Next.Committee[i].Stake = math.MaxInt64 / 2
		}
		for i := range h.Next.Rewards {
			h.Next.Rewards[i] = math.MaxUint32
		}
		return h
	}
	for _, x := range []struct {
		verdicts, members, rewards int
		ok                         bool
	}{
		{64, 1024, 1024, true}, {65, 0, 0, false}, {0, 1025, 0, false}, {0, 0, 1025, false},
	} {
		if _, err := DecodeHeader(header(x.verdicts, x.members, x.rewards).Encode()); (err == nil) != x.ok {
			t.Errorf("%+v: %v", x, err)
		}
	}
	ch := CertifiedHeader{Header: *header(64, 1024, 1024), Certificate: Certificate{Signers: NewBitmap(MaxCommittee), Signatures: make([]Signature, MaxCommittee)}}
	if _, err := DecodeCertifiedHeader(ch.Encode()); err != nil {
		t.Errorf("the largest certified header, %d bytes: %v", len(ch.Encode()), err)
	}
}

// TestCommitteeLimits: 1024 members, and a total stake of which a sum of two fits the type.
func TestCommitteeLimits(t *testing.T) {
	keys := testKeys(MaxCommittee + 1)
	members := make([]CommitteeMember, len(keys))
	for i, k := range keys {
		members[i] = CommitteeMember{Key: PublicKey(k.Public().(ed25519.PublicKey)), Stake: 1}
	}
	for n, ok := range map[int]bool{0: false, 1: true, 1024: true, 1025: false} {
		if _, err := NewCommittee(members[:n]); (err == nil) != ok {
			t.Errorf("%d members: %v", n, err)
		}
	}
	for stake, ok := range map[Stake]bool{0: false, 1: true, math.MaxInt64/2 - 1: true, math.MaxInt64 / 2: false, math.MaxUint64: false} {
		if _, err := NewCommittee([]CommitteeMember{members[0], {Key: members[1].Key, Stake: stake}}); (err == nil) != ok {
			t.Errorf("stake %d beside 1: %v", stake, err)
		}
	}
}
