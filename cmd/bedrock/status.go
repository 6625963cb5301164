package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/rpc"
)

func newStatusCommand() *cobra.Command {
	var f queryFlags
	var check bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show where a running node stands, and what is wrong with it",
		Long: "Shows where a running node stands: how far blocks have come, peers, bond, budgets; and, last, what it knows to be wrong with\n" +
			"itself, each with a code that docs/reference/health.md explains and the next command.",
		Args: noArgs,
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
				err = printJSON(out, "status", s)
			} else {
				err = showStatus(cmd, c, &s)
			}
			if failing := (&rpc.Readiness{Ready: s.Ready, Health: s.Health}).Failing(); err == nil && check && failing {
				return &exitError{exitNegative, errors.New("the node does not do its work: its status says why")}
			}
			return err
		},
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&check, "check", false, "exit with 5 if the node is not ready or a failure is raised")
	return cmd
}

// showStatus prints a status for people. What has to be done comes last, where it stays on the screen.
func showStatus(cmd *cobra.Command, c *client, s *rpc.Status) error {
	var kept *rpc.Storage // nil: it stores nothing for others
	if err := c.ask(cmd.Context(), &kept, "bedrock_getStorage"); err != nil {
		return err
	}
	out, now := cmd.OutOrStdout(), time.Now()
	fmt.Fprintf(out, "%s %s\n", s.Role, s.PeerID)
	printNetwork(out, s)
	if s.Joining != nil {
		fmt.Fprintf(out, "  joining    %s\n", s.Joining.Text)
	}
	printHeights(out, s, now)
	printPeerCount(out, s)
	printOwnBond(out, s.Bond)
	printStorage(out, kept)
	printBudgets(out, s.Budgets)
	if s.Account != "" {
		fmt.Fprintf(out, "  account    %s\n", s.Account)
	}
	if s.Version != "" {
		fmt.Fprintf(out, "  version    %s, up %s\n", s.Version, lasted(now.Sub(s.Since)))
	}
	printHealth(out, s, now)
	return nil
}

func printNetwork(out io.Writer, s *rpc.Status) {
	id := s.NetworkID
	if s.Network != "" && len(id) > 16 {
		id = fmt.Sprintf("%s (%s...)", s.Network, id[:16])
	}
	fmt.Fprintf(out, "  network    %s, epoch %d, committee of %d (quorum %d)\n", id, s.Epoch, s.Committee.Size, s.Committee.Quorum)
	if s.Round > 0 {
		fmt.Fprintf(out, "  round      %d\n", s.Round)
	}
	if s.Stopped != nil {
		fmt.Fprintf(out, "  STOPPED    at block %d: %s\n             who is convicted: `bedrock fraud list`\n", s.Stopped.Height, s.Stopped.Reason)
	}
}

// printHeights tells how far blocks have come.
func printHeights(out io.Writer, s *rpc.Status, now time.Time) {
	age := ""
	if !s.CertifiedAt.IsZero() && s.Certified > 0 {
		age = fmt.Sprintf(", %s old", lasted(max(now.Sub(s.CertifiedAt), 0)))
	}
	fmt.Fprintf(out, "  certified  %d%s\n", s.Certified, age)
	sure := ""
	if s.Confidence > 0 && s.Sampled > 0 {
		sure = fmt.Sprintf(", sure to 1 - 2^-%.0f", s.Confidence)
	}
	if s.Role != string(config.Light) && s.Role != string(config.Bootstrap) {
		fmt.Fprintf(out, "  executed   %d\n", s.Height)
	}
	fmt.Fprintf(out, "  sampled    %d%s\n  asserted   %d\n  settled    %d\n", s.Sampled, sure, s.Asserted, s.Settled)
	if s.Unsettled != "" {
		fmt.Fprintf(out, "             %s\n", s.Unsettled)
	}
}

func printPeerCount(out io.Writer, s *rpc.Status) {
	fmt.Fprintf(out, "  peers      %d", s.Peers)
	if s.Relayed > 0 {
		fmt.Fprintf(out, ", %d of them through relays", s.Relayed)
	}
	switch s.Reachability {
	case "reachable":
		fmt.Fprint(out, "; others can dial this node")
	case "relayed":
		fmt.Fprint(out, "; others reach this node through relays")
	case "unreachable":
		fmt.Fprint(out, "; others cannot dial this node")
	case "unknown":
		fmt.Fprint(out, "; whether others can dial this node is not known yet")
	}
	fmt.Fprintln(out)
}

// printBudgets tells what is used of each bound, but of that for rows: printStorage tells it.
func printBudgets(out io.Writer, budgets []rpc.Budget) {
	for _, b := range budgets {
		if b.Name == "rows" {
			continue
		}
		fmt.Fprintf(out, "  %-9s  %s of %s\n", b.Name, amountOf(b.Used, b.Unit), amountOf(b.Budget, b.Unit))
	}
}

// amountOf is a number of bytes, or of bytes a second, for people.
func amountOf(n uint64, unit string) string {
	if unit == "bytes/s" {
		return fmt.Sprintf("%.2f Mbit/s", float64(n)*8/1e6)
	}
	if n >= 1<<30 {
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	}
	if n >= 1<<20 || n == 0 {
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
}

// printHealth ends a status: what is raised, harmless things first, so that the worst is the last on the screen.
func printHealth(out io.Writer, s *rpc.Status, now time.Time) {
	word := map[bool]string{true: "ready: up to date, and has sampled a recent block itself", false: "not ready"}
	if s.Version == "" { // an older node, which tells nothing of its health
		return
	}
	columns := columnsOf(out)
	for i := len(s.Health) - 1; i >= 0; i-- {
		a := s.Health[i]
		fmt.Fprintf(out, "\n%s %s: %s, for %s\n", a.Severity, a.Code, a.Title, lasted(max(now.Sub(a.Since), 0)))
		if a.Detail != "" {
			fmt.Fprintf(out, "  %s\n", indented(a.Detail, 2, columns))
		}
		fmt.Fprintf(out, "  next: %s\n", indented(a.Next, 8, columns))
	}
	fmt.Fprintf(out, "\n%s\n", word[s.Ready])
}

// lasted is a duration for people: seconds exactly, longer ones in their largest two units.
func lasted(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", d/time.Minute, d%time.Minute/time.Second)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%d days %d h", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
}
