package e2e

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gethrpc "github.com/ethereum/go-ethereum/rpc"

	"github.com/etherscale/bedrock/rpc"
)

// mostEnd is how long Ctrl-C may take.
const mostEnd = 5 * time.Second

// swarm is a devnet in one process.
type swarm struct {
	proc  *process
	ready struct {
		Schema  int    `json:"schema"`
		RPC     string `json:"rpc"`
		WS      string `json:"ws"`
		ChainID uint64 `json:"chainId"`
		Nodes   []struct {
			Role string `json:"role"`
		} `json:"nodes"`
	}
	rpc *gethrpc.Client
}

// devnetArgs are a small swarm in a directory: the shape must be the same each time.
func devnetArgs(dir string) []string {
	return []string{"devnet", "--data-dir", dir, "--peers", "1", "--json", "--rpc", "127.0.0.1:0"}
}

func startDevnet(t *testing.T, dir string) *swarm {
	t.Helper()
	s := &swarm{proc: start(t, "devnet", devnetArgs(dir)...)}
	s.proc.ready(t, &s.ready)
	if s.ready.Schema != 1 || len(s.ready.Nodes) != 8 {
		t.Fatalf("the ready line lists %d nodes in schema %d: want 8 in schema 1", len(s.ready.Nodes), s.ready.Schema)
	}
	client, err := gethrpc.Dial(s.ready.RPC)
	if err != nil {
		t.Fatal(err)
	}
	s.rpc = client
	return s
}

func (s *swarm) ask(t *testing.T, into any, method string, args ...any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := s.rpc.CallContext(ctx, into, method, args...); err != nil {
		t.Fatalf("devnet: %s: %v", method, err)
	}
}

func (s *swarm) block(t *testing.T, tag any) *ethBlock {
	t.Helper()
	var block *ethBlock
	s.ask(t, &block, "eth_getBlockByNumber", tag, false)
	return block
}

func (s *swarm) waitHeight(t *testing.T, h rpc.Height) {
	t.Helper()
	eventually(t, readyWithin, fmt.Sprintf("the devnet executes block %d", h), func() error {
		if at := s.block(t, "latest").Number; at < h {
			return fmt.Errorf("it is at %d", at)
		}
		return nil
	})
}

// settlesAndRests waits until a block is settled that was made after the crash, so that the prover has gone on where it was;
// nobody was convicted on the way, and with the last transaction of users settled only heartbeats are left.
func (s *swarm) settlesAndRests(t *testing.T, h rpc.Height) {
	t.Helper()
	var status rpc.Status
	eventually(t, settleWithin, fmt.Sprintf("block %d is settled", h), func() error {
		if s.ask(t, &status, "bedrock_status"); status.Settled < h {
			return fmt.Errorf("settled %d, asserted %d of %d: %s", status.Settled, status.Asserted, status.Certified, status.Unsettled)
		}
		return nil
	})
	var challenges []rpc.Challenge
	s.ask(t, &challenges, "bedrock_getChallenges", rpc.Height(0), status.Certified)
	if len(challenges) != 0 {
		t.Errorf("somebody was convicted: %+v", challenges)
	}
	eventually(t, settleWithin, "the ledger is idle", func() error {
		head := s.block(t, "latest").Number
		for h := head - 1; h <= head; h++ {
			var count rpc.Height
			if s.ask(t, &count, "eth_getBlockTransactionCountByNumber", h); count > 0 {
				return fmt.Errorf("%d transactions in block %d", count, h)
			}
		}
		return nil
	})
}

// TestDevnetResumes kills a devnet under load and starts it again: same chain, and it goes on. On the way it looks at the
// block tags, at a second devnet on the same directory, and at Ctrl-C.
func TestDevnetResumes(t *testing.T) {
	long(t)
	dir := filepath.Join(t.TempDir(), "devnet")
	net := startDevnet(t, dir)
	wallets := []*wallet{
		newWallet(t, 0, net.ready.ChainID, func(int) *gethrpc.Client { return net.rpc }),
		newWallet(t, 1, net.ready.ChainID, func(int) *gethrpc.Client { return net.rpc }),
	}
	load := sendAll(t, 100*time.Millisecond, wallets...)
	net.waitHeight(t, 6)
	t.Run("in use", func(t *testing.T) {
		_, stderr, code := run(t, devnetArgs(dir)...)
		refused(t, stderr, code, "in use")
	})
	t.Run("tags", net.checkTags)
	load.end()

	head := net.block(t, "latest").Number
	remembered := map[rpc.Height]ethBlock{}
	for h := rpc.Height(0); h <= head; h++ {
		remembered[h] = *net.block(t, h)
	}
	again := sendAll(t, 100*time.Millisecond, wallets...)
	time.Sleep(time.Second)
	net.proc.kill()
	again.end()

	resumed := startDevnet(t, dir)
	net.rpc = resumed.rpc // where the wallets send from now on
	if at := resumed.block(t, "latest").Number; at+2 < head {
		t.Errorf("the devnet had executed block %d before the crash, and knows %d after it", head, at)
	}
	last := sendAll(t, 100*time.Millisecond, wallets...)
	resumed.waitHeight(t, head+4)
	last.end()
	for h, want := range remembered {
		if have := resumed.block(t, h); have == nil || *have != want {
			t.Errorf("block %d was %+v before the crash and is %+v", h, want, have)
		}
	}
	last.settleMended(t, resumed.rpc, settleWithin)
	last.checkOnce(t, resumed.rpc)

	resumed.settlesAndRests(t, head+1)

	took := resumed.proc.interrupt(t)
	t.Logf("8 nodes stopped %v after Ctrl-C", took.Round(time.Millisecond))
	if took > mostEnd {
		t.Errorf("Ctrl-C took %v, at most %v", took, mostEnd)
	}
}

// checkTags watches the block tags of a running swarm: finalized <= safe <= latest always; both fall behind latest, and
// both move.
func (s *swarm) checkTags(t *testing.T) {
	var safeBehind, safeMoved, finalMoved bool
	first := s.block(t, "safe").Number
	eventually(t, 40*time.Second, "safe and finalized advance behind latest", func() error {
		finalized, safe, latest := s.block(t, "finalized").Number, s.block(t, "safe").Number, s.block(t, "latest").Number
		if finalized > safe || safe > latest { // asked in this order, each may only have grown
			t.Fatalf("finalized %d, safe %d, latest %d", finalized, safe, latest)
		}
		if finalized > 0 && finalized == latest {
			t.Fatalf("block %d is final before its challenge window is over", latest)
		}
		safeBehind = safeBehind || safe < latest
		safeMoved = safeMoved || safe > first
		finalMoved = finalMoved || finalized > 0
		if safeBehind && safeMoved && finalMoved {
			t.Logf("finalized %d, safe %d, latest %d", finalized, safe, latest)
			return nil
		}
		return fmt.Errorf("finalized %d, safe %d, latest %d (safe was behind: %v, moved: %v)", finalized, safe, latest, safeBehind, safeMoved)
	})
}

// refused demands exit code 4 and one line that has the words.
func refused(t *testing.T, stderr string, code int, words ...string) {
	t.Helper()
	if code != 4 {
		t.Errorf("exit code %d, want 4", code)
	}
	line := strings.TrimSuffix(stderr, "\n")
	if strings.Contains(line, "\n") || !strings.HasPrefix(line, "bedrock: ") {
		t.Errorf("want one line of error, got:\n%s", stderr)
	}
	for _, word := range words {
		if !strings.Contains(line, word) {
			t.Errorf("%q does not say %q", line, word)
		}
	}
}
