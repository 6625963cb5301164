package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/etherscale/bedrock/node"
	"github.com/etherscale/bedrock/node/config"
)

func newLightCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "light",
		Short: "Run a light client that answers a wallet with proofs",
		Long: "Joins a network, samples its blocks, follows what provers claim and verifies challenges. Its JSON-RPC\n" +
			"answers are proven against a settled claim (with --asserted: against the newest one that stands); what cannot be\n" +
			"proven is an error. See docs/light.md.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			home, err := openHome(cmd, f.home)
			if err != nil {
				return err
			}
			if err := home.Layers.Set("role", []string{string(config.Light)}, "bedrock light"); err != nil {
				return err
			}
			if len(node.ConfigOf(home).Bootstrap) == 0 {
				return &exitError{exitUsage, fmt.Errorf("the network of %s names no node to join by: name one with --bootstrap", home.Dir)}
			}
			return runNode(cmd, home, f, sayProgress)
		},
	}
	f.add(cmd)
	addSettings(cmd, "role", "row_budget", "upload", "no_port_mapping", "password_file")
	return cmd
}

// progressEvery is how often a light client looks whether there is something to say.
const progressEvery = 250 * time.Millisecond

// sayProgress prints a line when the first block is sampled, whenever another one is asserted or settled, and if the node
// stopped following.
func sayProgress(ctx context.Context, out io.Writer, n *node.Node, asJSON bool) {
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	var said node.Progress
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := n.Progress()
		first := said.Sampled == 0 && now.Sampled > 0
		if !first && now.Asserted == said.Asserted && now.Settled == said.Settled && now.Stopped == said.Stopped {
			continue
		}
		said = now
		if asJSON {
			_ = json.NewEncoder(out).Encode(now)
			continue
		}
		if first {
			fmt.Fprintf(out, "sampled block %d: its data is available, %.1f s after the start\n", now.Sampled, time.Since(n.Since()).Seconds())
		}
		fmt.Fprintf(out, "certified %d  sampled %d  asserted %d  settled %d\n", now.Certified, now.Sampled, now.Asserted, now.Settled)
		if now.Stopped != "" {
			fmt.Fprintf(out, "STOPPED: %s\n", now.Stopped)
		}
	}
}
