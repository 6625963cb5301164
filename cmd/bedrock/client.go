package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	gethrpc "github.com/ethereum/go-ethereum/rpc"
	"github.com/spf13/cobra"

	"github.com/etherscale/bedrock/rpc"
)

// queryFlags are the flags of every verb that asks a running node.
type queryFlags struct {
	rpc  string
	json bool
}

func (f *queryFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.rpc, "rpc", "http://127.0.0.1:8545", "JSON-RPC address of a running node")
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON in a versioned envelope")
}

// queryTimeout bounds one question to a node.
const queryTimeout = 30 * time.Second

// client asks one node.
type client struct {
	url string
	rpc *gethrpc.Client
}

func (f *queryFlags) dial(ctx context.Context) (*client, error) {
	c, err := gethrpc.DialContext(ctx, f.rpc)
	if err != nil {
		return nil, &exitError{exitUsage, fmt.Errorf("--rpc %s: %w", f.rpc, err)}
	}
	return &client{f.rpc, c}, nil
}

// ask calls one method. A node that cannot be reached is exitNoAnswer with a word on what to do.
func (c *client) ask(ctx context.Context, into any, method string, args ...any) error {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	err := c.rpc.CallContext(ctx, into, method, args...)
	var answered gethrpc.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &answered):
		return fmt.Errorf("%s answers %s: %w", c.url, method, err)
	}
	return &exitError{exitNoAnswer, fmt.Errorf("no answer from %s: %w; is a node running there? (`bedrock devnet`, or --rpc)", c.url, err)}
}

// printJSON prints a result in the versioned envelope of all verbs.
func printJSON(out io.Writer, kind string, result any) error {
	return json.NewEncoder(out).Encode(struct {
		Schema int    `json:"schema"`
		Kind   string `json:"kind"`
		Result any    `json:"result"`
	}{1, kind, result})
}

// parseHeight reads a height in decimal or 0x-hex.
func parseHeight(s string) (rpc.Height, error) {
	n, err := strconv.ParseUint(s, 0, 63)
	if err != nil {
		return 0, &exitError{exitUsage, fmt.Errorf("height %q: want a number such as 12 or 0xc", s)}
	}
	return rpc.Height(n), nil
}

// unknown is the error for what a node has never heard of.
func unknown(format string, args ...any) error {
	return &exitError{exitNoAnswer, fmt.Errorf(format, args...)}
}
