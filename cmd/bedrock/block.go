package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/etherscale/bedrock/rpc"
)

// blockView is all that `block` shows.
type blockView struct {
	Header     *rpc.Header     `json:"header"`
	Sampling   *rpc.Sampling   `json:"sampling"`
	Assertions []rpc.Assertion `json:"assertions"`
	Challenges []rpc.Challenge `json:"challenges"`
}

func newBlockCommand() *cobra.Command {
	var f queryFlags
	var fromShards bool
	var file string
	cmd := &cobra.Command{
		Use:   "block HEIGHT",
		Short: "Show a block: who certified it, what its rows commit to, who asserted and challenged it",
		Long: "block shows a block as a node knows it. With --from-shards the node rebuilds the block's data from the rows that other\n" +
			"peers hold of it, and from nothing else: neither a block that it keeps whole nor one that a sequencer serves. What comes\n" +
			"out is encoded again and compared with the header's commitment.",
		Args: oneArg("the block's height"),
		RunE: func(cmd *cobra.Command, args []string) error {
			height, err := parseHeight(args[0])
			if err != nil {
				return err
			}
			c, err := f.dial(cmd.Context())
			if err != nil {
				return err
			}
			if file != "" && !fromShards {
				return &exitError{exitUsage, fmt.Errorf("--out FILE goes with --from-shards")}
			}
			if fromShards {
				return f.fromShards(cmd, c, height, file)
			}
			view, err := c.block(cmd.Context(), height)
			if err != nil {
				return err
			}
			if f.json {
				return printJSON(cmd.OutOrStdout(), "block", view)
			}
			view.print(cmd.OutOrStdout())
			return nil
		},
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&fromShards, "from-shards", false, "rebuild the block's data from the rows that peers hold")
	cmd.Flags().StringVar(&file, "out", "", "with --from-shards: write the data to this file")
	return cmd
}

// fromShards rebuilds a block and says how that went.
func (f *queryFlags) fromShards(cmd *cobra.Command, c *client, height rpc.Height, file string) error {
	progress := cmd.ErrOrStderr()
	if f.json {
		progress = nil
	}
	view, err := c.fromShards(cmd.Context(), height, file, progress)
	if err != nil {
		return err
	}
	if f.json {
		err = printJSON(cmd.OutOrStdout(), "rebuilt", view)
	} else {
		view.print(cmd.OutOrStdout())
	}
	if err == nil && view.State != rpc.RebuildDone {
		return &exitError{exitNegative, nil}
	}
	return err
}

func (c *client) block(ctx context.Context, height rpc.Height) (*blockView, error) {
	v := new(blockView)
	if err := c.ask(ctx, &v.Header, "bedrock_getHeader", height); err != nil {
		return nil, err
	}
	if v.Header == nil {
		return nil, unknown("%s knows no block %d yet", c.url, height)
	}
	if err := c.ask(ctx, &v.Sampling, "bedrock_getSampling", height); err != nil {
		return nil, err
	}
	if err := c.ask(ctx, &v.Assertions, "bedrock_getAssertions", height); err != nil {
		return nil, err
	}
	return v, c.ask(ctx, &v.Challenges, "bedrock_getChallenges", height, height)
}

func (v *blockView) print(out io.Writer) {
	h := v.Header
	fmt.Fprintf(out, "block %d  %s\n", h.Height, h.Digest)
	fmt.Fprintf(out, "  time        %s\n", time.UnixMilli(int64(h.Time)).UTC().Format("2006-01-02 15:04:05.000 UTC"))
	fmt.Fprintf(out, "  closed      after vertex %d (%s)\n", h.VertexIndex, h.VertexDigest)
	fmt.Fprintf(out, "  data        %d bytes, commitment %s\n", h.DataLength, h.Commitment)
	fmt.Fprintf(out, "  certified   stake %d, quorum %d\n", h.SignedStake, h.Quorum)
	for _, s := range h.Signers {
		fmt.Fprintf(out, "              %s\n", s)
	}
	if v.Sampling != nil {
		fmt.Fprintf(out, "  sampled     %s\n", samplingText(v.Sampling))
	}
	if v.Sampling != nil && v.Sampling.Live != nil {
		fmt.Fprintf(out, "  live rows   about %.0f %%\n", 100**v.Sampling.Live)
	}
	for _, a := range v.Assertions {
		fmt.Fprintf(out, "  %-10s  by %s, blocks %d..%d, value %s\n", a.State, a.Prover, a.From, a.To, a.Claim)
	}
	for i, c := range v.Challenges {
		if i == 0 || v.Challenges[i-1].ID != c.ID {
			fmt.Fprintf(out, "  challenge   %s, %s: by %s, verdict after %d ms, %s\n", c.Kind, c.Verdict, c.Challenger, c.Ms, c.ID)
		}
		fmt.Fprintf(out, "    convicts  %s\n", c.Accused)
	}
}
