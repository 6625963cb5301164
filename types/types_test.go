package types

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"sort"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/rlp"
	"pgregory.net/rapid"
)

// testKeys makes n deterministic keys, ascending by public key.
func testKeys(n int) []ed25519.PrivateKey {
	keys := make([]ed25519.PrivateKey, n)
	for i := range keys {
		seed := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(i)))
		keys[i] = ed25519.NewKeyFromSeed(seed[:])
	}
	sort.Slice(keys, func(i, j int) bool {
		return bytes.Compare(keys[i].Public().(ed25519.PublicKey), keys[j].Public().(ed25519.PublicKey)) < 0
	})
	return keys
}

func testCommittee(t testing.TB, n int) ([]ed25519.PrivateKey, *Committee) {
	t.Helper()
	keys := testKeys(n)
	members := make([]CommitteeMember, n)
	for i, k := range keys {
		members[i] = CommitteeMember{Key: PublicKey(k.Public().(ed25519.PublicKey)), Stake: 1}
	}
	c, err := NewCommittee(members)
	if err != nil {
		t.Fatal(err)
	}
	return keys, c
}

func sign(v *Vertex, key ed25519.PrivateKey) *Vertex {
	return v.WithSignature(SignDigest(key, v.Digest()))
}

// validVertex is a vertex of round 2 that uses every field.
func validVertex(keys []ed25519.PrivateKey, c *Committee) *Vertex {
	parents := NewBitmap(c.Len())
	var digests []Hash
	for i := 0; i < c.Len()-1; i++ {
		parents.Set(Member(i))
		digests = append(digests, Hash{byte(i + 1)})
	}
	id := VertexID{Version: Version, Network: NetworkID{7}, Epoch: 0, Round: 9, Author: 1, Time: 1000}
	twin := VertexID{Version: Version, Network: NetworkID{7}, Round: 3, Author: 2, Time: 5}
	other := twin
	other.Body = Hash{1}
	header := Hash{9}
	return sign(NewVertex(id, VertexBody{
		Parents: parents, ParentDigests: digests,
		Weak:             []VertexRef{{Author: Member(c.Len() - 1), Round: 4, Digest: Hash{4}}},
		Receipts:         []Receipt{{BatchIDOf([]byte("a")), 10}, {BatchIDOf([]byte("b")), 11}},
		HeaderSignatures: []HeaderSignature{{Height: 3, Digest: header, Signature: SignDigest(keys[1], header)}},
		Verdicts: []Verdict{
			{Challenge: BatchIDOf([]byte("c")), Kind: 1, Accused: PublicKey{1}, Payee: [20]byte{5}},
			{Challenge: BatchIDOf([]byte("c")), Kind: 1, Accused: PublicKey{2}, Payee: [20]byte{5}},
		},
		RuleVersion: 1,
		Evidence: []Equivocation{NewEquivocation(
			SignedVertexID{twin, SignDigest(keys[2], twin.Digest())}, SignedVertexID{other, SignDigest(keys[2], other.Digest())})},
	}), keys[1])
}

func checkVertex(v *Vertex, c *Committee) error {
	if err := v.CheckShape(NetworkID{7}, 0, c); err != nil {
		return err
	}
	return v.CheckSignatures(c)
}

func TestVertexRoundTrip(t *testing.T) {
	keys, c := testCommittee(t, 4)
	v := validVertex(keys, c)
	if err := checkVertex(v, c); err != nil {
		t.Fatal(err)
	}
	back, err := DecodeVertex(v.Encode())
	if err != nil {
		t.Fatal(err)
	}
	made := NewVertex(back.ID(), *back.Body()).WithSignature(back.Signature()) // encodes anew; back keeps what it was decoded from
	if back.Digest() != v.Digest() || made.Digest() != v.Digest() || !bytes.Equal(made.Encode(), v.Encode()) {
		t.Fatal("decoding changed the vertex")
	}
	if err := checkVertex(back, c); err != nil {
		t.Fatal(err)
	}
}

// TestVertexBitFlips: no single flipped bit of a signed vertex passes all checks.
func TestVertexBitFlips(t *testing.T) {
	keys, c := testCommittee(t, 4)
	good := validVertex(keys, c).Encode()
	for i := range good {
		for bit := 0; bit < 8; bit += 3 {
			bad := bytes.Clone(good)
			bad[i] ^= 1 << bit
			v, err := DecodeVertex(bad)
			if err != nil {
				if !errors.Is(err, ErrMalformed) {
					t.Fatalf("byte %d: error %v does not wrap ErrMalformed", i, err)
				}
				continue
			}
			if checkVertex(v, c) == nil {
				t.Fatalf("byte %d bit %d flipped and still accepted", i, bit)
			}
		}
	}
}

func TestVertexRules(t *testing.T) {
	keys, c := testCommittee(t, 4)
	base := validVertex(keys, c)
	cases := map[string]func(*VertexID, *VertexBody){
		"quorum": func(_ *VertexID, b *VertexBody) {
			b.Parents = Bitmap{1}
			b.ParentDigests = b.ParentDigests[:1]
			b.Weak = nil
		},
		"bitmap marks members":   func(_ *VertexID, b *VertexBody) { b.Parents = Bitmap{0x17} },
		"digests":                func(_ *VertexID, b *VertexBody) { b.ParentDigests = b.ParentDigests[:2] },
		"round 1 has no":         func(id *VertexID, b *VertexBody) { id.Round = 1; b.Weak = nil },
		"round 0":                func(id *VertexID, _ *VertexBody) { id.Round = 0 },
		"two parents":            func(_ *VertexID, b *VertexBody) { b.Weak[0].Author = 0 },
		"weak parent of round":   func(_ *VertexID, b *VertexBody) { b.Weak[0].Round = 8 },
		"later than":             func(_ *VertexID, b *VertexBody) { b.Receipts[1].Time = 1001 },
		"not ascending by (time": func(_ *VertexID, b *VertexBody) { b.Receipts[0], b.Receipts[1] = b.Receipts[1], b.Receipts[0] },
		"two receipts":           func(_ *VertexID, b *VertexBody) { b.Receipts[1].Batch = b.Receipts[0].Batch },
		"names no batch":         func(_ *VertexID, b *VertexBody) { b.Receipts[0].Batch[0] = 9 },
		"version":                func(id *VertexID, _ *VertexBody) { id.Version = 2 },
		"network":                func(id *VertexID, _ *VertexBody) { id.Network = NetworkID{8} },
		"epoch":                  func(id *VertexID, _ *VertexBody) { id.Epoch = 1 },
		"beyond the committee":   func(id *VertexID, _ *VertexBody) { id.Author = 4 },
		"order of digest":        func(_ *VertexID, b *VertexBody) { e := &b.Evidence[0]; e.First, e.Second = e.Second, e.First },
		"names no challenge":     func(_ *VertexID, b *VertexBody) { b.Verdicts[0].Challenge[1] = 9 },
		"ascending by (challenge": func(_ *VertexID, b *VertexBody) {
			b.Verdicts[0], b.Verdicts[1] = b.Verdicts[1], b.Verdicts[0]
		},
		"by (challenge, accused)": func(_ *VertexID, b *VertexBody) { // two payees for one
			b.Verdicts[1].Accused, b.Verdicts[1].Payee = b.Verdicts[0].Accused, [20]byte{9}
		},
		"does not verify": func(_ *VertexID, b *VertexBody) { b.HeaderSignatures[0].Signature[3] ^= 1 },
	}
	for want, mutate := range cases {
		v, err := DecodeVertex(base.Encode())
		if err != nil {
			t.Fatal(err)
		}
		id, body := v.ID(), *v.Body()
		mutate(&id, &body)
		author := keys[1]
		err = checkVertex(sign(NewVertex(id, body), author), c)
		if !errors.Is(err, ErrInvalidVertex) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
	}
}

func TestCommitteeQuorum(t *testing.T) {
	for n, want := range map[int][2]Stake{1: {0, 1}, 2: {0, 2}, 3: {0, 3}, 4: {1, 3}, 5: {1, 4}, 6: {1, 5}, 7: {2, 5}, 100: {33, 67}} {
		_, c := testCommittee(t, n)
		if got := [2]Stake{c.F(), c.Quorum()}; got != want {
			t.Errorf("n=%d: f and quorum %v, want %v", n, got, want)
		}
	}
}

// TestDrawFollowsStake: every draw is a permutation, and a member's chance of the first place is its share of the stake.
func TestDrawFollowsStake(t *testing.T) {
	keys := testKeys(4)
	members := make([]CommitteeMember, 4)
	for i, k := range keys {
		members[i] = CommitteeMember{Key: PublicKey(k.Public().(ed25519.PublicKey)), Stake: Stake(i + 1)}
	}
	c, err := NewCommittee(members)
	if err != nil {
		t.Fatal(err)
	}
	first := make([]int, 4)
	const rounds = 4000
	for r := Round(0); r < rounds; r++ {
		order := c.Draw(Hash{1}, r)
		seen := NewBitmap(4)
		for _, m := range order {
			seen.Set(m)
		}
		if len(order) != 4 || seen.Count() != 4 {
			t.Fatalf("round %d: %v is no permutation", r, order)
		}
		first[order[0]]++
	}
	for i, n := range first {
		if want := rounds * (i + 1) / 10; n < want*8/10 || n > want*12/10 {
			t.Errorf("member %d came first %d times, want about %d", i, n, want)
		}
	}
}

func TestSmallOrderKeysRefused(t *testing.T) {
	identity := PublicKey{1}
	if err := CheckKey(identity); !errors.Is(err, ErrSmallOrderKey) {
		t.Fatalf("identity point: %v", err)
	}
	if err := CheckKey(PublicKey{2}); err == nil { // y = 2 is on no point of the curve
		t.Fatal("a key that is no point was accepted")
	}
}

// TestBatchedEqualsSingle: a batch verifies exactly when every signature does by itself.
func TestBatchedEqualsSingle(t *testing.T) {
	keys := testKeys(5)
	rapid.Check(t, func(t *rapid.T) {
		var entries []SignedDigest
		good := true
		for i, k := range keys {
			e := SignedDigest{PublicKey(k.Public().(ed25519.PublicKey)), Hash{byte(i)}, SignDigest(k, Hash{byte(i)})}
			if rapid.IntRange(0, 9).Draw(t, "spoil") == 0 {
				e.Signature[rapid.IntRange(0, 63).Draw(t, "at")] ^= 1
			}
			good = good && VerifyDigest(e.Key, e.Digest, e.Signature) == nil
			entries = append(entries, e)
		}
		if (VerifyDigests(entries) == nil) != good {
			t.Fatal("batched and single checks disagree")
		}
	})
}

func TestCertificate(t *testing.T) {
	keys, c := testCommittee(t, 4)
	h := Header{Version: Version, Network: NetworkID{7}, Height: 1, Time: 500_000}
	make3 := func(signers ...Member) CertifiedHeader {
		ch := CertifiedHeader{Header: h, Certificate: Certificate{Signers: NewBitmap(4)}}
		for _, m := range signers {
			ch.Certificate.Signers.Set(m)
			ch.Certificate.Signatures = append(ch.Certificate.Signatures, SignDigest(keys[m], h.Digest()))
		}
		return ch
	}
	good := make3(0, 2, 3)
	back, err := DecodeCertifiedHeader(good.Encode())
	if err != nil || back.Verify(NetworkID{7}, c) != nil {
		t.Fatalf("good certificate: %v", err)
	}
	short := make3(0, 2)
	other := make3(0, 1, 2)
	other.Header.Time++
	swapped := make3(0, 1, 2)
	swapped.Certificate.Signatures[0], swapped.Certificate.Signatures[1] = swapped.Certificate.Signatures[1], swapped.Certificate.Signatures[0]
	for name, ch := range map[string]CertifiedHeader{"below quorum": short, "another header": other, "swapped": swapped} {
		if err := ch.Verify(NetworkID{7}, c); !errors.Is(err, ErrCertificate) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := good.Verify(NetworkID{8}, c); !errors.Is(err, ErrCertificate) {
		t.Errorf("other network: %v", err)
	}
}

// TestBlockDataTotal: decoding never fails, is the inverse on what was encoded, and spans lie inside the data.
func TestBlockDataTotal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		envelopes := rapid.SliceOf(rapid.SliceOfN(rapid.Byte(), 1, 40)).Draw(t, "envelopes")
		data := EncodeBlockData(envelopes)
		got := DecodeBlockData(data)
		if len(got) != len(envelopes) {
			t.Fatalf("%d envelopes became %d", len(envelopes), len(got))
		}
		total := 0
		for i := range got {
			total += len(got[i])
			if !bytes.Equal(got[i], envelopes[i]) {
				t.Fatalf("envelope %d differs", i)
			}
		}
		if BlockDataSize(len(envelopes), uint64(total)) != uint64(len(data)) {
			t.Fatal("BlockDataSize disagrees")
		}
	})
}

func TestBatchBounds(t *testing.T) {
	if _, err := EncodeBatch(nil); err == nil {
		t.Error("empty batch accepted")
	}
	if _, err := EncodeBatch([][]byte{{1}, {1}}); err == nil {
		t.Error("repeat accepted")
	}
	if _, err := EncodeBatch([][]byte{make([]byte, MaxBatchBytes), {1}}); err == nil {
		t.Error("large batch of two accepted")
	}
	if _, err := EncodeBatch([][]byte{make([]byte, MaxLoneTransactionBytes)}); err != nil {
		t.Errorf("lone large transaction: %v", err)
	}
	encoded, err := EncodeBatch([][]byte{{1, 2}, {3}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := DecodeBatch(append(encoded, 0)); !errors.Is(err, ErrMalformed) {
		t.Errorf("trailing byte: %v", err)
	}
}

// A byte of a message must not cost a decoder much more than a byte: lists are counted before anything is made of them.
func TestListsAreCountedBeforeTheyAreDecoded(t *testing.T) {
	ones := func(n int) []byte { // n byte strings of one byte each, the last cut off if n is odd
		list := bytes.Repeat([]byte{1}, n)
		if n%2 == 1 {
			list[n-1] = 0x85
		}
		encoded, err := rlp.EncodeToBytes([]rlp.RawValue{list})
		if err != nil {
			t.Fatal(err)
		}
		return encoded
	}
	const many = 120_000
	empty := []byte{0xc0}
	list := func(parts ...[]byte) []byte {
		encoded, err := rlp.EncodeToBytes([]rlp.RawValue{bytes.Join(parts, nil)})
		if err != nil {
			t.Fatal(err)
		}
		return encoded
	}
	for _, n := range []int{many, many + 1} {
		for name, decode := range map[string]func() error{
			"batch":    func() error { _, err := DecodeBatch(ones(n)); return err },
			"push":     func() error { _, err := DecodePush(list(ones(n), empty)); return err },
			"request":  func() error { _, err := DecodeFetchRequest(list(ones(n), empty, []byte{0x80, 0x80})); return err },
			"response": func() error { _, err := DecodeFetchResponse(list(empty, ones(n), []byte{0x80, 0x80})); return err },
		} {
			var err error
			if allocs := testing.AllocsPerRun(3, func() { err = decode() }); !errors.Is(err, ErrMalformed) || allocs > 100 {
				t.Errorf("%s of %d values: %v, %v allocations", name, n, err, allocs)
			}
		}
	}
}

func TestBatchIDIsACID(t *testing.T) {
	id := BatchIDOf([]byte("hello"))
	back, err := ParseBatchID(id.String())
	if err != nil || back != id {
		t.Fatalf("%v %v", back, err)
	}
	if !strings.HasPrefix(id.String(), "bafkrei") {
		t.Fatalf("%s is not a CIDv1 of raw sha2-256", id)
	}
}

func TestPeerIDForm(t *testing.T) {
	key := testKeys(1)[0]
	if id := PublicKey(key.Public().(ed25519.PublicKey)).PeerID(); !strings.HasPrefix(id, "12D3KooW") {
		t.Fatal(id)
	}
}

func FuzzDecode(f *testing.F) {
	keys, c := testCommittee(f, 4)
	f.Add(validVertex(keys, c).Encode())
	f.Add((&Push{Batches: [][]byte{{1}}, Vertices: [][]byte{{2}}}).Encode())
	f.Add((&FetchRequest{Vertices: []Hash{{1}}, Log: true, From: 4}).Encode())
	f.Add((&FetchResponse{Next: 3, End: 9}).Encode())
	f.Add((&ChallengeAnnouncement{Challenge: BatchIDOf([]byte("c")), Size: 7}).Encode())
	f.Add((&Header{Version: Version, Next: &EpochEnd{Committee: c.Members()}}).Encode())
	f.Add((&Header{Version: Version, Verdicts: []Verdict{{Kind: 1, Payee: [20]byte{1}}, {}}}).Encode())
	f.Add((&CertifiedHeader{Header: Header{Version: Version}}).Encode())
	if batch, err := EncodeBatch([][]byte{{1, 2}, {3}}); err == nil {
		f.Add(batch)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if v, err := DecodeVertex(data); err == nil {
			same(t, data, v.Encode())
			_ = v.CheckShape(NetworkID{7}, 0, c)
		}
		if p, err := DecodePush(data); err == nil {
			same(t, data, p.Encode())
		}
		if r, err := DecodeFetchRequest(data); err == nil {
			same(t, data, r.Encode())
		}
		if r, err := DecodeFetchResponse(data); err == nil {
			same(t, data, r.Encode())
		}
		if h, err := DecodeHeader(data); err == nil {
			same(t, data, h.Encode())
		}
		if ch, err := DecodeCertifiedHeader(data); err == nil {
			same(t, data, ch.Encode())
			_ = ch.Verify(NetworkID{}, c)
		}
		if b, err := DecodeBatch(data); err == nil {
			again, err := EncodeBatch(b.Envelopes)
			if err != nil {
				t.Fatal(err)
			}
			same(t, data, again)
		}
		if a, err := DecodeChallengeAnnouncement(data); err == nil {
			same(t, data, a.Encode())
		}
		DecodeBlockData(data)
		_, _ = DecodeGenesis(data)
	})
}

func same(t *testing.T, want, got []byte) {
	t.Helper()
	if !bytes.Equal(want, got) {
		t.Fatalf("two encodings of one value: %x and %x", want, got)
	}
}
