package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/etherscale/bedrock/node"
	"github.com/etherscale/bedrock/node/devnet"
	"github.com/etherscale/bedrock/types"
)

const footprintSwarmVerb = "footprint-swarm"

// Blocks close as in a public network. The others wait for this many before they are measured.
const (
	footprintHeartbeat = 10 * time.Second
	footprintBlocks    = 2
)

// newBenchFootprintSwarmCommand is the core of the network of `bedrock bench footprint`, run by it in a namespace.
func newBenchFootprintSwarmCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:    footprintSwarmVerb,
		Short:  "The core of the network of bench footprint: a bootstrap node, sequencers and a prover",
		Args:   noArgs,
		Hidden: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runFootprintSwarm(cmd.Context(), cmd.OutOrStdout(), dir)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "directory of its nodes")
	return cmd
}

// runFootprintSwarm says where the network's file is, then each block that is certified.
func runFootprintSwarm(ctx context.Context, out io.Writer, dir string) (err error) {
	sandbox, err := sandboxCommand()
	if err != nil {
		return err
	}
	lines := json.NewEncoder(out)
	heights := make(chan types.Height, 16)
	net, err := devnet.Open(devnet.Config{
		Sequencers: 4, Provers: 1, Dir: dir, RPC: "127.0.0.1:0", Payload: types.PayloadEthereum, Sandbox: sandbox, Heartbeat: footprintHeartbeat,
		Listen: func(i int) []string {
			return []string{fmt.Sprintf("/ip4/%s/tcp/4848", swarmAddress(i)), fmt.Sprintf("/ip4/%s/udp/4848/quic-v1", swarmAddress(i))}
		},
		Watch: func(_ string, fact node.Fact) {
			if certified, ok := fact.(node.Certified); ok {
				select {
				case heights <- certified.Header.Height:
				default:
				}
			}
		},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, net.Close()) }()
	if err := lines.Encode(net.Ready()); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	told := make(chan struct{})
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer close(told)
		tellHeights(ctx, lines, heights)
	}()
	err = net.Run(ctx, nil, false)
	cancel()
	<-told
	return err
}

// swarmHeight is a line that the swarm prints.
type swarmHeight struct {
	Certified types.Height `json:"certified"`
}

// tellHeights prints the first blocks; nobody reads on after those.
func tellHeights(ctx context.Context, lines *json.Encoder, heights <-chan types.Height) {
	var newest types.Height
	for newest < footprintBlocks {
		select {
		case <-ctx.Done():
			return
		case h := <-heights:
			if h > newest {
				newest = h
				_ = lines.Encode(swarmHeight{h})
			}
		}
	}
}

// waitForBlocks returns when the swarm has certified its first blocks.
func waitForBlocks(ctx context.Context, swarm *footprintProcess) error {
	for {
		var at swarmHeight
		if err := swarm.next(ctx, &at); err != nil {
			return err
		}
		if at.Certified >= footprintBlocks {
			return nil
		}
	}
}
