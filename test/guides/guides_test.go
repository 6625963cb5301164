package guides

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"

	"github.com/etherscale/bedrock/node/devnet"
)

// program is the built program, stateHome where the network leaves its file, and swarm the network.
var (
	program, stateHome string
	swarm              *network
)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	if testing.Short() || !hasBash() {
		return m.Run() // every test skips, with the reason
	}
	dir, err := os.MkdirTemp("", "bedrock-guides-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program, stateHome = filepath.Join(dir, "bedrock"), filepath.Join(dir, "state")
	if out, err := exec.Command("go", "build", "-o", program, "../../cmd/bedrock").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	if swarm, err = startNetwork(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := swarm.stop(); err != nil {
		fmt.Fprintln(os.Stderr, "devnet:", err)
		return 1
	}
	return code
}

func hasBash() bool {
	_, err := exec.LookPath("bash")
	return err == nil
}

// startsNode tells the commands that run until Ctrl-C: a page's next commands go to another terminal.
var startsNode = regexp.MustCompile(`^bedrock (run|light|bootstrap)\b`)

// mayWarn are commands that look for what is wrong: exit code 5 is their "found something", which a test machine may well have.
var mayWarn = regexp.MustCompile(`^bedrock doctor\b`)

func TestGuides(t *testing.T) {
	for i, page := range guidePages {
		t.Run(page, func(t *testing.T) {
			s := newStage(t)
			s.wallet()
			list := commandsOf(t, page)
			if len(list) < 5 {
				t.Fatalf("docs/%s.md has %d commands: too few to be run by", page, len(list))
			}
			for _, c := range list {
				s.do(c, i)
			}
			s.stop()
		})
	}
}

// do runs one command of a page.
func (s *stage) do(c command, page int) {
	s.Helper()
	if startsNode.MatchString(c.text) && !strings.Contains(c.text, "--help") {
		s.start(c)
		if account := s.said("account"); account != "" {
			s.pay(common.HexToAddress(account), page)
		}
		return
	}
	out, err := s.shell(s.located(c.text))
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 5 && mayWarn.MatchString(c.text) {
		err = nil
	}
	if err != nil {
		node := ""
		if s.node != nil {
			node = s.node.out.String()
		}
		s.Fatalf("line %d: %s: %v\n%s\nthe node said:\n%s", c.line, c.text, err, out, node)
	}
}

// located puts the running node's RPC address in the place of the usual one, which another program of this machine may have.
func (s *stage) located(text string) string {
	if s.node == nil {
		return text
	}
	at := s.said("JSON-RPC")
	return strings.NewReplacer("http://127.0.0.1:8545", at, "http://127.0.0.1:8546", at).Replace(text)
}

// pay is what a reader does with a wallet: it gives the node's own account money for gas. The development accounts pay in turn.
func (s *stage) pay(to common.Address, page int) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	c, err := ethclient.DialContext(ctx, swarm.rpc)
	if err != nil {
		s.Fatal(err)
	}
	defer c.Close()
	key, err := crypto.HexToECDSA(strings.TrimPrefix(devnet.Accounts()[5].PrivateKey, "0x"))
	if err != nil {
		s.Fatal(err)
	}
	chain, err := c.ChainID(ctx)
	if err != nil {
		s.Fatal(err)
	}
	nonce, err := c.PendingNonceAt(ctx, crypto.PubkeyToAddress(key.PublicKey))
	if err != nil {
		s.Fatal(err)
	}
	tx, err := ethtypes.SignNewTx(key, ethtypes.LatestSignerForChainID(chain), &ethtypes.DynamicFeeTx{
		ChainID: chain, Nonce: nonce, To: &to, Value: big.NewInt(1e17), Gas: 21_000, GasTipCap: big.NewInt(1e9), GasFeeCap: big.NewInt(100e9),
	})
	if err != nil {
		s.Fatal(err)
	}
	if err := c.SendTransaction(ctx, tx); err != nil {
		s.Fatal(err)
	}
	for ctx.Err() == nil {
		if receipt, err := c.TransactionReceipt(ctx, tx.Hash()); err == nil && receipt.Status == 1 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	s.Fatalf("no receipt of the payment to %s", to)
}

// watched collects what a node prints and says when a text has come.
type watched struct {
	mu     sync.Mutex
	buffer *bytes.Buffer
	mark   string
	seen   chan struct{}
	told   bool
}

func (w *watched) readAll(from io.Reader) (int64, error) { return io.Copy(w, from) }

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.buffer.Write(p)
	if !w.told && strings.Contains(w.buffer.String(), w.mark) {
		w.told = true
		close(w.seen)
	}
	return len(p), nil
}
