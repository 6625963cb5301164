package rpc

import (
	"context"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"
)

// maxLag is how many certified blocks may be waiting for execution before eth_syncing says so.
const maxLag = 16

// Network serves net_*.
type Network struct {
	chainID string
	bedrock Bedrock // nil: peers are not counted
}

// Version is the chain id in decimal; wallets check it when a network is added.
func (n *Network) Version() string { return n.chainID }

// Listening is true while this server answers.
func (n *Network) Listening() bool { return true }

// PeerCount is the number of connected peers.
func (n *Network) PeerCount(ctx context.Context) (hexutil.Uint, error) {
	if n.bedrock == nil {
		return 0, nil
	}
	status, err := n.bedrock.Status(ctx)
	if err != nil {
		return 0, err
	}
	return hexutil.Uint(status.Peers), nil
}

// Web3 serves web3_*.
type Web3 struct{ version string }

// ClientVersion names the program, its version and platform.
func (w *Web3) ClientVersion() string { return w.version }

// Sha3 is keccak-256, under its old name.
func (w *Web3) Sha3(input hexutil.Bytes) hexutil.Bytes { return crypto.Keccak256(input) }

// Progress serves eth_syncing.
type Progress struct {
	r       *reader
	bedrock Bedrock
}

// Syncing is false, or an object while the node joins, or execution is far behind the newest certified block.
func (p *Progress) Syncing(ctx context.Context) (any, error) {
	if p.bedrock == nil {
		return false, nil
	}
	status, err := p.bedrock.Status(ctx)
	if err != nil {
		return nil, err
	}
	head, highest := p.r.Head().Number.Uint64(), uint64(status.Certified)
	j := status.Joining
	if j == nil && highest <= head+maxLag {
		return false, nil
	}
	answer := map[string]any{"startingBlock": hexutil.Uint64(0), "currentBlock": hexutil.Uint64(head)}
	if j != nil {
		answer["stage"], answer["done"], answer["total"], answer["text"] = j.Stage, hexutil.Uint64(j.Done), hexutil.Uint64(j.Total), j.Text
		if j.Stage == "headers" {
			highest = max(highest, j.Total)
		}
	}
	answer["highestBlock"] = hexutil.Uint64(highest)
	return answer, nil
}
