package coding

import (
	"bytes"
	"errors"
	"os"
	"regexp"
	"slices"
	"testing"
)

// pitfalls are the known ways to get a code of this family wrong, found in the sources and the measurements of others, and
// the tests that hold this package clear of each. Two are not of this package: that rows are shown to chosen clients only
// (sampling), and that few holders hold too many rows (dht).
var pitfalls = map[string][]string{
	"a cache is filled from the first row's claimed root":            {"TestI3NothingIsCachedFromALiar", "TestVerifierIsConcurrent"},
	"y is missing, or not the committed one":                         {"TestI3NothingIsCachedFromALiar", "TestStandaloneLies", "TestForgedSizes"},
	"any K rows can be made to pass":                                 {"TestGarbageParity", "TestAnyKRowsCanBeMadeToPass"},
	"committed rows may be garbage although sampling passes":         {"TestOneGarbageRow", "TestManyGarbageRows", "TestReconstructUsesKRows"},
	"the row size is odd, zero, or taken from the proof":             {"TestI2OtherShapesAreRefused", "TestI2ShapeFollowsFromLength", "TestMarshalRefusesImpossibleValues"},
	"rows of zeros combine to zero, so shapes must be committed":     {"TestI6ShapeIsCommitted", "TestShapeIsBound", "TestEmptyBlock"},
	"padding makes two blocks of one":                                {"TestI6PaddingIsZero", "TestI6OneCommitmentPerData"},
	"an index or a depth is not checked":                             {"TestI4PeersLieIsNotTheBlocks", "TestForgedSizes", "TestNodeIsNoRow", "TestTreeIsRFC6962", "TestI7IndexIsInRange"},
	"rows are too large to check or to send":                         {"TestRecordsFitAMessage", "TestParamsTable"},
	"coefficients are known before the rows, or used for two blocks": {"TestCoefficientsFollowTheRows", "TestCollidingRowIsRefused"},
	"byte order, basis and points are those of a library":            {"TestGoldenVectors", "TestSecondImplementation", "TestCodeFromFirstPrinciples", "TestDecodeFromFirstPrinciples", "TestExtendMatchesLeopard"},
	"memory is a multiple of the block":                              {"TestMemoryIsSixBlocks"},
	"a peer's lie is taken for the block's, or the other way":        {"TestI4PeersLieIsNotTheBlocks", "TestI5HonestRowsNeverConvict", "TestGoldenVerdicts"},
}

func TestEveryPitfallHasItsTests(t *testing.T) {
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	for _, f := range files {
		if !regexp.MustCompile(`_test\.go$`).MatchString(f.Name()) {
			continue
		}
		b, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllSubmatch(b, -1) {
			have[string(m[1])] = true
		}
	}
	for pitfall, tests := range pitfalls {
		for _, name := range tests {
			if !have[name] {
				t.Errorf("%s: there is no %s", pitfall, name)
			}
		}
	}
}

// TestManyGarbageRows: three eighths of the rows, all of them parity, are garbage, the most that sampling lets through.
// Every one of them convicts, the other rows give the data, and nothing is rebuilt to be served.
func TestManyGarbageRows(t *testing.T) {
	data := testData(20, 3000)
	p, rows := honestRows(t, data)
	garbage := p.K + 3*p.N/8
	for i := p.K; i < garbage; i++ {
		rows[i] = testData(uint64(2000+i), p.RowSize)
	}
	block := forge(t, p, rows, nil)
	v := mustVerifier(t, block)
	for i := range uint32(p.N) {
		err := v.Verify(mustShard(t, block, i))
		if bad := int(i) >= p.K && int(i) < garbage; bad {
			wantBad(t, err, ReasonCombination)
		} else if err != nil {
			t.Fatalf("row %d: %v", i, err)
		}
	}
	good := shardsAt(t, block, append(ascending(p.K/2), ascending(p.N)[p.N-p.K/2:]...))
	if got, err := Reconstruct(v, good); err != nil || !bytes.Equal(got, data) {
		t.Fatalf("correct rows do not give the data: %v", err)
	}
	if _, err := ReconstructAllVerified(v, good); !errors.Is(err, ErrInconsistent) {
		t.Fatalf("rebuilding all rows: %v, want ErrInconsistent", err)
	}
}

// TestAnyKRowsCanBeMadeToPass: all rows are random, and y is chosen so that K rows of the publisher's choice pass. Exactly
// these do. Therefore a few correct rows say little.
func TestAnyKRowsCanBeMadeToPass(t *testing.T) {
	p, rows := honestRows(t, testData(21, 16*64))
	for i := range rows {
		rows[i] = testData(uint64(3000+i), p.RowSize)
	}
	chosen := randomIndices(21, p.N)[:p.K]
	block := forge(t, p, rows, nil)
	c := newCombiner(coefficientSeed(p, block.RowRoot()), p.RowSize)
	values := make([][]byte, p.N) // as rows of 64 bytes, to be decoded like rows
	for _, i := range chosen {
		y := c.combine(rows[i])
		values[i] = make([]byte, RowUnit)
		for w := range 8 {
			values[i][w], values[i][w+RowUnit/2] = y[2*w], y[2*w+1]
		}
	}
	places := newRows(p.K, RowUnit)
	for i := range places {
		copy(places[i], values[i])
	}
	newErasureDecoder(values, places).decode(nil, RowUnit)
	block = forge(t, p, rows, func(y [][16]byte) {
		for i := range y {
			for w := range 8 {
				y[i][2*w], y[i][2*w+1] = places[i][w], places[i][w+RowUnit/2]
			}
		}
	})
	v := mustVerifier(t, block)
	for i := range p.N {
		err := v.Verify(mustShard(t, block, uint32(i)))
		if pass := slices.Contains(chosen, i); pass != (err == nil) {
			t.Fatalf("row %d: chosen %v, verdict %v", i, pass, err)
		}
	}
}

// TestShapeIsBound: no part of the shape can change without another commitment and other coefficients.
func TestShapeIsBound(t *testing.T) {
	p, err := ParamsFor(5000)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Params){
		"K": func(p *Params) { p.K++ }, "N": func(p *Params) { p.N++ },
		"row size": func(p *Params) { p.RowSize++ }, "length": func(p *Params) { p.Length++ },
	} {
		q := p
		change(&q)
		if commit(p, [32]byte{}, [32]byte{}) == commit(q, [32]byte{}, [32]byte{}) {
			t.Errorf("%s is not in the commitment", name)
		}
		if coefficientSeed(p, [32]byte{}) == coefficientSeed(q, [32]byte{}) {
			t.Errorf("%s is not in the seed", name)
		}
	}
}

// TestRecordsFitAMessage: what travels at once stays far below the 4 MiB of a message, even of the longest block.
func TestRecordsFitAMessage(t *testing.T) {
	p, err := ParamsFor(MaxLength)
	if err != nil {
		t.Fatal(err)
	}
	for name, size := range map[string]int{
		"shard": p.ShardSize(), "opening": p.OpeningSize(), "stand-alone": p.StandaloneSize(), "evidence": p.OpeningSize() + p.ShardSize(),
	} {
		if size > 256<<10 {
			t.Errorf("%s of %d bytes", name, size)
		}
	}
}

// TestCoefficientsFollowTheRows: one bit of one row, and every coefficient is another one.
func TestCoefficientsFollowTheRows(t *testing.T) {
	p, rows := honestRows(t, testData(22, 3000))
	of := func() []vector { return coefficients(coefficientSeed(p, forge(t, p, rows, nil).RowRoot()), p.RowSize) }
	before := of()
	rows[p.N-1][p.RowSize-1] ^= 1
	for j, c := range of() {
		if c == before[j] {
			t.Fatalf("coefficient %d did not change", j)
		}
	}
}

// TestCollidingRowIsRefused: once the coefficients are known anyone finds a second row with the combination of an honest
// one: nine symbols are more than eight equations. Only the path tells them apart, and it is the peer's lie.
func TestCollidingRowIsRefused(t *testing.T) {
	block := mustEncode(t, testData(23, 3000))
	v := mustVerifier(t, block)
	x := nullVector(coefficients(coefficientSeed(block.params, block.RowRoot()), block.params.RowSize))
	s := clone(mustShard(t, block, 5))
	honest := v.combiner.combine(s.Row)
	for j, symbol := range x {
		s.Row[j] ^= byte(symbol)
		s.Row[j+RowUnit/2] ^= byte(symbol >> 8)
	}
	if bytes.Equal(s.Row, block.rows[5]) || v.combiner.combine(s.Row) != honest {
		t.Fatal("the row does not collide")
	}
	if err := v.Verify(s); !errors.Is(err, ErrPath) {
		t.Fatalf("verdict %v, want ErrPath", err)
	}
}

// nullVector is a non-zero x with the sum of x_j times the first nine coefficients zero, by Gauss' elimination.
func nullVector(coeffs []vector) (x [9]uint16) {
	var m [8][9]uint16
	for j := range x {
		for w := range 8 {
			m[w][j] = uint16(coeffs[j][w/4] >> (16 * (w % 4)))
		}
	}
	for col := range m { // random coefficients: the pivots are there
		pivot := col
		for m[pivot][col] == 0 {
			pivot++
		}
		m[col], m[pivot] = m[pivot], m[col]
		inv := inverse(m[col][col])
		for j := range m[col] {
			m[col][j] = mul(m[col][j], inv)
		}
		for w := range m {
			if factor := m[w][col]; w != col {
				for j := range m[w] {
					m[w][j] ^= mul(factor, m[col][j])
				}
			}
		}
	}
	x[8] = 1
	for w := range m {
		x[w] = m[w][8]
	}
	return x
}
