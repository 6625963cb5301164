package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/etherscale/bedrock/rpc"
)

// waitEvery is how often a node is asked whether it is so far.
const waitEvery = 250 * time.Millisecond

// waitFlags say what to wait for.
type waitFlags struct {
	queryFlags
	synced, reachable bool
	sampled           uint64
	timeout           time.Duration
}

func newWaitCommand() *cobra.Command {
	var f waitFlags
	cmd := &cobra.Command{
		Use:   "wait",
		Short: "Wait until a node is synced, reachable, or has sampled a block",
		Long: "Returns when all that is named holds: for scripts and service managers. A node that is not up yet is waited for, too. When the\n" +
			"time is over it says what is missing and exits with 5, or with 3 if no node answered.",
		Example: "  bedrock wait --sampled 1 --timeout 60s",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !f.synced && !f.reachable && f.sampled == 0 {
				return &exitError{exitUsage, errors.New("say what to wait for: --synced, --reachable or --sampled HEIGHT")}
			}
			return f.run(cmd)
		},
	}
	f.add(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&f.synced, "synced", false, "the newest block is fresh, and executed as far as the role does")
	flags.BoolVar(&f.reachable, "reachable", false, "others can dial the node, or reach it through a relay")
	flags.Uint64Var(&f.sampled, "sampled", 0, "every block up to this height is found available by the node's own samples")
	flags.DurationVar(&f.timeout, "timeout", 10*time.Minute, "how long to wait")
	return cmd
}

// waited is what `wait --json` prints.
type waited struct {
	Done    bool    `json:"done"`
	Missing string  `json:"missing,omitempty"`
	Seconds float64 `json:"seconds"`
}

func (f *waitFlags) run(cmd *cobra.Command) error {
	ctx, cancel := context.WithTimeout(cmd.Context(), f.timeout)
	defer cancel()
	began := time.Now()
	missing, last := "", errors.New("no time to ask")
	for {
		found, err := f.look(ctx)
		if ctx.Err() == nil || found != "" { // what was cut off by the end of the time says nothing
			missing, last = found, err
		}
		if last == nil && missing == "" {
			return f.say(cmd.OutOrStdout(), waited{Done: true, Seconds: time.Since(began).Seconds()})
		}
		if err != nil && !isNoAnswer(err) { // asking again does not help
			return err
		}
		select {
		case <-ctx.Done():
			return f.ranOut(cmd, missing, last, began)
		case <-time.After(waitEvery):
		}
	}
}

// isNoAnswer reports whether nobody answered: the node may come up yet.
func isNoAnswer(err error) bool {
	var exit *exitError
	return errors.As(err, &exit) && exit.code == exitNoAnswer
}

// ranOut tells what was missing when the time was over.
func (f *waitFlags) ranOut(cmd *cobra.Command, missing string, last error, began time.Time) error {
	if cmd.Context().Err() != nil { // Ctrl-C: what waits for this verb must not go on
		return &exitError{exitNegative, errors.New("stopped before it was so far")}
	}
	code := exitNegative
	if last != nil {
		code, missing = exitNoAnswer, last.Error()
	}
	if f.json {
		if err := f.say(cmd.OutOrStdout(), waited{Missing: missing, Seconds: time.Since(began).Seconds()}); err != nil {
			return err
		}
	}
	return &exitError{code, fmt.Errorf("not so far after %s: %s", f.timeout, missing)}
}

func (f *waitFlags) say(out io.Writer, w waited) error {
	if f.json {
		return printJSON(out, "wait", w)
	}
	_, err := fmt.Fprintf(out, "done after %.1f s\n", w.Seconds)
	return err
}

// look asks the node once. It returns what is missing, empty if nothing is.
func (f *waitFlags) look(ctx context.Context) (string, error) {
	c, err := f.dial(ctx)
	if err != nil {
		return "", err
	}
	defer c.rpc.Close()
	var s rpc.Status
	if err := c.ask(ctx, &s, "bedrock_status"); err != nil {
		return "", err
	}
	var missing []string
	if f.synced {
		words, err := unsynced(ctx, c)
		if err != nil {
			return "", err
		}
		missing = append(missing, words...)
	}
	if f.reachable && s.Reachability == "" { // it never will be
		return "", &exitError{exitNegative, errors.New("--reachable: " + unreachable(""))}
	}
	if f.reachable && s.Reachability != "reachable" && s.Reachability != "relayed" {
		missing = append(missing, unreachable(s.Reachability))
	}
	if uint64(s.Sampled) < f.sampled {
		missing = append(missing, fmt.Sprintf("sampled up to block %d", s.Sampled))
	}
	return strings.Join(missing, "; "), nil
}

// unsynced says what a node still lacks of the network.
func unsynced(ctx context.Context, c *client) (missing []string, err error) {
	var r *rpc.Readiness
	if err := c.ask(ctx, &r, "bedrock_health"); err != nil {
		return nil, err
	}
	if r == nil {
		return []string{"this node does not tell of its health"}, nil
	}
	for _, check := range r.Checks {
		if !check.OK && check.Name != "sampled" {
			missing = append(missing, check.Detail)
		}
	}
	return missing, nil
}

func unreachable(state string) string {
	switch state {
	case "":
		return "this network is on one machine or in one house, where nobody finds out who can be dialled"
	case "unknown":
		return "others have not tried to dial this node yet"
	default:
		return "others cannot dial this node, and no relay passes connections on to it"
	}
}
