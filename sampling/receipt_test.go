package sampling

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
)

const testEpoch = 100

// committees are those of three epochs, each of other keys, and the genesis that names the first.
type committees struct {
	genesis *types.Genesis
	network types.NetworkID
	keys    [3]map[types.PublicKey]ed25519.PrivateKey
	members [3][]types.CommitteeMember
}

func newCommittees(tb testing.TB) *committees {
	tb.Helper()
	c := &committees{}
	for e := range c.keys {
		c.keys[e] = make(map[types.PublicKey]ed25519.PrivateKey)
		for i := range 4 {
			seed := sha256.Sum256(fmt.Append(nil, "epoch", e, "member", i))
			key := ed25519.NewKeyFromSeed(seed[:])
			pub := types.PublicKey(key.Public().(ed25519.PublicKey))
			c.keys[e][pub] = key
			c.members[e] = append(c.members[e], types.CommitteeMember{Key: pub, Stake: 1})
		}
		slices.SortFunc(c.members[e], func(a, b types.CommitteeMember) int { return bytes.Compare(a.Key[:], b.Key[:]) })
	}
	c.genesis = &types.Genesis{Version: 1, Name: "receipts", Committee: c.members[0], EpochLength: testEpoch}
	var err error
	if c.network, err = c.genesis.NetworkID(); err != nil {
		tb.Fatal(err)
	}
	return c
}

// certify has three of the four members of an epoch sign.
func (c *committees) certify(epoch int, h types.Header) types.CertifiedHeader {
	h.Version, h.Network, h.Epoch = types.Version, c.network, types.Epoch(epoch)
	ch := types.CertifiedHeader{Header: h}
	ch.Certificate.Signers = types.NewBitmap(4)
	for i := range types.Member(3) {
		ch.Certificate.Signers.Set(i)
		ch.Certificate.Signatures = append(ch.Certificate.Signatures, types.SignDigest(c.keys[epoch][c.members[epoch][i].Key], h.Digest()))
	}
	return ch
}

// ends are the headers that end epochs 0 and 1.
func (c *committees) ends() (out []types.CertifiedHeader) {
	for e := range 2 {
		out = append(out, c.certify(e, types.Header{Height: types.Height((e + 1) * testEpoch),
			Next: &types.EpochEnd{Committee: c.members[e+1], Rewards: make([]uint64, 4)}}))
	}
	return out
}

// sampledReceipt is the receipt that a client writes of a block of epoch 2.
func sampledReceipt(t *testing.T, c *committees, size int, rules Rules, change func(*published)) *Receipt {
	t.Helper()
	var out *Receipt
	synctest.Test(t, func(t *testing.T) {
		w, receipts := newWorld(t), newWorld(t)
		p := w.add(size, everything)
		if change != nil {
			change(p)
		}
		w.headers[1] = c.certify(2, types.Header{Height: 1, Time: w.headers[1].Header.Time,
			DataLength: w.headers[1].Header.DataLength, Commitment: w.headers[1].Header.Commitment})
		cfg := w.config()
		cfg.Rules, cfg.Receipts, cfg.Chance = rules, receipts, chacha(3)
		cfg.EpochEnds = func(before types.Epoch) ([]types.CertifiedHeader, error) { return c.ends()[:before], nil }
		client, _ := w.run(cfg)
		time.Sleep(time.Minute)
		synctest.Wait()
		var err error
		if out, err = client.Receipt(1); err != nil || out == nil {
			t.Fatalf("receipt %v, %v", out, err)
		}
		if other, err := client.Receipt(2); other != nil || err != nil {
			t.Fatalf("a receipt of a block that is not there: %v, %v", other, err)
		}
	})
	decoded, err := DecodeReceipt(out.Encode())
	if err != nil || !bytes.Equal(decoded.Encode(), out.Encode()) {
		t.Fatalf("round trip: %v", err)
	}
	return decoded
}

// A stranger with the genesis file checks a receipt over two changes of the committee, and learns what the client knew.
func TestReceiptHolds(t *testing.T) {
	c := newCommittees(t)
	for name, tc := range map[string]struct {
		size            int
		rules           Rules
		change          func(*published)
		verdict         Verdict
		asked, answered int
		miss            float64
	}{
		"small":       {smallBlock, Default, nil, Available, 32, 32, Certain},
		"large":       {largeBlock, Default, nil, Available, 33, 28, Default.MissLog2(shape(t, 128), 0)},
		"strict":      {largeBlock, Strict, nil, Available, 59, 59, Strict.MissLog2(shape(t, 128), 0)},
		"escalated":   {largeBlock, Default, func(p *published) { p.serves = func(n int, _ uint32) bool { return n >= 8 } }, Available, 44, 34, Default.MissLog2(shape(t, 128), 1)},
		"unavailable": {largeBlock, Default, func(p *published) { p.serves = onlyFirst(20) }, Unavailable, 44, 20, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := sampledReceipt(t, c, tc.size, tc.rules, tc.change)
			got, err := r.Verify(c.genesis, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got.Verdict != tc.verdict || got.Asked != tc.asked || got.Answered != tc.answered || got.MissLog2 != tc.miss || got.Epochs != 2 {
				t.Fatalf("%+v", got)
			}
			for _, row := range r.Rows {
				if row.Peer != "honest" || r.After(row) < 0 {
					t.Fatalf("%+v", row)
				}
			}
		})
	}
}

// Whoever trusts a checkpoint needs nothing from before it; a receipt that begins there says nothing without it.
func TestReceiptFromCheckpoint(t *testing.T) {
	c := newCommittees(t)
	r := sampledReceipt(t, c, smallBlock, Default, nil)
	r.Epochs = r.Epochs[1:]
	r.Epochs[0].Certificate = types.Certificate{} // a node that began there has none
	first := r.Epochs[0].Header
	if _, err := r.Verify(c.genesis, &types.Checkpoint{Height: first.Height, Digest: first.Digest()}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Verify(c.genesis, nil); !errors.Is(err, ErrUnproven) {
		t.Fatalf("without the checkpoint: %v", err)
	}
	if _, err := r.Verify(c.genesis, &types.Checkpoint{Height: first.Height}); !errors.Is(err, ErrUnproven) {
		t.Fatalf("with another checkpoint: %v", err)
	}
}

// Nothing in a receipt can be changed so that it claims more.
func TestReceiptTampered(t *testing.T) {
	c := newCommittees(t)
	full := sampledReceipt(t, c, largeBlock, Default, nil)
	for name, change := range map[string]func(r *Receipt){
		"certificate":          func(r *Receipt) { r.Header.Certificate.Signatures[0][3] ^= 1 },
		"two signatures":       func(r *Receipt) { r.Header.Certificate.Signatures = r.Header.Certificate.Signatures[:2] },
		"length":               func(r *Receipt) { r.Header.Header.DataLength = 100 },
		"commitment":           func(r *Receipt) { r.Header.Header.Commitment[0] ^= 1 },
		"epoch's end":          func(r *Receipt) { r.Epochs[1].Header.Height++ },
		"no epochs":            func(r *Receipt) { r.Epochs = nil },
		"an epoch is left out": func(r *Receipt) { r.Epochs = r.Epochs[1:] },
		"an epoch twice":       func(r *Receipt) { r.Epochs = append(r.Epochs, r.Epochs[1]) },
		"own committee": func(r *Receipt) {
			r.Epochs[0].Header.Next = &types.EpochEnd{Committee: c.members[2], Rewards: make([]uint64, 4)}
		},
		"row root":      func(r *Receipt) { r.RowRoot[0] ^= 1 },
		"value root":    func(r *Receipt) { r.ValueRoot[0] ^= 1 },
		"leaf":          func(r *Receipt) { r.Rows[4].Proof.Leaf[0] ^= 1 },
		"path":          func(r *Receipt) { r.Rows[4].Proof.Path[2][0] ^= 1 },
		"index":         func(r *Receipt) { r.Rows[4].Proof.Index ^= 1 },
		"weaker rules":  func(r *Receipt) { r.Rules = Rules{{3, 2}, {44, 34}} },
		"no rules":      func(r *Receipt) { r.Rules = Rules{} },
		"made evidence": func(r *Receipt) { r.Evidence = []byte{1, 2, 3} },
	} {
		r, err := DecodeReceipt(full.Encode())
		if err != nil {
			t.Fatal(err)
		}
		change(r)
		if got, err := r.Verify(c.genesis, nil); !errors.Is(err, ErrUnproven) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	other := *c.genesis
	other.Name = "another network"
	if _, err := full.Verify(&other, nil); !errors.Is(err, ErrUnproven) {
		t.Errorf("another network: %v", err)
	}
	few := *full
	few.Rows = few.Rows[:27]
	if got, err := few.Verify(c.genesis, nil); err != nil || got.Verdict != Unavailable || got.MissLog2 != 0 {
		t.Errorf("27 rows: %+v, %v", got, err)
	}
}

// Evidence of bad encoding in a receipt is checked in full.
func TestReceiptOfMisencodedBlock(t *testing.T) {
	c := newCommittees(t)
	p, commitment := badly(t, largeBlock)
	var r *Receipt
	synctest.Test(t, func(t *testing.T) {
		w, receipts := newWorld(t), newWorld(t)
		w.certify(p, commitment)
		w.headers[1] = c.certify(0, types.Header{Height: 1, DataLength: w.headers[1].Header.DataLength, Commitment: commitment, Time: w.headers[1].Header.Time})
		cfg := w.config()
		cfg.Rules, cfg.Receipts = Strict, receipts
		client, _ := w.run(cfg)
		w.want(client, 1, 2*time.Second, Misencoded)
		r, _ = client.Receipt(1)
	})
	got, err := r.Verify(c.genesis, nil)
	if err != nil || got.Verdict != Misencoded {
		t.Fatalf("%+v, %v", got, err)
	}
	if e, err := coding.UnmarshalEvidence(r.Evidence, p.block.Params()); err != nil || e.Check(commitment, p.block.Params()) != nil {
		t.Fatal("evidence does not hold")
	}
	r.Evidence[len(r.Evidence)-1] ^= 1
	if _, err := r.Verify(c.genesis, nil); !errors.Is(err, ErrUnproven) {
		t.Fatalf("tampered evidence: %v", err)
	}
}

// FuzzDecodeReceipt: what decodes has one encoding, is bounded, and verifying it does not panic.
func FuzzDecodeReceipt(f *testing.F) {
	c := newCommittees(f)
	b, err := coding.Encode(bytes.Repeat([]byte("row"), 5000))
	if err != nil {
		f.Fatal(err)
	}
	r := &Receipt{Header: c.certify(0, types.Header{Height: 7, DataLength: 15_000, Commitment: b.Commitment()}), Epochs: c.ends(),
		RowRoot: b.RowRoot(), ValueRoot: b.Opening().ValueRoot(), Asked: []uint32{9, 3}}
	for place, i := range r.Asked {
		s, err := b.Shard(i)
		if err != nil {
			f.Fatal(err)
		}
		r.Rows = append(r.Rows, ReceivedRow{Place: place, Time: 5, Peer: "peer", Proof: s.Proof()})
	}
	whole := r.Encode()
	f.Add(whole)
	f.Add(whole[:len(whole)-1])
	f.Add(append(bytes.Clone(whole), 0))
	for _, at := range []int{24, 25, 60, 400, len(whole) - 1, len(whole) - 500} {
		bad := bytes.Clone(whole)
		bad[at] ^= 0x41
		f.Add(bad)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := DecodeReceipt(in)
		if err != nil {
			if !errors.Is(err, ErrReceipt) {
				t.Fatalf("another error: %v", err)
			}
			return
		}
		if len(r.Asked) > maxAsked || len(r.Rows) > len(r.Asked) || !bytes.Equal(r.Encode(), in) {
			t.Fatalf("%d rows asked for, %d came, or another encoding", len(r.Asked), len(r.Rows))
		}
		_, _ = r.Verify(c.genesis, nil)
	})
}

// What is longer than any receipt, names too many, or has too long a name in it is refused before it takes memory.
func TestReceiptLimits(t *testing.T) {
	if _, err := DecodeReceipt(make([]byte, MaxReceiptBytes+1)); !errors.Is(err, ErrReceipt) {
		t.Fatal("longer than the longest")
	}
	c := newCommittees(t)
	r := &Receipt{Header: c.certify(0, types.Header{Height: 7})}
	encoded := r.Encode()
	epochs := len(receiptMagic) + 1 + 4 + len(r.Header.Encode())
	for _, n := range []uint32{maxReceiptEpochs + 1, 1 << 31} {
		bad := bytes.Clone(encoded)
		copy(bad[epochs:], le32(nil, int(n)))
		if _, err := DecodeReceipt(bad); !errors.Is(err, ErrReceipt) {
			t.Fatalf("%d epochs: %v", n, err)
		}
	}
	p := shape(t, 128)
	r = &Receipt{Header: c.certify(0, types.Header{Height: 7, DataLength: p.Length}), Asked: []uint32{1},
		Rows: []ReceivedRow{{Peer: string(make([]byte, maxPeerName+5)), Proof: coding.RowProof{Index: 1, Path: make([][32]byte, p.PathLen())}}}}
	encoded = r.Encode()
	if got, err := DecodeReceipt(encoded); err != nil || len(got.Rows[0].Peer) != maxPeerName {
		t.Fatalf("a long name is not cut off: %v", err)
	}
	at := len(encoded) - 4 - 32*p.PathLen() - 32 - maxPeerName - 1
	if encoded[at] != maxPeerName {
		t.Fatal("the name's length is elsewhere")
	}
	if encoded[at]++; !errors.Is(second(DecodeReceipt(encoded)), ErrReceipt) {
		t.Fatal("too long a name")
	}
	for r.Asked = nil; len(r.Asked) <= maxAsked; {
		r.Asked = append(r.Asked, uint32(len(r.Asked)))
	}
	r.Rows = nil
	if !errors.Is(second(DecodeReceipt(r.Encode())), ErrReceipt) {
		t.Fatal("too many rows asked for")
	}
}

func second(_ *Receipt, err error) error { return err }
