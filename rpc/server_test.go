package rpc_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/consensus/beacon"
	"github.com/ethereum/go-ethereum/consensus/ethash"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/rawdb"
	gethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/params"
	gethrpc "github.com/ethereum/go-ethereum/rpc"

	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/rpc/rpctest"
)

// Contracts of the tests, by hand.
var (
	echo     = common.HexToAddress("0xe0") // reverts with what it was called with
	emitter  = common.HexToAddress("0xe1") // emits a log whose topic is the first word of the input
	register = common.HexToAddress("0xe2") // stores the first word in slot 0, returns what was there
	spinner  = common.HexToAddress("0xe3") // never ends

	alice, _ = crypto.ToECDSA(bytes.Repeat([]byte{7}, 32))
	aliceAt  = crypto.PubkeyToAddress(alice.PublicKey)
)

func genesis() *core.Genesis {
	code := func(hex string) gethtypes.Account {
		return gethtypes.Account{Code: common.FromHex(hex), Balance: new(big.Int), Nonce: 1}
	}
	config := *params.MergedTestChainConfig
	alloc := core.SystemContractAllocs()
	alloc[aliceAt] = gethtypes.Account{Balance: new(big.Int).Mul(big.NewInt(1000), big.NewInt(params.Ether))}
	alloc[echo] = code("0x365f5f37365ffd")
	alloc[emitter] = code("0x5f355f5fa100")
	alloc[register] = code("0x5f545f525f355f5560205ff3")
	alloc[spinner] = code("0x5b5f56")
	for address, hex := range callers {
		alloc[address] = code(hex)
	}
	return &core.Genesis{
		Config: &config, GasLimit: 60_000_000, BaseFee: big.NewInt(params.GWei), Difficulty: new(big.Int),
		Alloc: alloc,
	}
}

// fixture is a served chain of core.BlockChain.
type fixture struct {
	t      testing.TB
	chain  *rpctest.Chain
	pool   *rpctest.Pool
	server *rpc.Server
}

func serve(t testing.TB, change func(*rpc.Config)) *fixture {
	t.Helper()
	chain, err := rpctest.Open(genesis())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(chain.Stop)
	f := &fixture{t: t, chain: chain, pool: rpctest.NewPool(chain)}
	config := rpc.Config{Address: "127.0.0.1:0", ChainID: 1, Version: "bedrock/test", Backend: chain, Pool: f.pool, Debug: true}
	if change != nil {
		change(&config)
	}
	f.server = run(t, config)
	return f
}

func run(t testing.TB, config rpc.Config) *rpc.Server {
	t.Helper()
	server, err := rpc.New(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(5 * time.Second):
			t.Error("the server did not stop")
		}
	})
	return server
}

// mine appends a block with what each function makes of the block's builder.
func (f *fixture) mine(fill func(*core.BlockGen)) *gethtypes.Block {
	f.t.Helper()
	parent := f.chain.GetBlockByHash(f.chain.Head().Hash())
	// The generator needs the parent's state in a database of its own; the chain is an archive, so its own will do.
	engine := beacon.New(ethash.NewFaker())
	blocks, _ := core.GenerateChain(f.chain.ChainConfig(), parent, engine, rawdb.NewDatabase(f.chain.Disk()), 1, func(_ int, b *core.BlockGen) {
		b.SetPoS()
		if fill != nil {
			fill(b)
		}
	})
	if err := f.chain.Insert(blocks...); err != nil {
		f.t.Fatal(err)
	}
	return blocks[0]
}

func (f *fixture) tx(key *ecdsa.PrivateKey, nonce uint64, to *common.Address, value int64, data []byte) *gethtypes.Transaction {
	return gethtypes.MustSignNewTx(key, gethtypes.LatestSigner(f.chain.ChainConfig()), &gethtypes.DynamicFeeTx{
		ChainID: f.chain.ChainConfig().ChainID, Nonce: nonce, To: to, Value: big.NewInt(value), Data: data, Gas: 100_000,
		GasFeeCap: big.NewInt(10 * params.GWei), GasTipCap: big.NewInt(2),
	})
}

func (f *fixture) client(url string) *ethclient.Client {
	f.t.Helper()
	client, err := ethclient.Dial(url)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(client.Close)
	return client
}

// call sends one request and returns the decoded answer.
func (f *fixture) call(method string, parameters ...any) answer {
	f.t.Helper()
	if parameters == nil {
		parameters = []any{}
	}
	body, _ := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters})
	return decode(f.t, post(f.t, f.server.HTTP(), string(body), nil))
}

type answer struct {
	Result json.RawMessage
	Error  *struct {
		Code    int
		Message string
		Data    any
	}
}

func (a answer) code() int {
	if a.Error == nil {
		return 0
	}
	return a.Error.Code
}

func decode(t testing.TB, raw []byte) (a answer) {
	t.Helper()
	if err := json.Unmarshal(raw, &a); err != nil {
		t.Fatalf("%v in %.200s", err, raw)
	}
	return a
}

func post(t testing.TB, url, body string, change func(*http.Request)) []byte {
	t.Helper()
	request, _ := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	if change != nil {
		change(request)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Appendf(nil, `{"error":{"code":%d,"message":%q}}`, response.StatusCode, raw)
	}
	return raw
}

// I1.
func TestUnknownMethodsAnswerMethodNotFound(t *testing.T) {
	f := serve(t, nil)
	for _, method := range []string{"eth_sign", "eth_signTransaction", "personal_sign", "debug_traceChain",
		"debug_standardTraceBlockToFile", "admin_peers", "bedrock_status", "nonsense"} {
		if have := f.call(method).code(); have != -32601 {
			t.Errorf("%s: code %d, want -32601", method, have)
		}
	}
}

// The method set of wallets, explorers and libraries.
func TestEveryNamedMethodIsServed(t *testing.T) {
	f := serve(t, nil)
	client, err := gethrpc.Dial(f.server.HTTP())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, method := range strings.Fields(`web3_clientVersion net_version net_listening net_peerCount eth_chainId eth_syncing
		eth_accounts eth_blockNumber eth_getBlockByNumber eth_getBlockByHash eth_getBlockReceipts
		eth_getBlockTransactionCountByNumber eth_getBlockTransactionCountByHash eth_getUncleCountByBlockNumber
		eth_getUncleCountByBlockHash eth_getUncleByBlockHashAndIndex eth_getTransactionByHash
		eth_getTransactionByBlockHashAndIndex eth_getTransactionByBlockNumberAndIndex eth_getTransactionReceipt
		eth_getTransactionCount eth_getBalance eth_getCode eth_getStorageAt eth_getProof eth_call eth_estimateGas
		eth_createAccessList eth_gasPrice eth_maxPriorityFeePerGas eth_feeHistory eth_sendRawTransaction eth_getLogs
		eth_newFilter eth_newBlockFilter eth_newPendingTransactionFilter eth_getFilterChanges eth_getFilterLogs
		eth_uninstallFilter txpool_status txpool_content txpool_contentFrom txpool_inspect eth_config eth_capabilities eth_simulateV1
		eth_baseFee eth_blobBaseFee eth_getStorageValues web3_sha3 debug_traceCall debug_traceTransaction debug_traceBlockByNumber
		debug_traceBlockByHash debug_getRawBlock debug_getBadBlocks eth_coinbase eth_fillTransaction`) {
		if have := f.call(method).code(); have == -32601 {
			t.Errorf("%s is not served", method)
		}
	}
}

func TestAccess(t *testing.T) {
	f := serve(t, func(c *rpc.Config) { c.Hosts, c.Origins = []string{"node.example"}, []string{"https://wallet.example"} })
	const body = `{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}`
	for _, c := range []struct {
		host, origin, contentType string
		want                      int
	}{
		{want: 0},
		{host: "localhost:8545", want: 0},
		{host: "[::1]:8545", want: 0},
		{host: "Node.Example:8545", want: 0},
		{host: "rebound.example:8545", want: 403},
		{host: "127.0.0.1.example", want: 403},
		{origin: "http://localhost:5173", want: 0},
		{origin: "https://wallet.example", want: 0},
		{origin: "http://wallet.example", want: 403},
		{origin: "https://evil.example", want: 403},
		{origin: "http://localhost.evil.example", want: 403},
		{origin: "null", want: 403},
		{contentType: "text/plain", want: 415},
	} {
		have := decode(t, post(t, f.server.HTTP(), body, func(r *http.Request) {
			if c.host != "" {
				r.Host = c.host
			}
			if c.origin != "" {
				r.Header.Set("Origin", c.origin)
			}
			if c.contentType != "" {
				r.Header.Set("Content-Type", c.contentType)
			}
		}))
		if have.code() != c.want {
			t.Errorf("%+v: answered %d", c, have.code())
		}
	}
	for origin, want := range map[string]bool{"http://127.0.0.1:3000": true, "https://evil.example": false} {
		client, err := gethrpc.DialOptions(context.Background(), f.server.WS(), gethrpc.WithHeader("Origin", origin))
		if (err == nil) != want {
			t.Errorf("WebSocket from %s: %v", origin, err)
		}
		if err == nil {
			client.Close()
		}
	}
}

// I6.
func TestRequestsAreBounded(t *testing.T) {
	f := serve(t, func(c *rpc.Config) {
		c.BatchItems, c.BodyBytes, c.LogRange, c.LogCount, c.CallTimeout, c.Sockets = 3, 4096, 4, 2, 200*time.Millisecond, 1
	})
	for i := range uint64(5) {
		f.mine(func(b *core.BlockGen) { b.AddTx(f.tx(alice, i, &emitter, 0, nil)) })
	}
	one := `{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}`
	if raw := string(post(t, f.server.HTTP(), "["+strings.Repeat(one+",", 3)+one+"]", nil)); !strings.Contains(raw, "batch too large") {
		t.Errorf("a batch of 4 is answered %.200s", raw)
	}
	if have := decode(t, post(t, f.server.HTTP(), `{"method":"`+strings.Repeat("x", 5000)+`"}`, nil)); have.code() != 413 {
		t.Errorf("a body above the limit is answered %d", have.code())
	}
	if have := f.call("eth_getLogs", map[string]any{"fromBlock": "0x0", "toBlock": "latest"}); have.code() != -38026 {
		t.Errorf("6 blocks of logs: code %d", have.code())
	}
	if have := f.call("eth_getLogs", map[string]any{"fromBlock": "0x2", "toBlock": "latest"}); have.code() != -38026 {
		t.Errorf("4 logs: code %d", have.code())
	}
	var logs []any
	if have := f.call("eth_getLogs", map[string]any{"fromBlock": "0x4", "toBlock": "latest"}); json.Unmarshal(have.Result, &logs) != nil || len(logs) != 2 {
		t.Errorf("2 logs: %s %+v", have.Result, have.Error)
	}
	start := time.Now()
	have := f.call("eth_call", map[string]any{"to": spinner, "gas": "0x7fffffffffffffff"}, "latest")
	if have.Error == nil || time.Since(start) > 3*time.Second {
		t.Errorf("an endless call: %s, %+v after %v", have.Result, have.Error, time.Since(start))
	}
	first, err := gethrpc.Dial(f.server.WS())
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if second, err := gethrpc.Dial(f.server.WS()); err == nil {
		second.Close()
		t.Error("a second WebSocket was let in")
	}
}

func TestWithoutExecution(t *testing.T) {
	server := run(t, rpc.Config{Address: "127.0.0.1:0", ChainID: 48848, Version: "bedrock/light"})
	f := &fixture{t: t, server: server}
	if have := f.call("eth_chainId"); string(have.Result) != `"0xbed0"` {
		t.Errorf("eth_chainId: %s", have.Result)
	}
	if have := f.call("net_version"); string(have.Result) != `"48848"` {
		t.Errorf("net_version: %s", have.Result)
	}
	if have := f.call("eth_getBalance", aliceAt, "latest"); have.code() != -32601 {
		t.Errorf("eth_getBalance without execution: code %d, want an error", have.code())
	}
}

func TestAddressInUse(t *testing.T) {
	server := run(t, rpc.Config{Address: "127.0.0.1:0", ChainID: 1})
	if _, err := rpc.New(rpc.Config{Address: server.Addr(), ChainID: 1}); err == nil || !strings.Contains(err.Error(), server.Addr()) {
		t.Errorf("a taken address: %v", err)
	}
}
