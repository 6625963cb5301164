package rpc

import (
	"context"

	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/etherscale/bedrock/types"
)

// Shards is what a Bedrock may also be: the way to a block's data by the rows that strangers hold of it, in the background.
type Shards interface {
	// Rebuild begins to rebuild the block of a height from its rows alone and names the job. Its errors are shown.
	Rebuild(ctx context.Context, height types.Height) (job uint64, err error)
	// Rebuilding is how far a job has come; nil if there is none. A job that nobody asks about for a while is given up.
	Rebuilding(ctx context.Context, job uint64) (*Rebuilding, error)
	// Rebuilt is a part of the data of a job that is done: at most so many bytes from an offset; nil if there is none.
	Rebuilt(ctx context.Context, job, offset uint64, most int) ([]byte, error)
	// ForgetRebuilding ends a job and makes room for another; false if there is none.
	ForgetRebuilding(ctx context.Context, job uint64) bool
}

// RebuildState is where a rebuilding stands.
type RebuildState string

// The states; all but the first are the end.
const (
	RebuildRunning      RebuildState = "running"
	RebuildDone         RebuildState = "rebuilt"      // and encoded again: the data is what the header commits to
	RebuildUnavailable  RebuildState = "unavailable"  // too few rows can be had now
	RebuildMisencoded   RebuildState = "misencoded"   // a committed row is wrong: the block has no data
	RebuildInconsistent RebuildState = "inconsistent" // the data has another commitment, and nobody serves the wrong row
)

// Rebuilding is how far a rebuilding has come.
type Rebuilding struct {
	Height Height       `json:"height"`
	State  RebuildState `json:"state"`
	Reason string       `json:"reason,omitempty"`
	Rows   int          `json:"rows"`   // correct ones so far
	Needed int          `json:"needed"` // rows that suffice
	Asked  int          `json:"asked"`
	Peers  int          `json:"peers"` // that gave correct rows
	Wrong  int          `json:"wrong"` // answers that were a peer's lie
	Bytes  uint64       `json:"bytes"` // of data, once it is rebuilt
	Ms     uint64       `json:"ms"`
}

// MaxRebuiltPart is the most bytes that one bedrock_getRebuiltData gives.
const MaxRebuiltPart = 1 << 20

func (m *BedrockMethods) shards() (Shards, error) {
	served, ok := m.b.(Shards)
	if !ok {
		return nil, invalidParams("this node rebuilds no blocks")
	}
	return served, nil
}

// RebuildBlock answers bedrock_rebuildBlock: it begins, and returns the job's number for the two methods below.
func (m *BedrockMethods) RebuildBlock(ctx context.Context, height Height) (hexutil.Uint64, error) {
	served, err := m.shards()
	if err != nil {
		return 0, err
	}
	job, err := served.Rebuild(ctx, types.Height(height))
	return hexutil.Uint64(job), err
}

// GetRebuilding answers bedrock_getRebuilding; null if there is no such job.
func (m *BedrockMethods) GetRebuilding(ctx context.Context, job hexutil.Uint64) (*Rebuilding, error) {
	served, err := m.shards()
	if err != nil {
		return nil, err
	}
	return served.Rebuilding(ctx, uint64(job))
}

// GetRebuiltData answers bedrock_getRebuiltData: at most MaxRebuiltPart bytes from an offset; null where there are none.
func (m *BedrockMethods) GetRebuiltData(ctx context.Context, job, offset hexutil.Uint64) (*hexutil.Bytes, error) {
	served, err := m.shards()
	if err != nil {
		return nil, err
	}
	part, err := served.Rebuilt(ctx, uint64(job), uint64(offset), MaxRebuiltPart)
	if err != nil || part == nil {
		return nil, err
	}
	return (*hexutil.Bytes)(&part), nil
}

// ForgetRebuilding answers bedrock_forgetRebuilding: who has what it wanted makes room for others.
func (m *BedrockMethods) ForgetRebuilding(ctx context.Context, job hexutil.Uint64) (bool, error) {
	served, err := m.shards()
	if err != nil {
		return false, err
	}
	return served.ForgetRebuilding(ctx, uint64(job)), nil
}
