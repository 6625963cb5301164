package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/etherscale/bedrock/node/config"
)

func newNetworkCommand() *cobra.Command {
	cmd := group(&cobra.Command{Use: "network", Short: "Show the networks that this program knows"})
	cmd.AddCommand(newNetworkListCommand(), newNetworkShowCommand())
	return cmd
}

// shownNetwork is one network as `network` prints it.
type shownNetwork struct {
	Name       string   `json:"name"`
	Default    bool     `json:"default,omitempty"`
	Running    bool     `json:"running"` // of devnet: one runs on this machine
	NetworkID  string   `json:"networkId,omitempty"`
	ChainID    uint64   `json:"chainId,omitempty"`
	Bootstrap  []string `json:"bootstrap,omitempty"`
	Checkpoint string   `json:"checkpoint,omitempty"`
	File       string   `json:"file,omitempty"`
}

func newNetworkListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the networks that can be named without a file",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var shown []shownNetwork
			for _, name := range append(config.ShippedNetworks(), config.DevnetNetwork) {
				one, err := showNetwork(name)
				if err != nil { // of a devnet that does not run
					one = shownNetwork{Name: name}
				}
				one.Default = name == config.DefaultNetwork
				shown = append(shown, one)
			}
			out := cmd.OutOrStdout()
			if asJSON {
				return printJSON(out, "networks", shown)
			}
			w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
			for _, one := range shown {
				state := "does not run on this machine"
				if one.Running {
					state = fmt.Sprintf("chain id %d, network %s", one.ChainID, one.NetworkID)
				}
				if one.Default {
					state += "  (default)"
				}
				fmt.Fprintf(w, "%s\t%s\n", one.Name, state)
			}
			return w.Flush()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON in a versioned envelope")
	return cmd
}

func newNetworkShowCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show [NAME|FILE]",
		Short: "Print what a network file says; without a name, that of the network that is joined when none is named",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return oneArg("the network's name or file")(cmd, args)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			one, err := showNetwork(strings.Join(args, ""))
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if asJSON {
				return printJSON(out, "network", one)
			}
			fmt.Fprintf(out, "%s\n  network    %s\n  chain id   %d\n", one.Name, one.NetworkID, one.ChainID)
			if one.Checkpoint != "" {
				fmt.Fprintf(out, "  checkpoint %s\n", one.Checkpoint)
			}
			for _, a := range one.Bootstrap {
				fmt.Fprintf(out, "  join by    %s\n", a)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON in a versioned envelope")
	return cmd
}

func showNetwork(name string) (shownNetwork, error) {
	n, err := findNetwork(name)
	if err != nil {
		return shownNetwork{}, err
	}
	id, err := n.Genesis.NetworkID()
	if err != nil {
		return shownNetwork{}, err
	}
	return shownNetwork{Name: n.Name, Running: true, NetworkID: id.String(), ChainID: n.Genesis.ChainID, Bootstrap: n.Bootstrap,
		Checkpoint: n.Checkpoint, File: n.Path}, nil
}
