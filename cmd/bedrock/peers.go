package main

import (
	"fmt"
	"io"
	"net"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
	"github.com/spf13/cobra"

	"github.com/etherscale/bedrock/node/p2p"
	"github.com/etherscale/bedrock/rpc"
)

func newPeersCommand() *cobra.Command {
	var f queryFlags
	cmd := &cobra.Command{
		Use:   "peers",
		Short: "List the peers that a running node is connected to",
		Long: "Lists the peers that a running node is connected to, members of the committee first, each with the time of an echo, since when,\n" +
			"and who opened the connection. A terminal shows the ends of the long names, in which they differ; into a pipe, and with --json,\n" +
			"they are whole. The node tells this to programs on its own machine only.",
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
			return printPeers(cmd.OutOrStdout(), list, time.Now(), columnsOf(cmd.OutOrStdout()) > 0)
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

// printPeers is a table with a line for each peer, and their number. A narrow one shows of names and addresses what tells them apart.
func printPeers(out io.Writer, list []rpc.Peer, now time.Time, narrow bool) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(out, "connected to nobody: `bedrock doctor` finds out why")
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "PEER\tWHAT\tLINK\tBY\tECHO\tFOR\tPROGRAM\tADDRESS")
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
		id, agent, addr, since := p.ID, p.Agent, p.Addr, lasted(max(now.Sub(time.Unix(p.Since, 0)), 0))
		if narrow {
			id, agent, addr, since = endOf(id), strings.TrimPrefix(agent, p2p.AgentName), hostPort(addr), strings.Join(strings.Fields(since)[:2], " ")
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", id, whatIs(p), link, by, echo, since, agent, addr)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "%s, %d of them through relays\n", counted(len(list), "peer"), relayed)
	return err
}

// endOf is the end of a peer's name.
func endOf(id string) string { return "..." + id[max(0, len(id)-6):] }

// hostPort is an address as people write it, 192.0.2.7:4848, which is what a multiaddr holds beside the link; of a relayed
// connection that of the relay.
func hostPort(addr string) string {
	a, err := multiaddr.NewMultiaddr(addr)
	if err != nil {
		return addr
	}
	if direct, relayed := multiaddr.SplitFunc(a, func(c multiaddr.Component) bool { return c.Protocol().Code == multiaddr.P_P2P }); len(relayed) > 0 {
		a = direct
	}
	host, err := manet.ToIP(a)
	if err != nil {
		return addr
	}
	for _, protocol := range []int{multiaddr.P_TCP, multiaddr.P_UDP} {
		if port, err := a.ValueForProtocol(protocol); err == nil {
			return net.JoinHostPort(host.String(), port)
		}
	}
	return host.String()
}
