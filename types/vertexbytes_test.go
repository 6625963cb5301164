package types

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"syscall"
	"testing"
	"time"
)

// BenchmarkVerifyDigests is the cost of a signature by the size of the batch it is checked in.
func BenchmarkVerifyDigests(b *testing.B) {
	var all []SignedDigest
	for i := range 128 {
		seed := sha256.Sum256(fmt.Appendf(nil, "key %d", i))
		key := ed25519.NewKeyFromSeed(seed[:])
		digest := Hash(sha256.Sum256(seed[:]))
		all = append(all, SignedDigest{PublicKey(key.Public().(ed25519.PublicKey)), digest, SignDigest(key, digest)})
	}
	for _, n := range []int{1, 2, 4, 8, 16, 32, 64, 128} {
		b.Run(fmt.Sprintf("batch=%d", n), func(b *testing.B) {
			before := cpuTime(b)
			for range b.N {
				if err := VerifyDigests(all[:n]); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((cpuTime(b)-before).Nanoseconds())/float64(b.N*n)/1e3, "cpu-µs/signature")
		})
	}
}

// cpuTime is what this process has used: on a busy machine time by the clock says little.
func cpuTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// FuzzDecodeVertex: what is accepted is the canonical encoding of what was decoded.
func FuzzDecodeVertex(f *testing.F) {
	empty := NewVertex(VertexID{Version: Version, Round: 1}, VertexBody{Parents: NewBitmap(4)})
	full := NewVertex(VertexID{Version: Version, Round: 3, Time: 9}, VertexBody{
		Parents: NewBitmap(9), ParentDigests: []Hash{{1}}, Weak: []VertexRef{{Author: 1, Round: 1}}, Receipts: []Receipt{{Time: 3}},
		HeaderSignatures: []HeaderSignature{{Height: 7}}, Verdicts: []Verdict{{Kind: 1, Payee: [20]byte{2}}}, Evidence: []Equivocation{{}},
	})
	for _, v := range []*Vertex{empty, full} {
		f.Add(v.Encode())
		f.Add(v.Encode()[:40])
	}
	f.Fuzz(func(t *testing.T, encoded []byte) {
		v, err := DecodeVertex(encoded)
		if err != nil {
			return
		}
		again := NewVertex(v.ID(), *v.Body())
		if again.Digest() != v.Digest() || !bytes.Equal(again.WithSignature(v.Signature()).Encode(), encoded) {
			t.Fatalf("%x decodes to a vertex that encodes differently", encoded)
		}
	})
}

// An answer names at most MaxCutNames cuts.
func TestCutNames(t *testing.T) {
	for n, good := range map[int]bool{MaxCutNames: true, MaxCutNames + 1: false} {
		_, err := DecodeFetchResponse((&FetchResponse{Cuts: make([]CutName, n)}).Encode())
		if (err == nil) != good {
			t.Errorf("%d cuts: %v", n, err)
		}
	}
}
