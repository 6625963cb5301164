package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/etherscale/bedrock/rpc"
)

func newStatusCommand() *cobra.Command {
	var f queryFlags
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show where a running node stands",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := f.dial(cmd.Context())
			if err != nil {
				return err
			}
			var s rpc.Status
			if err := c.ask(cmd.Context(), &s, "bedrock_status"); err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if f.json {
				return printJSON(out, "status", s)
			}
			fmt.Fprintf(out, "%s %s\n  network    %s, epoch %d, committee of %d (quorum %d)\n  peers      %d\n", s.Role, s.PeerID, s.NetworkID, s.Epoch,
				s.Committee.Size, s.Committee.Quorum, s.Peers)
			if s.Round > 0 {
				fmt.Fprintf(out, "  round      %d\n", s.Round)
			}
			if s.Stopped != nil {
				fmt.Fprintf(out, "  STOPPED    at block %d: %s\n", s.Stopped.Height, s.Stopped.Reason)
			}
			fmt.Fprintf(out, "  executed   %d\n  certified  %d\n  sampled    %d\n  asserted   %d\n  settled    %d\n", s.Height, s.Certified, s.Sampled, s.Asserted, s.Settled)
			return nil
		},
	}
	f.add(cmd)
	return cmd
}
