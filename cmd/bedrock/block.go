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
	cmd := &cobra.Command{
		Use:   "block HEIGHT",
		Short: "Show a block: who certified it, what its rows commit to, who asserted and challenged it",
		Args:  oneArg("the block's height"),
		RunE: func(cmd *cobra.Command, args []string) error {
			height, err := parseHeight(args[0])
			if err != nil {
				return err
			}
			c, err := f.dial(cmd.Context())
			if err != nil {
				return err
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
	return cmd
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
