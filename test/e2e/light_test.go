package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	gethrpc "github.com/ethereum/go-ethereum/rpc"

	"github.com/etherscale/bedrock/rpc"
)

// remembering is the creation of a contract that stores 42 in slot 0, logs topic 7, and answers a call with slot 0.
const remembering = "0x602a600055" + "600760006000a1" + "600b8060176000396000f3" + "60005460005260206000f3"

// lightClient is a `bedrock light` process.
type lightClient struct {
	proc *process
	rpc  *gethrpc.Client
}

func startLight(t *testing.T, network, home string) *lightClient {
	t.Helper()
	l := &lightClient{proc: start(t, "light", "light", "--network", network, "--home", home, "--listen", "/ip4/127.0.0.1/tcp/0", "--rpc", "127.0.0.1:0", "--json")}
	var ready running
	l.proc.ready(t, &ready)
	if ready.Role != "light" {
		t.Fatalf("it runs as %q", ready.Role)
	}
	var err error
	if l.rpc, err = gethrpc.Dial(ready.RPC); err != nil {
		t.Fatal(err)
	}
	return l
}

// answer is a method's result as canonical JSON.
func answer(client *gethrpc.Client, method string, args ...any) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 25*time.Second)
	defer cancel()
	var out any
	if err := client.CallContext(ctx, &out, method, args...); err != nil {
		return "", err
	}
	encoded, err := json.Marshal(out)
	return string(encoded), err
}

// TestLightClientAnswersWithProofs: a light client in a process of its own, which knows a devnet by its network file alone, sends
// a transaction and answers what a full peer answers, as soon as that is claimed and settled; and again after a restart.
func TestLightClientAnswersWithProofs(t *testing.T) {
	long(t)
	dir := t.TempDir()
	net := startDevnet(t, filepath.Join(dir, "devnet"))
	network, home := filepath.Join(dir, "devnet", "network.json"), filepath.Join(dir, "light")
	l := startLight(t, network, home)
	w := newWallet(t, 0, net.ready.ChainID, func(int) *gethrpc.Client { return l.rpc })
	tx := ethtypes.MustSignNewTx(w.key, w.signer, &ethtypes.DynamicFeeTx{ChainID: w.signer.ChainID(), Gas: 300_000,
		GasTipCap: big.NewInt(1e9), GasFeeCap: big.NewInt(1e11), Data: hexutil.MustDecode(remembering)})
	envelope, err := tx.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, readyWithin, "the light client reaches a sequencer", func() error {
		_, err := answer(l.rpc, "eth_sendRawTransaction", hexutil.Encode(envelope))
		return err
	})
	receipt := ""
	for _, level := range []string{"safe", "finalized"} {
		took := eventually(t, time.Minute, "the receipt is provable as "+level, func() (err error) {
			receipt, err = answer(l.rpc, "eth_getTransactionReceipt", tx.Hash(), level)
			return err
		})
		t.Logf("receipt %s after %v", level, took)
	}
	var placed struct {
		BlockNumber     rpc.Height
		ContractAddress common.Address
	}
	if err := json.Unmarshal([]byte(receipt), &placed); err != nil {
		t.Fatal(err)
	}
	var block struct{ Hash, ParentBeaconBlockRoot common.Hash }
	net.ask(t, &block, "eth_getHeaderByNumber", placed.BlockNumber)
	at, contract := placed.BlockNumber, placed.ContractAddress
	same := func(client *gethrpc.Client) {
		t.Helper()
		for method, args := range map[string][]any{
			"eth_getTransactionReceipt": {tx.Hash()},
			"eth_getBalance":            {w.address, at},
			"eth_getTransactionCount":   {w.address, at},
			"eth_getCode":               {contract, at},
			"eth_getStorageAt":          {contract, "0x0", at},
			"eth_getProof":              {contract, []string{"0x0", "0x1"}, at},
			"eth_getLogs":               {map[string]any{"fromBlock": at, "toBlock": at}},
			"eth_call":                  {map[string]any{"to": contract}, at},
			"eth_chainId":               nil,
		} {
			want, err := answer(net.rpc, method, args...)
			if err != nil {
				t.Fatal(method, err)
			}
			want = strings.ReplaceAll(want, block.Hash.Hex(), block.ParentBeaconBlockRoot.Hex()) // light clients know blocks by digests
			if got, err := answer(client, method, args...); err != nil || got != want {
				t.Errorf("%s:\n  proven %s, %v\n  full   %s", method, got, err, want)
			}
		}
	}
	same(l.rpc)
	if got, err := answer(l.rpc, "eth_call", map[string]any{"to": contract}, "latest"); err != nil || !strings.HasSuffix(got, `2a"`) {
		t.Errorf("the contract answers %s, %v", got, err)
	}
	if got, err := answer(l.rpc, "eth_getTransactionReceipt", common.Hash{1}); err == nil {
		t.Errorf("the receipt of a transaction that nobody made: %s", got)
	}
	if took := l.proc.interrupt(t); took > mostEnd {
		t.Errorf("Ctrl-C took %v", took)
	}

	l = startLight(t, network, home)
	eventually(t, readyWithin, "the restarted client answers of what is settled", func() error {
		got, err := answer(l.rpc, "eth_call", map[string]any{"to": contract}, "finalized")
		if err == nil && !strings.HasSuffix(got, `2a"`) {
			return fmt.Errorf("the contract answers %s", got)
		}
		return err
	})
	_ = l.proc.interrupt(t)
}
