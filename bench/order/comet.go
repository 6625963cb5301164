package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/privval"
	comettypes "github.com/cometbft/cometbft/types"
	comettime "github.com/cometbft/cometbft/types/time"
)

// comet is CometBFT.
type comet struct{}

var _ system = comet{}

func (comet) name() string { return "cometbft" }

// open lays out the homes of the validators and starts them.
func (comet) open(dir string) ([]*process, error) {
	addresses, err := freeAddresses(2 * validators)
	if err != nil {
		return nil, err
	}
	homes := make([]cometConfig, validators)
	genesis := &comettypes.GenesisDoc{ChainID: "bench", GenesisTime: comettime.Now(), InitialHeight: 1,
		ConsensusParams: comettypes.DefaultConsensusParams()}
	var peers []string
	for i := range homes {
		homes[i] = cometConfig{Home: filepath.Join(dir, strconv.Itoa(i)), P2P: addresses[2*i], RPC: addresses[2*i+1]}
		validator, id, err := homes[i].draw()
		if err != nil {
			return nil, err
		}
		genesis.Validators = append(genesis.Validators, validator)
		peers = append(peers, p2p.IDAddressString(id, homes[i].P2P))
	}
	var nodes []*process
	for i := range homes {
		homes[i].Peers = strings.Join(append(append([]string{}, peers[:i]...), peers[i+1:]...), ",")
		if err := genesis.SaveAs(homes[i].config().GenesisFile()); err != nil {
			return nodes, err
		}
		p, err := start("cometbft", homes[i].Home, homes[i])
		if err != nil {
			return nodes, err
		}
		nodes = append(nodes, p)
	}
	return nodes, nil
}

// draw makes the home of a validator with new keys.
func (h cometConfig) draw() (v comettypes.GenesisValidator, id p2p.ID, err error) {
	c := h.config()
	for _, dir := range []string{"config", "data"} {
		if err := os.MkdirAll(filepath.Join(h.Home, dir), 0o700); err != nil {
			return v, id, err
		}
	}
	signer := privval.GenFilePV(c.PrivValidatorKeyFile(), c.PrivValidatorStateFile())
	signer.Save()
	key, err := p2p.LoadOrGenNodeKey(c.NodeKeyFile())
	if err != nil {
		return v, id, err
	}
	public, err := signer.GetPubKey()
	if err != nil {
		return v, id, err
	}
	return comettypes.GenesisValidator{Address: public.Address(), PubKey: public, Power: 1}, key.ID(), nil
}

// freeAddresses are ports of the loopback that nobody has just now.
func freeAddresses(n int) ([]string, error) {
	var out []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		out = append(out, l.Addr().String())
	}
	return out, nil
}

func (comet) path() string { return "/websocket" }

func (comet) subscribe() []byte {
	query := comettypes.EventQueryNewBlock.String()
	return fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%d,"method":"subscribe","params":{"query":%q}}`, subscribeID, query)
}

func (comet) requests(ids []uint64) [][]byte {
	out := make([][]byte, len(ids))
	for i, id := range ids {
		one := make([]byte, 0, 2*payloadSize)
		one = append(one, `{"jsonrpc":"2.0","id":`...)
		one = strconv.AppendUint(one, id, 10)
		one = append(one, `,"method":"broadcast_tx_sync","params":{"tx":"`...)
		one = base64.StdEncoding.AppendEncode(one, payload(id))
		out[i] = append(one, `"}}`...)
	}
	return out
}

// key is the number at the head of the transaction.
func (comet) key(payload []byte) uint64 {
	id, _ := strconv.ParseUint(string(payload[:idDigits]), 16, 64)
	return id
}

// cometResult is the result of broadcast_tx_sync.
type cometResult struct {
	Code uint32 `json:"code"`
	Log  string `json:"log"`
}

// cometNews is the result that tells of a block; that of the subscription itself is empty.
type cometNews struct {
	Data struct {
		Value struct {
			Block struct {
				Data struct {
					Txs []string `json:"txs"` // base64
				} `json:"data"`
			} `json:"block"`
		} `json:"value"`
	} `json:"data"`
}

func (comet) read(message []byte, in *incoming) error {
	var r reply
	if err := json.Unmarshal(message, &r); err != nil {
		return err
	}
	id, err := strconv.ParseUint(string(r.ID), 10, 64)
	if err != nil {
		return fmt.Errorf("answer to %q: %w", r.ID, err)
	}
	if id == subscribeID {
		if r.Error != nil {
			return r.Error
		}
		return in.addBlock(r.Result)
	}
	a := answer{id: id}
	if r.Error != nil {
		a.refusal = r.Error.Error()
	} else {
		var result cometResult
		if err := json.Unmarshal(r.Result, &result); err != nil {
			return err
		}
		if result.Code != 0 {
			a.refusal = fmt.Sprintf("code %d %s", result.Code, result.Log)
		}
	}
	in.answers = append(in.answers, a)
	return nil
}

func (in *incoming) addBlock(result []byte) error {
	var news cometNews
	if err := json.Unmarshal(result, &news); err != nil {
		return err
	}
	const head = 24 // characters of base64 that hold the number
	for _, tx := range news.Data.Value.Block.Data.Txs {
		if len(tx) < head {
			return fmt.Errorf("transaction %q", tx)
		}
		bytes, err := base64.StdEncoding.DecodeString(tx[:head])
		if err != nil {
			return err
		}
		in.ordered = append(in.ordered, comet{}.key(bytes))
	}
	return nil
}
