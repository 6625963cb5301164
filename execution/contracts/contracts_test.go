package contracts

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"testing"
)

// codeHash is sha256 of the runtime bytecode that genesis carries: whoever changes the contract changes every network.
const codeHash = "0ed799d89ff17ce2fa7ab8d0c9ff50f4cacef1826f6454c8323d503eac92c615"

func TestArtefact(t *testing.T) {
	a, err := BondsArtefact()
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("Bonds.sol")
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(source); hex.EncodeToString(sum[:]) != a.Source {
		t.Error("Bonds.json was made from another Bonds.sol: run `npm run build`")
	}
	if sum := sha256.Sum256(a.Code); hex.EncodeToString(sum[:]) != codeHash {
		t.Errorf("runtime bytecode has hash %x, not %s", sum, codeHash)
	}
	if len(a.Code) > 24<<10 {
		t.Errorf("%d bytes of code, more than a contract may have", len(a.Code))
	}
}

// TestReproducible compiles the source again where the compiler is installed.
func TestReproducible(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed")
	}
	if _, err := os.Stat("node_modules/solc"); err != nil {
		t.Skip("the compiler is not installed: run `npm ci` in execution/contracts")
	}
	if output, err := exec.Command(node, "build.cjs", "--check").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
}
