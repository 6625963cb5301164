package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/etherscale/bedrock/rpc"
)

func newPeersCommand() *cobra.Command {
	var f queryFlags
	cmd := &cobra.Command{
		Use:   "peers",
		Short: "List the peers that a running node is connected to",
		Long: "Lists the peers that a running node is connected to, members of the committee first, each with the time of an echo. The node\n" +
			"tells this to programs on its own machine only.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := f.dial(cmd.Context())
			if err != nil {
				return err
			}
			var list []rpc.Peer
			if err := c.ask(cmd.Context(), &list, "bedrock_peers", true); err != nil {
				return err
			}
			if f.json {
				return printJSON(cmd.OutOrStdout(), "peers", list)
			}
			return printPeers(cmd.OutOrStdout(), list, time.Now())
		},
	}
	f.add(cmd)
	return cmd
}

// whatIs tells a peer's part in the network.
func whatIs(p rpc.Peer) string {
	switch {
	case p.Member != nil:
		return fmt.Sprintf("member %d", *p.Member)
	case p.Keeps:
		return "peer"
	default:
		return "light"
	}
}

// printPeers is a table with a line for each peer, and their number.
func printPeers(out io.Writer, list []rpc.Peer, now time.Time) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(out, "connected to nobody: `bedrock doctor` finds out why")
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "PEER\tWHAT\tLINK\tOPENED BY\tECHO\tFOR\tPROGRAM\tADDRESS")
	relayed := 0
	for _, p := range list {
		link, by, echo := "direct "+p.Transport, "them", "none"
		if p.Transport == "relay" {
			link = "relayed"
			relayed++
		}
		if p.Direction == "out" {
			by = "us"
		}
		if p.Latency != nil {
			echo = fmt.Sprintf("%.1f ms", *p.Latency)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", p.ID, whatIs(p), link, by, echo, lasted(max(now.Sub(time.Unix(p.Since, 0)), 0)), p.Agent, p.Addr)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "%d peers, %d of them through relays\n", len(list), relayed)
	return err
}
