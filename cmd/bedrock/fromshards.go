package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/types"
)

// pollEvery is how often the node is asked how far it has come.
const pollEvery = 100 * time.Millisecond

// rebuiltView is what `block --from-shards` shows.
type rebuiltView struct {
	*rpc.Rebuilding
	Commitment types.Hash `json:"commitment"`
	Verified   bool       `json:"verified"` // here, of the data written to the file
	Out        string     `json:"out,omitempty"`
}

// fromShards has the node rebuild a block from its rows, draws how far it has come, and fetches the data if there is a file
// for it. The error of a block that cannot be had is exitNegative.
func (c *client) fromShards(ctx context.Context, height rpc.Height, out string, progress io.Writer) (*rebuiltView, error) {
	var header *rpc.Header
	if err := c.ask(ctx, &header, "bedrock_getHeader", height); err != nil {
		return nil, err
	}
	if header == nil {
		return nil, unknown("%s knows no block %d yet", c.url, height)
	}
	var job hexutil.Uint64
	if err := c.ask(ctx, &job, "bedrock_rebuildBlock", height); err != nil {
		return nil, err
	}
	defer c.forget(job)
	r, err := c.awaitRebuilt(ctx, job, progress)
	if err != nil {
		return nil, err
	}
	v := &rebuiltView{Rebuilding: r, Commitment: header.Commitment}
	if r.State != rpc.RebuildDone || out == "" {
		return v, nil
	}
	data, err := c.rebuiltData(ctx, job, r.Bytes)
	if err != nil {
		return nil, err
	}
	block, err := coding.Encode(data)
	if err != nil {
		return nil, err
	}
	if v.Verified = types.Hash(block.Commitment()) == header.Commitment; !v.Verified {
		return nil, &exitError{exitNegative, fmt.Errorf("%s gives %d bytes that are not block %d: they have another commitment than its header", c.url, len(data), height)}
	}
	v.Out = out
	return v, os.WriteFile(out, data, 0o644)
}

// forget gives the node its memory back, also after an interrupt; if that fails the node forgets by itself a little later.
func (c *client) forget(job hexutil.Uint64) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	var known bool
	_ = c.ask(ctx, &known, "bedrock_forgetRebuilding", job)
}

// awaitRebuilt polls a job to its end.
func (c *client) awaitRebuilt(ctx context.Context, job hexutil.Uint64, progress io.Writer) (*rpc.Rebuilding, error) {
	line := &bar{out: progress}
	for {
		var r *rpc.Rebuilding
		if err := c.ask(ctx, &r, "bedrock_getRebuilding", job); err != nil {
			return nil, err
		}
		if r == nil {
			return nil, fmt.Errorf("%s forgot the job: was it restarted?", c.url)
		}
		if progress != nil && r.Needed > 0 {
			line.draw(uint64(min(r.Rows, r.Needed)), uint64(r.Needed), fmt.Sprintf("rows from %d peers", r.Peers))
		}
		if r.State != rpc.RebuildRunning {
			if progress != nil && r.Rows < r.Needed {
				fmt.Fprintln(progress)
			}
			return r, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pollEvery):
		}
	}
}

// rebuiltData fetches the data of a job that is done.
func (c *client) rebuiltData(ctx context.Context, job hexutil.Uint64, size uint64) ([]byte, error) {
	if size > coding.MaxLength {
		return nil, fmt.Errorf("%s speaks of %d bytes, and a block has at most %d", c.url, size, coding.MaxLength)
	}
	data := make([]byte, 0, size)
	for uint64(len(data)) < size {
		var part *hexutil.Bytes
		if err := c.ask(ctx, &part, "bedrock_getRebuiltData", job, hexutil.Uint64(len(data))); err != nil {
			return nil, err
		}
		if part == nil || len(*part) == 0 {
			return nil, fmt.Errorf("%s forgot the data after %d of %d bytes", c.url, len(data), size)
		}
		data = append(data, *part...)
	}
	return data, nil
}

func (v *rebuiltView) print(out io.Writer) {
	took := time.Duration(v.Ms) * time.Millisecond
	switch v.State {
	case rpc.RebuildDone:
		fmt.Fprintf(out, "block %d: %d bytes rebuilt from %d rows of %d peers in %v; they have the commitment of its header, %s\n",
			v.Height, v.Bytes, v.Rows, v.Peers, took, v.Commitment)
	default:
		fmt.Fprintf(out, "block %d: %s, %d of %d rows from %d peers in %v: %s\n", v.Height, v.State, v.Rows, v.Needed, v.Peers, took, v.Reason)
	}
	if v.Out != "" {
		fmt.Fprintf(out, "  written to %s\n", v.Out)
	}
}
