package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/etherscale/bedrock/execution/speed"
	"github.com/etherscale/bedrock/fraud/measure"
)

// fraudSummary is the JSON of `bedrock bench fraud`.
type fraudSummary struct {
	Schema            int     `json:"schema"`
	Kind              string  `json:"kind"`
	ProofBytes        int     `json:"proofBytes"`        // of a challenge: 64 transfers on 120,000 accounts
	VerifyMs          float64 `json:"verifyMs"`          // of one core's time
	WitnessBytesPerTx float64 `json:"witnessBytesPerTx"` // recorded by every executing peer
	DetectMs          float64 `json:"detectMs"`          // from a wrong assertion until the last light client has rejected it
	SlashMs           float64 `json:"slashMs"`           // from a wrong assertion until the executed state shows the bond slashed

	Hosts   int     `json:"hosts"`
	Lights  int     `json:"lights"`
	DelayMs float64 `json:"delayMs"` // one way
}

func newBenchFraudCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "fraud",
		Short: "Measure what it takes to refute a wrong state, and how soon a lie is rejected and punished",
		Long: "fraud executes a block of 128 transfers between distinct accounts on a state of 120,000, lies about its second\n" +
			"chunk, and measures the challenge and its verification from its bytes, in CPU time of one core. The recorded\n" +
			"witness is that of blocks of 128 contract calls by 200 accounts that write one of 200 slots each.\n\n" +
			"Then it runs a network of ten whole nodes in this process, three of them light clients and one a prover that lies,\n" +
			"over TCP connections that hold everything back for 50 ms one way. The clock runs from the moment at which the lie\n" +
			"is told until each light client has verified a challenge of it, and until an executed block has slashed the bond.\n" +
			"About a minute.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return benchFraud(cmd.Context(), cmd.OutOrStdout(), asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON")
	return cmd
}

func benchFraud(ctx context.Context, out io.Writer, asJSON bool) error {
	summary := fraudSummary{Schema: 1, Kind: "benchFraud"}
	if err := measureChallenge(&summary); err != nil {
		return err
	}
	if err := drill(ctx, &summary); err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(out).Encode(summary)
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, row := range [][2]string{
		{"challenge of 64 transfers, 120,000 accounts", fmt.Sprintf("%d bytes", summary.ProofBytes)},
		{"verified in", fmt.Sprintf("%.1f ms of one core", summary.VerifyMs)},
		{"recorded witness", fmt.Sprintf("%.0f bytes a transaction", summary.WitnessBytesPerTx)},
		{fmt.Sprintf("rejected by %d light clients (%d nodes, %.0f ms one way)", summary.Lights, summary.Hosts, summary.DelayMs), fmt.Sprintf("%.0f ms after the lie", summary.DetectMs)},
		{"bond slashed", fmt.Sprintf("%.0f ms after the lie", summary.SlashMs)},
	} {
		fmt.Fprintf(t, "%s\t%s\n", row[0], row[1])
	}
	return t.Flush()
}

// verifications are counted together: one is too short for the clock of CPU time.
const verifications = 50

func measureChallenge(summary *fraudSummary) (err error) {
	dir, err := os.MkdirTemp("", "bedrock-bench-")
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if summary.WitnessBytesPerTx, err = measure.WitnessPerTransaction(dir); err != nil {
		return fmt.Errorf("bench: witness: %w", err)
	}
	c, err := measure.NewChallenge(dir)
	if err != nil {
		return fmt.Errorf("bench: challenge: %w", err)
	}
	summary.ProofBytes = c.Bytes
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	runtime.GC()
	start, err := speed.CPUTime()
	if err != nil {
		return err
	}
	for range verifications {
		if err := c.Verify(); err != nil {
			return fmt.Errorf("bench: verify: %w", err)
		}
	}
	end, err := speed.CPUTime()
	summary.VerifyMs = float64(end-start) / float64(verifications*time.Millisecond)
	return err
}
