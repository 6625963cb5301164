package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/etherscale/bedrock/execution/speed"
)

// executeSummary is the JSON of `bedrock bench execute`.
type executeSummary struct {
	Schema        int     `json:"schema"`
	Kind          string  `json:"kind"`
	TransfersPerS float64 `json:"transfersPerS"` // a second of one core's time
	ERC20PerS     float64 `json:"erc20PerS"`
	WithWitness   bool    `json:"withWitness"` // blocks' witnesses are recorded and kept
	CGO           bool    `json:"cgo"`         // senders are recovered by C code

	Accounts     int          `json:"accounts"`
	Transactions int          `json:"blockTransactions"`
	Chunk        int          `json:"chunkTransactions"`
	Details      speed.Result `json:"details"`
}

func newBenchExecuteCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "execute",
		Short: "Measure how many transactions this machine executes",
		Long: "execute runs blocks of 1000 transfers, then of 1000 ERC-20 transfers, of 20,000 accounts to 20,000 others, as a full\n" +
			"peer does: recover every sender, execute, take a root every 64 transactions, commit, record the witness, store and\n" +
			"sync, with a flush of the state at the end. Counted is the CPU time of the process on one core, what the database and\n" +
			"the collector do beside included. About 20 seconds.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return benchExecute(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON")
	return cmd
}

func benchExecute(ctx context.Context, out, errOut io.Writer, asJSON bool) error {
	cfg := speed.Default
	if !asJSON {
		bar := bar{out: errOut}
		cfg.Progress = func(done, total int) { bar.draw(uint64(done), uint64(total), "blocks") }
	}
	r, err := speed.Measure(ctx, cfg)
	if err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(out).Encode(executeSummary{Schema: 1, Kind: "benchExecute", TransfersPerS: r.Transfers.PerS, ERC20PerS: r.ERC20.PerS,
			WithWitness: true, CGO: cgo, Accounts: cfg.Accounts, Transactions: cfg.Transactions, Chunk: cfg.Chunk, Details: r})
	}
	return printExecute(out, r)
}

func printExecute(out io.Writer, r speed.Result) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\ta second of a core\teach\troots add\twitness\t")
	for _, row := range []struct {
		name string
		speed.Figures
	}{{"transfers", r.Transfers}, {"ERC-20 transfers", r.ERC20}} {
		fmt.Fprintf(t, "%s\t%.0f\t%.0f us\t%.1f %%\t%.0f B\t\n", row.name, row.PerS, 1e6/row.PerS, 100*row.RootsOverhead, row.WitnessBytesTx)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	how := "with"
	if !cgo {
		how = "without"
	}
	_, err := fmt.Fprintf(out, "\nOf each, recovering the sender takes %.0f us (built %s cgo). Roots: one every 64 transactions against one for a block.\n", r.RecoverUs, how)
	return err
}
