package fraud

import (
	"bytes"
	"errors"
	"testing"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/coding/codingtest"
	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/types"
)

// forgedBlock is a certified header of a block whose last row is wrong.
func forgedBlock(t testing.TB, s *exectest.Swarm) (*codingtest.Forged, types.CertifiedHeader) {
	t.Helper()
	f := codingtest.Forge(t, bytes.Repeat([]byte("payload of a block"), 50), codingtest.SpoilRow(-1))
	h := s.Next().Header.Header
	h.DataLength, h.Commitment = f.Params.Length, f.Commitment
	return f, s.Certify(h)
}

func badEncoding(t testing.TB, header *types.CertifiedHeader, e coding.Evidence) *Challenge {
	t.Helper()
	c, err := NewBadEncoding([20]byte{7}, header, e)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestBadEncodingConvictsTheSigners(t *testing.T) {
	s := exectest.New(t, nil)
	f, certified := forgedBlock(t, s)
	last := uint32(f.Params.N - 1)
	c, err := DecodeChallenge(badEncoding(t, &certified, f.Evidence(t, last).Evidence).Encode())
	if err != nil {
		t.Fatal(err)
	}
	finding, err := Verify(c, trustOf(s))
	if err != nil || len(finding.Accused) != len(certified.Certificate.Signers.Members()) || finding.Height != certified.Header.Height ||
		len(finding.Signed) != 1 || finding.Signed[0].Header.Digest() != certified.Header.Digest() {
		t.Fatal(finding, err)
	}
	right := f.Shard(0)
	c = badEncoding(t, &certified, coding.Evidence{Shard: &right, Opening: &f.Opening})
	if _, err := Verify(c, trustOf(s)); !errors.Is(err, ErrInvalid) {
		t.Fatal("a right row convicts:", err)
	}
}

// TestTamperedEvidenceConvictsNobody changes every byte of a valid challenge in turn, and then what no single byte can.
func TestTamperedEvidenceConvictsNobody(t *testing.T) {
	s := exectest.New(t, nil)
	f, certified := forgedBlock(t, s)
	trust, bad := trustOf(s), f.Evidence(t, uint32(f.Params.N-1))
	valid := badEncoding(t, &certified, bad.Evidence)
	for at := range valid.Body {
		c := *valid
		c.Body = bytes.Clone(valid.Body)
		c.Body[at] ^= 1 << (at % 8)
		if _, err := Verify(&c, trust); !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrUnknownCommittee) {
			t.Fatalf("byte %d of %d changed: %v", at, len(c.Body), err)
		}
	}
	few := certified
	few.Certificate.Signers = types.Bitmap{0b0011}
	few.Certificate.Signatures = few.Certificate.Signatures[:2]
	other := s.Next([]byte("x")).Header
	strange := bad.Evidence
	elsewhere := *strange.Shard
	elsewhere.Index--
	strange.Shard = &elsewhere
	network, kind := *valid, *valid
	network.Network[0]++
	kind.Kind = KindDoubleHeader
	for name, c := range map[string]*Challenge{
		"less than a quorum signed": badEncoding(t, &few, bad.Evidence), "another block's header": badEncoding(t, &other, bad.Evidence),
		"the row at another place": badEncoding(t, &certified, strange), "another network": &network, "another kind": &kind,
	} {
		if _, err := Verify(c, trust); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestUnknownCommitteesAreNobodysFault: a peer that is behind cannot judge, which is no reason to punish who told it.
func TestUnknownCommitteesAreNobodysFault(t *testing.T) {
	s := exectest.New(t, nil)
	f, certified := forgedBlock(t, s)
	h := certified.Header
	h.Epoch = 3
	later := s.Certify(h)
	c := badEncoding(t, &later, f.Evidence(t, uint32(f.Params.N-1)).Evidence)
	if err := Check(c, trustOf(s)); !errors.Is(err, ErrUnknownCommittee) || errors.Is(err, ErrInvalid) {
		t.Fatal(err)
	}
}

// TestConvictionsHoldSettlement: what was available is not any more once the block is proven mis-encoded.
func TestConvictionsHoldSettlement(t *testing.T) {
	s := exectest.New(t, nil)
	convicted := types.Height(1 << 60)
	tr := trackerOf(t, s, func(h types.Height) bool { return h < convicted })
	follow(t, s, tr, 4)
	add(t, tr, honest(t, s, 0, 4))
	asked := false
	tr.config.Unchallenged = func(types.Height) bool { return asked }
	follow(t, s, tr, 40) // the windows are over, and everything was available; only peers were not asked yet
	tr.Settle()
	convicted, asked = 3, true
	tr.Convict(&Finding{Kind: KindBadEncoding, Height: convicted})
	tr.Settle()
	if got := tr.Settled().Height; got != 0 {
		t.Fatalf("settled up to %d, and the window of each block reaches over the mis-encoded block %d", got, convicted)
	}
}

func FuzzBadEncoding(f *testing.F) {
	s := exectest.New(f, nil)
	forged, certified := forgedBlock(f, s)
	valid := badEncoding(f, &certified, forged.Evidence(f, uint32(forged.Params.N-1)).Evidence)
	trust := trustOf(s)
	f.Add(valid.Body)
	f.Add(valid.Body[:len(valid.Body)-1])
	right := forged.Shard(1)
	f.Add(badEncoding(f, &certified, coding.Evidence{Shard: &right, Opening: &forged.Opening}).Body)
	f.Fuzz(func(t *testing.T, body []byte) {
		c := *valid
		c.Body = body
		finding, err := Verify(&c, trust)
		switch {
		case err == nil && !bytes.Equal(body, valid.Body):
			t.Fatalf("other bytes convict: %+v", finding)
		case err != nil && !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrUnknownCommittee):
			t.Fatal(err)
		}
	})
}
