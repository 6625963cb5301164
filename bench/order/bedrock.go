package main

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/crypto/sha3"

	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/types"
)

// bedrock is the system of this repository.
type bedrock struct{}

var _ system = bedrock{}

func (bedrock) name() string { return "bedrock" }

// open starts the sequencers; the first one is whom the others join by.
func (bedrock) open(dir string) ([]*process, error) {
	configs := make([]bedrockConfig, validators)
	options := config.GenesisOptions{
		// Ten seconds ago: so the first block closes at once.
		Name: "bench", ChainID: config.DevnetChainID, Time: time.Now().Add(-10 * time.Second), Payload: types.PayloadOpaque,
	}
	for i := range configs {
		key, err := config.NewKey()
		if err != nil {
			return nil, err
		}
		configs[i] = bedrockConfig{Seed: key.Seed(), Dir: filepath.Join(dir, strconv.Itoa(i))}
		options.Committee = append(options.Committee, config.PublicKeyOf(key))
	}
	genesis, err := config.NewGenesis(options)
	if err != nil {
		return nil, err
	}
	encoded, err := genesis.Encode()
	if err != nil {
		return nil, err
	}
	var nodes []*process
	for i := range configs {
		configs[i].Genesis = encoded
		if i > 0 {
			configs[i].Bootstrap = nodes[0].ready.Addrs
		}
		p, err := start("bedrock", configs[i].Dir, configs[i])
		if err != nil {
			return nodes, err
		}
		nodes = append(nodes, p)
	}
	return nodes, nil
}

func (bedrock) path() string { return "/" }

func (bedrock) subscribe() []byte {
	return fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%d,"method":"bedrock_subscribe","params":["ordered"]}`, subscribeID)
}

func (bedrock) requests(ids []uint64) [][]byte {
	out := make([]byte, 0, len(ids)*(2*payloadSize+100))
	out = append(out, '[')
	for i, id := range ids {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, `{"jsonrpc":"2.0","id":`...)
		out = strconv.AppendUint(out, id, 10)
		out = append(out, `,"method":"bedrock_sendTransaction","params":["0x`...)
		out = hex.AppendEncode(out, payload(id))
		out = append(out, `"]}`...)
	}
	return [][]byte{append(out, ']')}
}

// key is the head of the transaction's hash.
func (bedrock) key(payload []byte) uint64 {
	hasher := sha3.NewLegacyKeccak256()
	hasher.Write(payload)
	return binary.BigEndian.Uint64(hasher.Sum(nil))
}

// bedrockNews is the notification of a subscription.
type bedrockNews struct {
	Result struct {
		Transactions []string `json:"transactions"`
		Missed       uint64   `json:"missed"`
	} `json:"result"`
}

func (bedrock) read(message []byte, in *incoming) error {
	if len(message) > 0 && message[0] == '[' {
		var replies []reply
		if err := json.Unmarshal(message, &replies); err != nil {
			return err
		}
		for _, r := range replies {
			if err := in.addBedrock(&r); err != nil {
				return err
			}
		}
		return nil
	}
	var r reply
	if err := json.Unmarshal(message, &r); err != nil {
		return err
	}
	return in.addBedrock(&r)
}

func (in *incoming) addBedrock(r *reply) error {
	if r.Method == "" {
		id, err := strconv.ParseUint(string(r.ID), 10, 64)
		if err != nil {
			return fmt.Errorf("answer to %q: %w", r.ID, err)
		}
		a := answer{id: id}
		if r.Error != nil {
			a.refusal = r.Error.Error()
		}
		in.answers = append(in.answers, a)
		return nil
	}
	var news bedrockNews
	if err := json.Unmarshal(r.Params, &news); err != nil {
		return err
	}
	in.missed += news.Result.Missed
	for _, hash := range news.Result.Transactions {
		if len(hash) < 18 {
			return fmt.Errorf("hash %q", hash)
		}
		key, err := strconv.ParseUint(hash[2:18], 16, 64)
		if err != nil {
			return err
		}
		in.ordered = append(in.ordered, key)
	}
	return nil
}
