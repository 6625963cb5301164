package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/types"
)

func newCheckpointCommand() *cobra.Command {
	var f queryFlags
	cmd := &cobra.Command{
		Use:   "checkpoint",
		Short: "Print the newest checkpoint that a running node knows",
		Long: "Prints HEIGHT:DIGEST of the newest header that ended an epoch, for `bedrock run --checkpoint` elsewhere. Whoever starts\n" +
			"from a checkpoint trusts the one it is from: ask a node of your own, or compare several. See docs/checkpoints.md.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := f.dial(cmd.Context())
			if err != nil {
				return err
			}
			found, err := c.checkpoint(cmd)
			if err != nil {
				return err
			}
			if f.json {
				return printJSON(cmd.OutOrStdout(), "checkpoint", found)
			}
			fmt.Fprintln(cmd.OutOrStdout(), found.Checkpoint)
			return nil
		},
	}
	f.add(cmd)
	return cmd
}

// checkpointReport is what the verb prints.
type checkpointReport struct {
	Checkpoint string      `json:"checkpoint"`
	Network    types.Hash  `json:"networkId"`
	Epoch      types.Epoch `json:"epoch"` // that it ends
	Time       types.Time  `json:"time"`
}

func (c *client) checkpoint(cmd *cobra.Command) (*checkpointReport, error) {
	var file rawJSON
	if err := c.ask(cmd.Context(), &file, "bedrock_getGenesis"); err != nil {
		return nil, err
	}
	genesis, err := types.DecodeGenesis(file)
	if err != nil {
		return nil, err
	}
	var s rpc.Status
	if err := c.ask(cmd.Context(), &s, "bedrock_status"); err != nil {
		return nil, err
	}
	height := uint64(s.Certified) / genesis.EpochLength * genesis.EpochLength
	if height == 0 {
		return nil, unknown("no epoch has ended yet: the first one ends with block %d; until then the genesis file is enough", genesis.EpochLength)
	}
	var header *rpc.Header
	if err := c.ask(cmd.Context(), &header, "bedrock_getHeader", rpc.Height(height)); err != nil {
		return nil, err
	}
	if header == nil {
		return nil, unknown("%s does not have header %d", c.url, height)
	}
	h, err := types.DecodeCertifiedHeader(header.Encoded)
	if err != nil {
		return nil, err
	}
	checkpoint := types.Checkpoint{Height: h.Header.Height, Digest: h.Header.Digest()}
	return &checkpointReport{Checkpoint: checkpoint.String(), Network: types.Hash(h.Header.Network), Epoch: h.Header.Epoch, Time: h.Header.Time}, nil
}
