package chain

import (
	"errors"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/etherscale/bedrock/types"
)

func TestC1OnlyWhatTheCommitteeSigned(t *testing.T) {
	n := newNetwork(t)
	n.grow(3)
	strangers := newSigners("strangers", 4)
	good := n.next(blockData(4))
	with := func(change func(*types.Header)) types.Header {
		h := good
		change(&h)
		return h
	}
	badSignature := n.signers.certify(good, 0, 1, 2)
	badSignature.Certificate.Signatures[1][5] ^= 1
	oneMissing := n.signers.certify(good, 0, 1, 2)
	oneMissing.Certificate.Signatures = oneMissing.Certificate.Signatures[:2]
	doubled := n.signers.certify(good, 0, 1, 1)
	longBitmap := n.signers.certify(good, 0, 1, 2)
	longBitmap.Certificate.Signers = append(longBitmap.Certificate.Signers, 0)
	cases := []struct {
		name string
		ch   types.CertifiedHeader
		want error
	}{
		{"quorum", n.signers.certify(good, 1, 2, 3), nil},
		{"everybody", n.signers.certify(good, 0, 1, 2, 3), nil},
		{"short of a quorum", n.signers.certify(good, 0, 1), types.ErrCertificate},
		{"nobody", n.signers.certify(good), types.ErrCertificate},
		{"bad signature", badSignature, types.ErrCertificate},
		{"a signature is missing", oneMissing, types.ErrCertificate},
		{"one signer twice", doubled, types.ErrCertificate},
		{"bitmap too long", longBitmap, types.ErrCertificate},
		{"strangers signed", strangers.certify(good, 0, 1, 2, 3), types.ErrCertificate},
		{"other network", n.signers.certify(with(func(h *types.Header) { h.Network[0]++ }), 0, 1, 2), ErrInvalid},
		{"other epoch", n.signers.certify(with(func(h *types.Header) { h.Epoch = 1 }), 0, 1, 2), ErrInvalid},
		{"other version", n.signers.certify(with(func(h *types.Header) { h.Version++ }), 0, 1, 2), types.ErrMalformed},
		{"another genesis header", n.signers.certify(with(func(h *types.Header) { h.Height = 0 }), 0, 1, 2), ErrInvalid},
		{"known header, forged signature", types.CertifiedHeader{Header: n.at(2)}, nil},
		{"other header of a known height, unsigned", types.CertifiedHeader{Header: with(func(h *types.Header) { h.Height = 2 })}, types.ErrCertificate},
		{"too far ahead", n.signers.certify(with(func(h *types.Header) { h.Height = 3 + MaxPending + 1 }), 0, 1, 2), ErrAhead},
		{"ahead, unsigned", types.CertifiedHeader{Header: with(func(h *types.Header) { h.Height = 9 })}, types.ErrCertificate},
		{"ahead, of the next epoch", n.signers.certify(with(func(h *types.Header) { h.Height, h.Epoch = 9, 1 }), 0, 1, 2), ErrAhead},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			node := n.node()
			if added, err := node.AddHeaders(n.list[1:]); err != nil || added != 3 {
				t.Fatalf("%d added: %v", added, err)
			}
			err := node.AddCertified(c.ch)
			if !errors.Is(err, c.want) {
				t.Fatalf("have %v, want %v", err, c.want)
			}
			head := types.Height(3)
			if c.want == nil && c.ch.Header.Height == 4 {
				head = 4
			}
			if got := node.Head().Header.Height; got != head || node.Err() != nil || len(node.pending) != 0 {
				t.Fatalf("head %d, want %d; %v; %d pending", got, head, node.Err(), len(node.pending))
			}
		})
	}
}

func TestC4CorruptQuorumEndsFollowing(t *testing.T) {
	n := newNetwork(t).grow(4)
	with := func(h types.Header, change func(*types.Header)) types.CertifiedHeader {
		change(&h)
		return n.signers.certify(h, 1, 2, 3)
	}
	next := n.next(nil)
	n.grow(1)
	cases := []struct {
		name  string
		first []types.CertifiedHeader
		bad   types.CertifiedHeader
		kind  ConflictKind
	}{
		{"two headers of a stored height", nil, with(n.at(2), func(h *types.Header) { h.VertexIndex = 9 }), ConflictTwoHeaders},
		{"two headers ahead", []types.CertifiedHeader{with(next, func(h *types.Header) { h.Height = 8 })},
			with(next, func(h *types.Header) { h.Height, h.VertexIndex = 8, 1 }), ConflictTwoHeaders},
		{"another parent", nil, with(next, func(h *types.Header) { h.Parent[0]++ }), ConflictParent},
		{"what waited has another parent", []types.CertifiedHeader{with(next, func(h *types.Header) { h.Height = 6 })}, n.list[5], ConflictParent},
		{"what waited was another header", []types.CertifiedHeader{with(n.at(5), func(h *types.Header) { h.VertexIndex = 1 })}, n.list[5], 0},
		{"time between boundaries", nil, with(next, func(h *types.Header) { h.Time++ }), ConflictRule},
		{"time stands still", nil, with(next, func(h *types.Header) { h.Time -= interval }), ConflictRule},
		{"a verdict twice", nil, with(next, func(h *types.Header) { h.Verdicts = []types.Verdict{{Kind: 1}, {Kind: 2}, {Kind: 1}} }), ConflictRule},
		{"impossible length", nil, with(next, func(h *types.Header) { h.DataLength = 1 << 40 }), ConflictRule},
		{"an end before the end", nil, with(next, func(h *types.Header) {
			h.Next = &types.EpochEnd{Committee: n.signers.members(), Rewards: make([]uint64, 4), RuleVersion: 1}
		}), ConflictRule},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			node := n.node()
			_, err := node.AddHeaders(n.list[1:5])
			noError(t, err)
			for _, ch := range c.first {
				noError(t, node.AddCertified(ch))
			}
			err = node.AddCertified(c.bad)
			if c.kind == 0 { // the first became the head, then the second is the conflict
				c.kind = ConflictTwoHeaders
			}
			var conflict *ConflictError
			if !errors.As(err, &conflict) || conflict.Kind != c.kind {
				t.Fatalf("have %v, want a conflict of kind %d", err, c.kind)
			}
			checkEvidence(t, n, conflict)
			again := n.reopen(node)
			if err := again.AddCertified(n.list[5]); !errors.Is(err, ErrConflict) || again.Err() == nil {
				t.Fatalf("after a restart: %v", err)
			}
			if ch, ok := again.Header(4); !ok || ch.Header.Digest() != n.digest(4) {
				t.Fatal("the stored chain is gone")
			}
		})
	}
}

// checkEvidence verifies both certificates, as a stranger would after decoding.
func checkEvidence(t *testing.T, n *network, conflict *ConflictError) {
	t.Helper()
	decoded, err := DecodeConflict(conflict.Encode())
	noError(t, err)
	committee, err := types.NewCommittee(n.genesis.Committee)
	noError(t, err)
	noError(t, decoded.Known.Verify(n.id(), committee))
	noError(t, decoded.Other.Verify(n.id(), committee))
	must(t, decoded.Known.Header.Digest() != decoded.Other.Header.Digest(), "the headers are equal")
}

func TestC4RetiredStakeProvesNothing(t *testing.T) {
	n := newNetwork(t).grow(2)
	old := n.at(2)
	h := n.next(nil)
	h.Time += types.Time(n.genesis.UnbondingDelay) / interval * interval
	n.push(h, nil)
	n.grow(2)
	node := n.node()
	_, err := node.AddHeaders(n.list[1:])
	noError(t, err)
	old.VertexIndex++
	if err := node.AddCertified(n.signers.certify(old, 0, 1, 2, 3)); !errors.Is(err, ErrOld) || node.Err() != nil {
		t.Fatalf("%v, stopped: %v", err, node.Err())
	}
}

func TestC1CommitteesFollowHeaders(t *testing.T) {
	n := newNetwork(t).grow(3)
	first := n.signers
	n.endEpoch("second committee", 1)
	h := n.next(nil)
	node := n.node()
	_, err := node.AddHeaders(n.list[1:])
	noError(t, err)
	if err := node.AddCertified(first.certify(h, 0, 1, 2)); !errors.Is(err, types.ErrCertificate) {
		t.Fatalf("the old committee still signs: %v", err)
	}
	node = n.reopen(node)
	n.push(h, nil)
	n.grow(2)
	n.endEpoch("third committee", 1)
	n.grow(3)
	if added, err := node.AddHeaders(n.list[66:]); err != nil || added != 68 {
		t.Fatalf("%d added: %v", added, err)
	}
	node = n.reopen(node)
	for e := range types.Epoch(3) {
		committee, ok := node.Committee(e)
		if !ok || committee.Len() != 4 {
			t.Fatalf("no committee of epoch %d", e)
		}
	}
	if _, ok := node.Committee(3); ok {
		t.Fatal("a committee nobody named")
	}
}

// What an epoch's last header says of the next one is checked, and it must say it.
func TestC4EpochEnds(t *testing.T) {
	n := newNetwork(t).grow(64)
	good := types.EpochEnd{Committee: newSigners("second committee", 5).members(), Rewards: make([]uint64, 4), RuleVersion: 1}
	for name, change := range map[string]func(*types.Header){
		"no end":            func(h *types.Header) { h.Next = nil },
		"no next committee": func(h *types.Header) { h.Next.Committee = nil },
		"unordered committee": func(h *types.Header) {
			h.Next.Committee[0], h.Next.Committee[1] = h.Next.Committee[1], h.Next.Committee[0]
		},
		"a reward missing": func(h *types.Header) { h.Next.Rewards = h.Next.Rewards[1:] },
		"older rules":      func(h *types.Header) { h.Next.RuleVersion = 0 },
		"":                 func(*types.Header) {},
	} {
		t.Run(name, func(t *testing.T) {
			node := n.node()
			_, err := node.AddHeaders(n.list[1:])
			noError(t, err)
			h, end := n.next(nil), good
			end.Committee = append([]types.CommitteeMember(nil), good.Committee...)
			h.Next = &end
			change(&h)
			err = node.AddCertified(n.signers.certify(h, 0, 1, 2))
			if name == "" {
				noError(t, err)
				origin, ok := node.Origin(1)
				must(t, ok && origin.Digest() == h.Digest() && node.Epoch() == 1, "epoch %d begins after %d", node.Epoch(), origin.Height)
				return
			}
			var conflict *ConflictError
			must(t, errors.As(err, &conflict) && conflict.Kind == ConflictRule && node.Epoch() == 0, "have %v", err)
		})
	}
}

func TestUnknownRulesStopCleanly(t *testing.T) {
	n := newNetwork(t).grow(1)
	n.endEpoch("second committee", 2)
	n.grow(1)
	node := n.node()
	if added, err := node.AddHeaders(n.list[1:]); !errors.Is(err, ErrRuleVersion) || added != 65 {
		t.Fatalf("%d added: %v", added, err)
	}
	if node = n.reopen(node); !errors.Is(node.Err(), ErrRuleVersion) || node.Head().Header.Height != 65 {
		t.Fatalf("after a restart: %v", node.Err())
	}
	noError(t, node.db.Close())
	updated := n.nodeOn(node.disk, func(cfg *Config) { cfg.RuleVersion = 2 })
	noError(t, updated.AddCertified(n.list[66]))
}

// TestAnyOrderGivesTheSameChain feeds the headers of a chain in random order, some of them twice.
func TestAnyOrderGivesTheSameChain(t *testing.T) {
	n := newNetwork(t).grow(30)
	rapid.Check(t, func(rt *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		node := n.node()
		order := append(rng.Perm(30), rng.Perm(30)[:10]...)
		for i, k := range order {
			if err := node.AddCertified(n.list[k+1]); err != nil {
				rt.Fatalf("header %d, %d-th: %v", k+1, i, err)
			}
			if !node.Knows(&n.list[k+1].Header) {
				rt.Fatalf("header %d was forgotten", k+1)
			}
		}
		if node.Head().Header.Height != 30 || len(node.pending) != 0 {
			rt.Fatalf("head %d, %d pending", node.Head().Header.Height, len(node.pending))
		}
		for h := range types.Height(31) {
			if ch, ok := node.Header(h); !ok || ch.Header.Digest() != n.digest(int(h)) {
				rt.Fatalf("header %d differs", h)
			}
		}
	})
}

func FuzzDecodeConflict(f *testing.F) {
	n := newNetwork(f).grow(2)
	f.Add((&ConflictError{Kind: ConflictParent, Known: n.list[1], Other: n.list[2], Detail: "x"}).Encode())
	f.Add([]byte{1, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		conflict, err := DecodeConflict(b)
		if err != nil {
			if !errors.Is(err, types.ErrMalformed) {
				t.Fatalf("%v is not ErrMalformed", err)
			}
			return
		}
		if string(conflict.Encode()) != string(b) {
			t.Fatalf("accepted a second spelling of %+v", conflict)
		}
	})
}

func FuzzDecodeProgress(f *testing.F) {
	f.Add(progress{head: 5, bodies: 4, pruned: 1, released: 2, bodyBytes: 99}.encode())
	f.Add(make([]byte, progressSize))
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := decodeProgress(b); err == nil && string(p.encode()) != string(b) {
			t.Fatalf("accepted a second spelling of %+v", p)
		}
	})
}
