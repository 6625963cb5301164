// Command mutants changes the bonding contract in many small ways, one at a time, and runs the tests of the contract against
// each: a change that no test notices shows what is not tested. It changes no file. From the repository's root, after
// `npm ci` in execution/contracts:
//
//	go run ./execution/contracts/internal/mutants [NAME...]
//
// It ends with status 1 if a mutant survives. All mutants take some minutes.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

const folder = "execution/contracts"

// tests is where the contract is tested, and testFiles match the files whose tests run.
const (
	tests     = "./execution"
	testFiles = "execution/bond*_test.go"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(only []string) error {
	source, err := os.ReadFile(filepath.Join(folder, "Bonds.sol"))
	if err != nil {
		return fmt.Errorf("%w (run from the repository's root)", err)
	}
	pattern, err := testNames()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if out, err := test(dir, string(source), pattern); err != nil {
		return fmt.Errorf("the contract as it is fails its tests: %w\n%s", err, out)
	}
	survivors, killed := []string(nil), 0
	for _, m := range mutants {
		if len(only) > 0 && !slices.Contains(only, m.name) {
			continue
		}
		if n := strings.Count(string(source), m.from); n != 1 {
			return fmt.Errorf("%s: what it changes stands %d times in the contract: mend the list", m.name, n)
		}
		out, err := test(dir, strings.Replace(string(source), m.from, m.to, 1), pattern)
		switch {
		case err == nil:
			survivors = append(survivors, m.name)
			fmt.Println("SURVIVED ", m.name)
		case !bytes.Contains(out, []byte("--- FAIL")):
			return fmt.Errorf("%s: no test ran: %w\n%s", m.name, err, out)
		default:
			killed++
			fmt.Println("killed   ", m.name, firstFailure(out))
		}
	}
	if len(survivors) > 0 {
		return fmt.Errorf("%d of %d mutants survived: %s", len(survivors), killed+len(survivors), strings.Join(survivors, ", "))
	}
	fmt.Printf("all %d mutants were killed\n", killed)
	return nil
}

// testNames is a pattern of the tests in testFiles.
func testNames() (string, error) {
	files, err := filepath.Glob(testFiles)
	if err != nil || len(files) == 0 {
		return "", fmt.Errorf("no file matches %s: %w", testFiles, err)
	}
	var names []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		for _, match := range regexp.MustCompile(`(?m)^func (Test\w+|Fuzz\w+)\(`).FindAllSubmatch(text, -1) {
			names = append(names, string(match[1]))
		}
	}
	return "^(" + strings.Join(names, "|") + ")$", nil
}

// test runs the tests on a contract of this source.
func test(dir, source, pattern string) ([]byte, error) {
	contract, artefact, overlay := filepath.Join(dir, "Bonds.sol"), filepath.Join(dir, "Bonds.json"), filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(contract, []byte(source), 0o600); err != nil {
		return nil, err
	}
	if out, err := exec.Command("node", filepath.Join(folder, "build.cjs"), "--source", contract, "--out", artefact).CombinedOutput(); err != nil {
		return out, fmt.Errorf("compile: %w", err)
	}
	here, err := filepath.Abs(filepath.Join(folder, "Bonds.json"))
	if err != nil {
		return nil, err
	}
	replaced, err := json.Marshal(map[string]map[string]string{"Replace": {here: artefact}})
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(overlay, replaced, 0o600); err != nil {
		return nil, err
	}
	return exec.Command("go", "test", "-short", "-failfast", "-overlay", overlay, "-run", pattern, tests).CombinedOutput()
}

// firstFailure names the test that failed.
func firstFailure(out []byte) string {
	match := regexp.MustCompile(`--- FAIL: (\w+)`).FindSubmatch(out)
	if match == nil {
		return ""
	}
	return "by " + string(match[1])
}
