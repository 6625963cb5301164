package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/etherscale/bedrock/coding/speed"
)

// codingBudget is spent on each of the 48 figures of `bedrock bench coding`.
const codingBudget = 500 * time.Millisecond

// codingSummary is the JSON of `bedrock bench coding`.
type codingSummary struct {
	Schema int         `json:"schema"`
	Kind   string      `json:"kind"`
	Cores  int         `json:"cores"` // that this machine gives the program
	Rows   []speed.Row `json:"rows"`
}

func newBenchCodingCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "coding",
		Short: "Measure how fast this machine encodes, checks and rebuilds blocks",
		Long: "coding encodes blocks of 128 KiB, 1, 8 and 32 MiB, checks one row and rebuilds the data from random rows, on one\n" +
			"core and on all. Beside it stands what SHA-256 alone takes for the rows, below which no encoder can be. About\n" +
			"25 seconds; what else the machine does in that time makes the figures worse.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return benchCoding(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON")
	return cmd
}

func benchCoding(ctx context.Context, out, errOut io.Writer, asJSON bool) error {
	cores := runtime.GOMAXPROCS(0)
	cfg := speed.Config{Sizes: speed.Sizes, Cores: slices.Compact([]int{1, cores}), Budget: codingBudget}
	if !asJSON {
		bar := bar{out: errOut}
		cfg.Progress = func(done, total int) { bar.draw(uint64(done), uint64(total), "figures") }
	}
	rows, err := speed.Measure(ctx, cfg)
	if err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(out).Encode(codingSummary{1, "benchCoding", cores, rows})
	}
	return printCoding(out, rows)
}

func printCoding(out io.Writer, rows []speed.Row) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "data\trows\tbytes a row\tcores\tencode, commit\tin kept memory\tSHA-256 alone\trebuild\tcheck a row\tnew verifier\t")
	for _, r := range rows {
		fmt.Fprintf(t, "%d KiB\t%d + %d\t%d\t%d\t%.0f MB/s\t%.0f MB/s\t%.0f MB/s\t%.0f MB/s\t%.1f us\t%.0f us\t\n", r.Bytes>>10, r.K, r.N-r.K, r.RowSize, r.Cores,
			r.EncodeMBs, r.KeptMBs, r.HashMBs, r.ReconstructMBs, r.VerifyRowUs, r.VerifierUs)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(out, "\nMB/s of data, before extension; the best run of each. Rebuild: from as many random rows as there are data rows.")
	return err
}
