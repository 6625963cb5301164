package dht

import (
	"bytes"
	"testing"
	"time"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/coding/codingtest"
	"github.com/etherscale/bedrock/types"
)

// TestWrongRowsAreTheBlocksFault: a wrong row offered under a certificate is not stored; it is handed over as proof together
// with the certificate, also of a header that is not followed here yet, and whoever passed it on is not punished for it.
func TestWrongRowsAreTheBlocksFault(t *testing.T) {
	for name, followed := range map[string]bool{"known header": true, "header ahead": false} {
		t.Run(name, func(t *testing.T) {
			a := newAuthority(t)
			f := codingtest.Forge(t, bytes.Repeat([]byte("garbage "), 500), codingtest.SpoilRow(-1))
			ch := a.certify(types.Header{Version: types.Version, Network: testNetwork, Height: 1, Time: types.TimeOf(time.Now()),
				DataLength: f.Params.Length, Commitment: f.Commitment})
			proofs := make(chan types.CertifiedHeader, 1)
			honest := newNode(t, a, func(c *Config) {
				c.BadEncoding = func(ch types.CertifiedHeader, proof *coding.BadEncodingError) {
					if err := proof.Evidence.Check(ch.Header.Commitment, f.Params); err != nil {
						t.Error(err)
					}
					proofs <- ch
				}
			})
			if followed {
				honest.chain.add(ch)
			}
			liar := newNode(t, a, nil)
			if err := liar.host.Connect(t.Context(), infoOf(honest.host)); err != nil {
				t.Fatal(err)
			}
			o, err := makeOffering(ch.Header, proofCertified, ch.Encode(), f.Opening, func(i uint32) ([]byte, error) { return f.Shard(i).MarshalBinary() })
			if err != nil {
				t.Fatal(err)
			}
			last := uint32(f.Params.N - 1)
			if _, err := liar.offer(t.Context(), o, honest.host.ID(), []uint32{last}, false); err == nil {
				t.Fatal("a wrong row was taken")
			}
			select {
			case got := <-proofs:
				if got.Header.Digest() != ch.Header.Digest() || len(got.Certificate.Signatures) != 3 {
					t.Fatalf("handed over with %d signatures", len(got.Certificate.Signatures))
				}
			case <-time.After(10 * time.Second):
				t.Fatal("nothing was handed over")
			}
			if held, err := honest.Holds(t.Context(), ch.Header.Commitment, last); held || err != nil || !honest.door.open(liar.host.ID()) {
				t.Fatal("stored:", held, err, "sender let in:", honest.door.open(liar.host.ID()))
			}
		})
	}
}
