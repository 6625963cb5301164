package coding

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"
)

// goldenEvidence is one accusation and what it is worth.
type goldenEvidence struct {
	Name       string `json:"name"`
	Length     uint64 `json:"length"`
	Commitment string `json:"commitment"`
	Evidence   string `json:"evidence"`
	Verdict    string `json:"verdict"`
}

// makeEvidence lists accusations of every kind against a dishonest and an honest block of 1000 bytes.
func makeEvidence(t *testing.T) (all []goldenEvidence) {
	data := testData(3, wholeLength)
	honest := mustEncode(t, data)
	p := honest.params
	_, rows := honestRows(t, data)
	rows[p.N-1][5] ^= 1        // garbage in parity
	rows[p.K-1][p.RowSize-1]++ // a byte behind the data
	liar := forge(t, p, rows, func(y [][16]byte) { y[3][15] ^= 0x80 })

	add := func(name string, b *Block, evidence []byte) {
		all = append(all, goldenEvidence{name, p.Length, hexOf(b.commitment), hex.EncodeToString(evidence), verdictOf(b, evidence)})
	}
	opened := func(b *Block, i int) []byte {
		s, o := mustShard(t, b, uint32(i)), b.Opening()
		return mustMarshal(t, Evidence{Shard: &s, Opening: &o})
	}
	alone := func(b *Block, i int) []byte {
		s, err := b.Standalone(uint32(i))
		if err != nil {
			t.Fatal(err)
		}
		return mustMarshal(t, Evidence{Standalone: &s})
	}
	flip := func(b []byte, at int) []byte {
		b = bytes.Clone(b)
		b[at] ^= 1
		return b
	}
	add("garbage parity row", liar, opened(liar, p.N-1))
	add("wrong value of a data row", liar, opened(liar, 3))
	add("wrong value of a data row, stand-alone", liar, alone(liar, 3))
	add("padding", liar, opened(liar, p.K-1))
	add("padding, stand-alone", liar, alone(liar, p.K-1))
	add("right row of a dishonest block, stand-alone", liar, alone(liar, 4))
	add("data row of an honest block", honest, opened(honest, 0))
	add("parity row of an honest block", honest, opened(honest, p.K))
	add("data row of an honest block, stand-alone", honest, alone(honest, 0))
	add("changed row", honest, flip(opened(honest, 0), 1+p.OpeningSize()+4))
	add("changed row, stand-alone", honest, flip(alone(honest, 0), 2+4))
	add("changed path", honest, flip(opened(honest, 0), len(opened(honest, 0))-1))
	add("changed value, stand-alone", honest, flip(alone(honest, 0), 2+4+p.RowSize+32*p.PathLen()))
	add("changed value", honest, flip(opened(honest, 0), 2+32))
	add("evidence against another block", honest, opened(liar, p.N-1))
	add("one byte short", liar, opened(liar, p.N-1)[:p.OpeningSize()+p.ShardSize()-1])
	add("one byte more", liar, append(alone(liar, 3), 0))
	add("other version", liar, flip(alone(liar, 3), 0))
	add("unknown kind", liar, append([]byte{wireVersion, 3}, alone(liar, 3)[2:]...))
	add("index beyond the rows", liar, flip(opened(liar, p.N-1), 1+p.OpeningSize()+3))
	add("parity index stand-alone", liar, flip(alone(liar, 3), 2+1))
	return all
}

// verdictOf names what a stranger who knows the commitment says.
func verdictOf(b *Block, evidence []byte) string {
	e, err := UnmarshalEvidence(evidence, b.params)
	if err != nil {
		return "malformed"
	}
	var bad *BadEncodingError
	switch err := e.verify(b.commitment, b.params); {
	case err == nil:
		return "not-evidence"
	case errors.Is(err, ErrPath):
		return "path"
	case errors.Is(err, ErrOpening):
		return "opening"
	case errors.As(err, &bad) && bad.Reason == ReasonPadding:
		return "bad-padding"
	case errors.As(err, &bad) && bad.Reason == ReasonCombination:
		return "bad-combination"
	}
	return "unexpected"
}

// TestGoldenVerdicts: the verdicts in the file are the ones their names promise, whatever the code says.
func TestGoldenVerdicts(t *testing.T) {
	count := map[string]int{}
	for _, e := range makeEvidence(t) {
		count[e.Verdict]++
	}
	want := map[string]int{"bad-combination": 3, "bad-padding": 2, "not-evidence": 4, "path": 4, "opening": 2, "malformed": 6}
	for verdict, n := range want {
		if count[verdict] != n {
			t.Errorf("%d accusations are judged %s, want %d", count[verdict], verdict, n)
		}
	}
	if len(count) != len(want) {
		t.Errorf("verdicts %v", count)
	}
}
