package rpc

import (
	"context"
	"encoding/json"

	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/etherscale/bedrock/types"
)

// VertexLogs is what a Bedrock may also be: the way to the sequencers' logs of signed vertices, for auditors.
type VertexLogs interface {
	// Genesis is the canonical genesis file.
	Genesis(ctx context.Context) ([]byte, error)
	// Log asks a member of the committee of the request's epoch for a stretch of its log of that epoch, or for vertices
	// and bodies by name.
	Log(ctx context.Context, member types.Member, r *types.FetchRequest) (*types.FetchResponse, error)
}

// Log is a part of a sequencer's log: vertices in the order it accepted them, and the bodies they receipt.
type Log struct {
	Batches  []hexutil.Bytes `json:"batches"`
	Vertices []hexutil.Bytes `json:"vertices"`
	Next     uint64          `json:"next"`  // position to ask from next
	End      uint64          `json:"end"`   // position after the newest vertex
	First    uint64          `json:"first"` // position of the oldest one that is kept
}

func (m *BedrockMethods) vertexLogs() (VertexLogs, error) {
	served, ok := m.b.(VertexLogs)
	if !ok {
		return nil, invalidParams("this node has no way to the sequencers' logs")
	}
	return served, nil
}

// GetGenesis answers bedrock_getGenesis: the file whose sha256 is the network id.
func (m *BedrockMethods) GetGenesis(ctx context.Context) (json.RawMessage, error) {
	served, err := m.vertexLogs()
	if err != nil {
		return nil, err
	}
	return served.Genesis(ctx)
}

// GetLog answers bedrock_getLog: a member's log of an epoch (0 where it is left out) from a position on, bounded; member,
// position and epoch are plain numbers.
func (m *BedrockMethods) GetLog(ctx context.Context, member types.Member, from uint64, epoch *types.Epoch) (*Log, error) {
	return m.log(ctx, member, &types.FetchRequest{Epoch: epochOr0(epoch), Log: true, From: from})
}

func epochOr0(e *types.Epoch) types.Epoch {
	if e == nil {
		return 0
	}
	return *e
}

// GetVertices answers bedrock_getVertices: vertices by digest and bodies by CID, as far as the member has them in its log
// of an epoch (0 where it is left out).
func (m *BedrockMethods) GetVertices(ctx context.Context, member types.Member, digests []types.Hash, batches []string, epoch *types.Epoch) (*Log, error) {
	if len(digests)+len(batches) > types.MaxFetchItems {
		return nil, invalidParams("%d names, at most %d", len(digests)+len(batches), types.MaxFetchItems)
	}
	r := &types.FetchRequest{Epoch: epochOr0(epoch), Vertices: digests}
	for _, name := range batches {
		id, err := types.ParseBatchID(name)
		if err != nil {
			return nil, invalidParams("%v", err)
		}
		r.Batches = append(r.Batches, id)
	}
	return m.log(ctx, member, r)
}

func (m *BedrockMethods) log(ctx context.Context, member types.Member, r *types.FetchRequest) (*Log, error) {
	served, err := m.vertexLogs()
	if err != nil {
		return nil, err
	}
	response, err := served.Log(ctx, member, r)
	if err != nil {
		return nil, err
	}
	out := &Log{Batches: []hexutil.Bytes{}, Vertices: []hexutil.Bytes{}, Next: response.Next, End: response.End, First: response.First}
	for _, b := range response.Batches {
		out.Batches = append(out.Batches, b)
	}
	for _, v := range response.Vertices {
		out.Vertices = append(out.Vertices, v)
	}
	return out, nil
}
