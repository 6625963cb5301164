package coding

import (
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"reflect"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/vectors.json anew; that changes the format of the network")

// vectorFile is language-neutral: any implementation of the format in doc.go can be held against it.
type vectorFile struct {
	About    []string         `json:"about"`
	Vectors  []goldenBlock    `json:"vectors"`
	Evidence []goldenEvidence `json:"evidence"`
}

// goldenBlock is one block. Byte strings are hexadecimal.
type goldenBlock struct {
	Seed            uint64 `json:"seed"`
	Length          int    `json:"length"`
	K               int    `json:"k"`
	N               int    `json:"n"`
	RowSize         int    `json:"row_size"`
	DataHash        string `json:"data_sha256"`
	RowRoot         string `json:"row_root"`
	YRoot           string `json:"y_root"`
	Commitment      string `json:"commitment"`
	CoefficientSeed string `json:"coefficient_seed,omitempty"`
	Coefficient0    string `json:"coefficient_0,omitempty"`
	CoefficientLast string `json:"coefficient_last,omitempty"`
	Y0              string `json:"y_0,omitempty"`
	YLastParity     string `json:"y_last_parity,omitempty"`
	ParityFirst     string `json:"parity_first_sha256,omitempty"`
	ParityMiddle    string `json:"parity_middle_sha256,omitempty"`
	ParityLast      string `json:"parity_last_sha256,omitempty"`
	ShardLast       string `json:"shard_last_sha256,omitempty"`
	Opening         string `json:"opening_sha256"`
	Standalone1     string `json:"standalone_1_sha256,omitempty"`

	Whole *goldenWhole `json:"whole,omitempty"`
}

// goldenWhole is everything there is to know of a small block.
type goldenWhole struct {
	Data         string   `json:"data"`
	Rows         []string `json:"rows"`
	Coefficients []string `json:"coefficients"`
	Y            []string `json:"y"`
	Leaves       []string `json:"leaves"`
	Shards       []string `json:"shards"`
	Opening      string   `json:"opening"`
	Standalone   []string `json:"standalone"`
}

var vectorsAbout = []string{
	"data = SHA-256('bedrock/vector/data' || LE64 seed || LE32 i) for i = 0, 1, ..., concatenated and cut to length bytes",
	"coefficients and y values are the 16 little-endian bytes of their 8 symbols",
	"parity_first, parity_middle, parity_last are the rows K, 2K+1 and N-1; y_last_parity is the combination of row N-1",
	"shard_last, opening and standalone_1 are hashes of encodings: of row N-1, of the opening, of data row 1 stand-alone",
	"whole: all N rows, all coefficients, the combinations of all N rows, the leaves of the row tree, and the encodings of the shards 0, K-1, K and N-1, of the opening and of the data rows 0 and K-1 stand-alone",
	"evidence: bytes offered as proof against the block of that length behind that commitment, and the verdict: bad-combination or bad-padding (convicts the block), not-evidence (the row is right), path, opening, malformed (the accuser's lie)",
}

// frozen are the blocks of the vector file: empty, smallest, padded, several rows of symbols, several K.
var frozen = []struct {
	seed   uint64
	length int
}{{0, 0}, {1, 1}, {2, 64}, {3, 1000}, {4, 1025}, {5, 4096}, {6, 4097}, {7, 70000}, {8, 128 << 10}, {9, 1 << 20}, {10, 1024}}

func TestGoldenVectors(t *testing.T) {
	got := vectorFile{About: vectorsAbout}
	for _, f := range frozen {
		got.Vectors = append(got.Vectors, makeVector(t, f.seed, f.length))
	}
	got.Evidence = makeEvidence(t)
	const name = "testdata/vectors.json"
	if *update {
		b, err := json.MarshalIndent(got, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var want vectorFile
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	if len(want.Vectors) != len(got.Vectors) {
		t.Fatalf("%d vectors, want %d", len(want.Vectors), len(got.Vectors))
	}
	if !reflect.DeepEqual(got.Evidence, want.Evidence) {
		t.Error("format of evidence changed")
	}
	for i := range want.Vectors {
		if !reflect.DeepEqual(got.Vectors[i], want.Vectors[i]) {
			t.Errorf("format changed:\n got %+v\nwant %+v", got.Vectors[i], want.Vectors[i])
		}
	}
}

func makeVector(t *testing.T, seed uint64, length int) goldenBlock {
	data := testData(seed, length)
	b := mustEncode(t, data)
	p := b.params
	v := goldenBlock{
		Seed: seed, Length: length, K: p.K, N: p.N, RowSize: p.RowSize,
		DataHash:   hexHash(data),
		RowRoot:    hexOf(b.rowTree.root()),
		YRoot:      hexOf(b.valueTree.root()),
		Commitment: hexOf(b.commitment),
		Opening:    hashOf(t, b.Opening()),
	}
	if p.K == 0 {
		return v
	}
	cs := coefficientSeed(p, b.RowRoot())
	coeffs := coefficients(cs, p.RowSize)
	first, last := coeffs[0].bytes(), coeffs[p.RowSize/2-1].bytes()
	standalone, err := b.Standalone(1)
	if err != nil {
		t.Fatal(err)
	}
	v.CoefficientSeed = hexOf(cs)
	v.Coefficient0, v.CoefficientLast = hex.EncodeToString(first[:]), hex.EncodeToString(last[:])
	v.Y0 = hex.EncodeToString(b.y[0][:])
	v.YLastParity = hex.EncodeToString(extendValues(b.y)[p.N-1][:])
	v.ParityFirst, v.ParityMiddle, v.ParityLast = hexHash(b.rows[p.K]), hexHash(b.rows[2*p.K+1]), hexHash(b.rows[p.N-1])
	v.ShardLast = hashOf(t, mustShard(t, b, uint32(p.N-1)))
	v.Standalone1 = hashOf(t, standalone)
	if length <= wholeLength {
		v.Whole = makeWhole(t, data, b)
	}
	return v
}

// wholeLength bounds the blocks that the file spells out in full: their 64 rows have 64 bytes.
const wholeLength = 1000

func makeWhole(t *testing.T, data []byte, b *Block) *goldenWhole {
	p := b.params
	w := &goldenWhole{Data: hex.EncodeToString(data), Opening: encodingOf(t, b.Opening())}
	for _, row := range b.rows {
		w.Rows = append(w.Rows, hex.EncodeToString(row))
	}
	for _, c := range coefficients(coefficientSeed(p, b.RowRoot()), p.RowSize) {
		bytes := c.bytes()
		w.Coefficients = append(w.Coefficients, hex.EncodeToString(bytes[:]))
	}
	for _, y := range extendValues(b.y) {
		w.Y = append(w.Y, hex.EncodeToString(y[:]))
	}
	for _, leaf := range b.rowTree.nodes[p.N:] {
		w.Leaves = append(w.Leaves, hexOf(leaf))
	}
	for _, i := range []int{0, p.K - 1, p.K, p.N - 1} {
		w.Shards = append(w.Shards, encodingOf(t, mustShard(t, b, uint32(i))))
	}
	for _, i := range []int{0, p.K - 1} {
		s, err := b.Standalone(uint32(i))
		if err != nil {
			t.Fatal(err)
		}
		w.Standalone = append(w.Standalone, encodingOf(t, s))
	}
	return w
}

func hexHash(b []byte) string { return hexOf(sha256.Sum256(b)) }

func hexOf(h [32]byte) string { return fmt.Sprintf("%x", h) }

func encodingOf(t *testing.T, m encoding.BinaryMarshaler) string {
	return hex.EncodeToString(mustMarshal(t, m))
}

func hashOf(t *testing.T, m encoding.BinaryMarshaler) string { return hexHash(mustMarshal(t, m)) }

func mustMarshal(t *testing.T, m encoding.BinaryMarshaler) []byte {
	t.Helper()
	b, err := m.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return b
}
