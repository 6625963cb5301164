package coding

import (
	"os/exec"
	"testing"
)

// TestSecondImplementation runs the checker in checker/, which derives the golden vectors anew in JavaScript from the
// Format section alone, and the checker's own tests.
func TestSecondImplementation(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is missing: the golden vectors are not held against a second implementation")
	}
	for _, args := range [][]string{{"checker/check.mjs"}, {"--test", "checker/check_test.mjs"}} {
		if out, err := exec.Command(node, args...).CombinedOutput(); err != nil {
			t.Errorf("node %v: %v\n%s", args, err, out)
		}
	}
}
