package conformance

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/core"
	gethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/rpc/rpctest"
)

// How many of the files have to pass; it is what passes today.
const (
	floor         = 92
	simulateFloor = 90
)

// recorded finds the recorded answers: where BEDROCK_CONFORMANCE says, else beside the checkout.
func recorded(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv("BEDROCK_CONFORMANCE"); dir != "" {
		return dir
	}
	beside := filepath.Join("..", "..", "..", "shared", "execution-apis", "tests")
	if _, err := os.Stat(filepath.Join(beside, "chain.rlp")); err == nil {
		return beside
	}
	t.Skip("conformance: SKIPPED, nothing was compared: set BEDROCK_CONFORMANCE to the folder tests/ of a checkout of ethereum/execution-apis")
	return ""
}

// TestConformance imports the chain the answers were recorded on with go-ethereum's core.BlockChain and serves it with
// our handlers. eth_simulateV1 is counted apart; testing_* is for clients that build blocks on demand.
func TestConformance(t *testing.T) {
	dir := recorded(t)
	url := serve(t, dir)
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.io"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no .io files in %s (%v)", dir, err)
	}
	sort.Strings(files)
	all, simulated := tally{name: "conformance", floor: floor}, tally{name: "simulateV1", floor: simulateFloor}
	for _, file := range files {
		method := filepath.Base(filepath.Dir(file))
		switch {
		case strings.HasPrefix(method, "testing_"):
		case method == "eth_simulateV1":
			simulated.count(t, file, replay(url, file))
		default:
			all.count(t, file, replay(url, file))
		}
	}
	all.report(t)
	simulated.report(t)
}

// tally counts the files of a kind.
type tally struct {
	name                 string
	passed, total, floor int
}

func (c *tally) count(t *testing.T, file string, err error) {
	c.total++
	if err == nil {
		c.passed++
		return
	}
	name := filepath.Base(filepath.Dir(file)) + "/" + strings.TrimSuffix(filepath.Base(file), ".io")
	if why := explained[name]; why != "" {
		t.Logf("%s differs as expected: %s", name, why)
		return
	}
	t.Errorf("%s: %v", name, err)
}

func (c *tally) report(t *testing.T) {
	t.Logf("%s: %d of %d passed", c.name, c.passed, c.total)
	if c.passed < min(c.floor, c.total) {
		t.Errorf("%s fell below %d files", c.name, c.floor)
	}
}

// explained are the files whose answers cannot be ours, and why.
var explained = map[string]string{
	"eth_simulateV1/ethSimulate-use-as-many-features-as-possible": "the recording counts the logs of reverted calls, so that its first log has index 6; a block's logs are numbered from 0 here",
}

// serve imports the chain and returns the URL of a server over it.
func serve(t *testing.T, dir string) string {
	t.Helper()
	genesis := new(core.Genesis)
	raw, err := os.ReadFile(filepath.Join(dir, "genesis.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, genesis); err != nil {
		t.Fatal(err)
	}
	chain, err := rpctest.Open(genesis)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(chain.Stop)
	importBlocks(t, chain, filepath.Join(dir, "chain.rlp"))
	choice := forkchoice(t, filepath.Join(dir, "headfcu.json"))
	if have := chain.Head().Hash().Hex(); have != choice["headBlockHash"] {
		t.Fatalf("imported up to %s, recorded was %s", have, choice["headBlockHash"])
	}
	chain.SetTags(chain.Head(), chain.Head()) // safe and finalized are the head in headfcu.json

	server, err := rpc.New(rpc.Config{
		Address: "127.0.0.1:0", ChainID: genesis.Config.ChainID.Uint64(), Version: "conformance",
		Backend: chain, Pool: rpctest.NewPool(chain), Debug: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return server.HTTP()
}

func importBlocks(t *testing.T, chain *rpctest.Chain, file string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	stream := rlp.NewStream(bufio.NewReader(f), 0)
	for {
		block := new(gethtypes.Block)
		err := stream.Decode(block)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if block.NumberU64() == 0 {
			continue
		}
		if err := chain.Insert(block); err != nil {
			t.Fatal(err)
		}
	}
}

func forkchoice(t *testing.T, file string) map[string]string {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var call struct{ Params []json.RawMessage }
	if err := json.Unmarshal(raw, &call); err != nil {
		t.Fatal(err)
	}
	var choice map[string]string
	if err := json.Unmarshal(call.Params[0], &choice); err != nil {
		t.Fatal(err)
	}
	return choice
}

// replay sends the requests of a file in order and compares every answer.
func replay(url, file string) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	shapeOnly, pairs := bytes.Contains(raw, []byte("speconly:")), 0
	var answer []byte
	for _, line := range strings.Split(string(raw), "\n") {
		switch {
		case strings.HasPrefix(line, ">> "):
			if answer, err = post(url, line[3:]); err != nil {
				return err
			}
		case strings.HasPrefix(line, "<< "):
			if err := compare([]byte(line[3:]), answer, shapeOnly); err != nil {
				return err
			}
			pairs++
		}
	}
	if pairs == 0 {
		return errors.New("the file has no answers")
	}
	return nil
}

func post(url, body string) ([]byte, error) {
	response, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return io.ReadAll(response.Body)
}

type message struct {
	Result any
	Error  *struct {
		Code    int
		Message string
		Data    any
	}
}

func compare(want, have []byte, shapeOnly bool) error {
	var w, h message
	if err := errors.Join(json.Unmarshal(want, &w), json.Unmarshal(have, &h)); err != nil {
		return err
	}
	if w.Error != nil || h.Error != nil {
		a, _ := json.Marshal(w.Error)
		b, _ := json.Marshal(h.Error)
		if !bytes.Equal(a, b) {
			return fmt.Errorf("want the error %s, have %s", a, b)
		}
		return nil
	}
	if shapeOnly {
		return sameShape("result", w.Result, h.Result)
	}
	return sameValue(w.Result, h.Result)
}
