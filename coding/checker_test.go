package coding

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// runNode runs the second implementation in checker/, which is JavaScript written from the Format section alone.
func runNode(t *testing.T, args ...string) {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is missing: nothing is held against the second implementation")
	}
	if out, err := exec.Command(node, args...).CombinedOutput(); err != nil {
		t.Errorf("node %v: %v\n%s", args, err, out)
	}
}

// TestSecondImplementation has the golden vectors derived anew, and shows that the checker finds what is wrong.
func TestSecondImplementation(t *testing.T) {
	runNode(t, "checker/check.mjs")
	runNode(t, "--test", "checker/check_test.mjs")
}

// TestSecondImplementationOnRandomBlocks holds blocks of lengths that nobody chose against the second implementation.
func TestSecondImplementationOnRandomBlocks(t *testing.T) {
	const blocks, longest = 12, 100_000
	file := vectorFile{About: vectorsAbout, Evidence: []goldenEvidence{}}
	for range blocks {
		file.Vectors = append(file.Vectors, makeVector(t, rand.Uint64N(1<<50), 1+rand.IntN(1+rand.IntN(longest))))
	}
	name := filepath.Join(t.TempDir(), "vectors.json")
	text, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	runNode(t, "checker/check.mjs", name)
	if t.Failed() {
		for _, v := range file.Vectors {
			t.Logf("seed %d, length %d", v.Seed, v.Length)
		}
	}
}
