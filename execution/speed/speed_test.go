package speed

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"testing"
)

// small is a workload that takes a second.
var small = Config{Accounts: 400, Blocks: 2, WarmUp: 1, Transactions: 50, Chunk: 16}

func TestMeasure(t *testing.T) {
	processors, progress := runtime.GOMAXPROCS(0), 0
	c := small
	c.Dir = t.TempDir()
	c.Progress = func(done, total int) {
		if progress++; done != progress || total != 6 {
			t.Errorf("progress %d of %d", done, total)
		}
	}
	r, err := Measure(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]Figures{"transfers": r.Transfers, "erc20": r.ERC20} {
		if f.PerS <= 0 || f.WitnessBytesTx < 100 || f.WitnessBytesTx > 10_000 {
			t.Errorf("%s: %+v", name, f)
		}
	}
	if r.RecoverUs <= 0 || progress != 6 || runtime.GOMAXPROCS(0) != processors {
		t.Error(r.RecoverUs, progress, runtime.GOMAXPROCS(0))
	}
	if left, err := os.ReadDir(c.Dir); err != nil || len(left) > 0 {
		t.Error("databases are left behind:", left, err)
	}
}

func TestMeasureEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := small
	c.Dir, c.Progress = t.TempDir(), func(int, int) { cancel() }
	if _, err := Measure(ctx, c); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

func TestConfigIsChecked(t *testing.T) {
	for _, change := range []func(*Config){
		func(c *Config) { c.Blocks = 0 }, func(c *Config) { c.WarmUp = 0 }, func(c *Config) { c.Transactions = 0 },
		func(c *Config) { c.Chunk = 0 }, func(c *Config) { c.Accounts = 299 },
	} {
		c := small
		change(&c)
		if _, err := Measure(t.Context(), c); !errors.Is(err, ErrConfig) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// TestTokenIsReproducible compiles the token again where the compiler is installed.
func TestTokenIsReproducible(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed")
	}
	if _, err := os.Stat("../contracts/node_modules/solc"); err != nil {
		t.Skip("the compiler is not installed: run `npm ci` in execution/contracts")
	}
	if output, err := exec.Command(node, "build.cjs", "--check").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
}
