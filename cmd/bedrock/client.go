package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	gethrpc "github.com/ethereum/go-ethereum/rpc"
	"github.com/spf13/cobra"

	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/rpc"
)

// queryFlags are the flags of every verb that asks a running node.
type queryFlags struct {
	rpc  string
	at   string // home of the node
	json bool
}

func (f *queryFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.rpc, "rpc", "", "JSON-RPC address of a running node; default: of the one that runs in the home, else http://"+config.DefaultRPC(""))
	f.addHome(cmd)
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON in a versioned envelope")
}

// addHome adds --home, but to verbs that have one already.
func (f *queryFlags) addHome(cmd *cobra.Command) {
	if cmd.Flags().Lookup("home") == nil {
		cmd.Flags().StringVar(&f.at, "home", "", "home of the node to ask; default: the one that runs on this machine")
	}
}

// queryTimeout bounds one question to a node.
const queryTimeout = 30 * time.Second

// client asks one node.
type client struct {
	url string
	rpc *gethrpc.Client
}

func (f *queryFlags) dial(ctx context.Context) (*client, error) {
	url, err := f.address()
	if err != nil {
		return nil, err
	}
	c, err := gethrpc.DialContext(ctx, url)
	if err != nil {
		return nil, &exitError{exitUsage, fmt.Errorf("--rpc %s: %w", url, err)}
	}
	return &client{url, c}, nil
}

// address is where the node answers that the flags mean: the one named, the one that runs in the home, or the only one that
// runs in any of the user's own homes; a devnet, and whatever else listens at the usual address, is asked after those.
func (f *queryFlags) address() (string, error) {
	switch {
	case strings.Contains(f.rpc, "://"):
		return f.rpc, nil
	case f.rpc != "":
		return "http://" + f.rpc, nil
	case f.at != "":
		r, err := config.ReadRunning(f.at)
		if err != nil {
			return "", &exitError{exitData, err}
		}
		if r == nil || r.RPC == "" {
			return "", &exitError{exitNoAnswer, fmt.Errorf("no node runs in %s, or its rpc is off: start one with `bedrock run --home %s`", f.at, f.at)}
		}
		return "http://" + r.RPC, nil
	}
	var found []string
	for _, home := range defaultHomes() {
		if r, err := config.ReadRunning(home); err == nil && r != nil && answers(r.RPC) {
			found = append(found, r.RPC)
		}
	}
	switch len(found) {
	case 0:
		return "http://" + config.DefaultRPC(""), nil
	case 1:
		return "http://" + found[0], nil
	default:
		return "", &exitError{exitUsage, fmt.Errorf("%d nodes run on this machine, at %s: say which is meant, with --rpc or --home", len(found), strings.Join(found, ", "))}
	}
}

// preferHome makes the node that runs in a home the one to ask, unless --rpc names another or none runs there.
func (f *queryFlags) preferHome(dir string) {
	if f.rpc != "" {
		return
	}
	if r, err := config.ReadRunning(dir); err == nil && r != nil && r.RPC != "" && answers(r.RPC) {
		f.rpc = r.RPC
	}
}

// answers reports whether something listens at an address of this machine.
func answers(address string) bool {
	c, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
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
	return &exitError{exitNoAnswer, fmt.Errorf("no answer from %s: %s; is a node running there? (`bedrock run` and `bedrock light` start one, --rpc names another)", c.url, whyNot(err))}
}

// whyNot is what went wrong on the way, in one line and without the address.
func whyNot(err error) string {
	var way *url.Error
	if errors.As(err, &way) {
		err = way.Err
	}
	return strings.Join(strings.Fields(err.Error()), " ")
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
