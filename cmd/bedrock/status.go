package main

import (
	"fmt"
	"io"

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
			var kept *rpc.Storage // nil: it stores nothing for others
			if err := c.ask(cmd.Context(), &kept, "bedrock_getStorage"); err != nil {
				return err
			}
			fmt.Fprintf(out, "%s %s\n  network    %s, epoch %d, committee of %d (quorum %d)\n  peers      %d\n", s.Role, s.PeerID, s.NetworkID, s.Epoch,
				s.Committee.Size, s.Committee.Quorum, s.Peers)
			if s.Round > 0 {
				fmt.Fprintf(out, "  round      %d\n", s.Round)
			}
			if s.Stopped != nil {
				fmt.Fprintf(out, "  STOPPED    at block %d: %s\n             who is convicted: `bedrock fraud list`\n", s.Stopped.Height, s.Stopped.Reason)
			}
			fmt.Fprintf(out, "  executed   %d\n  certified  %d\n  sampled    %d\n  asserted   %d\n  settled    %d\n", s.Height, s.Certified, s.Sampled, s.Asserted, s.Settled)
			if s.Unsettled != "" {
				fmt.Fprintf(out, "             %s\n", s.Unsettled)
			}
			printOwnBond(out, s.Bond)
			printStorage(out, kept)
			return nil
		},
	}
	f.add(cmd)
	return cmd
}

// printOwnBond tells how the bond of the node's key stands.
func printOwnBond(out io.Writer, b *rpc.OwnBond) {
	if b == nil {
		return
	}
	fmt.Fprintf(out, "  bond       %s", b.State)
	if b.Role != "" && b.Stake != nil {
		fmt.Fprintf(out, ", %s, %s ether", b.Role, formatEther(b.Stake.ToInt()))
	}
	if place := placeOf(b.Serves, b.Next); place != "" {
		fmt.Fprintf(out, ", in the committee %s", place)
	}
	fmt.Fprintln(out)
	if b.Note != "" {
		fmt.Fprintf(out, "             %s\n", b.Note)
	}
}

// printStorage tells what a node stores for others and how its rows fare in the network.
func printStorage(out io.Writer, s *rpc.Storage) {
	if s == nil {
		return
	}
	fmt.Fprintf(out, "  rows       %d of %d blocks, %.1f of %d MiB\n", s.Rows, s.Blocks, float64(s.Bytes)/(1<<20), s.Budget>>20)
	r := s.Repair
	if r.Newest != nil && r.Lowest != nil {
		fmt.Fprintf(out, "  live rows  about %.0f %% of block %d, the newest looked at; least %.0f %%, of block %d\n",
			100*r.Newest.Share, r.Newest.Height, 100*r.Lowest.Share, r.Lowest.Height)
	}
	if r.Begun > 0 || r.Pending > 0 || r.Beyond > 0 {
		fmt.Fprintf(out, "  rebuilds   %d done, %d failed, %d to come, %d impossible\n", r.Ended, r.Failed, r.Pending, r.Beyond)
	}
}
