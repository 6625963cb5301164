package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/etherscale/bedrock/node/config"
)

func newConfigCommand() *cobra.Command {
	cmd := group(&cobra.Command{Use: "config", Short: "Show a node's settings and where they come from, and change them"})
	cmd.AddCommand(newConfigShowCommand(), newConfigSetCommand(), newConfigPathCommand())
	return cmd
}

// shownConfig is what `config show --json` prints.
type shownConfig struct {
	Home     string         `json:"home"`
	Settings []config.Value `json:"settings"`
}

func newConfigShowCommand() *cobra.Command {
	var home string
	var origin, asJSON bool
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Print every setting as a run would have it: config.toml, then BEDROCK_ variables, then flags",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := homeToRead(cmd, home)
			if err != nil {
				return err
			}
			layers, err := config.ReadLayers(filepath.Join(dir, config.File))
			if err != nil {
				return err
			}
			if err := applySettings(cmd, layers); err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if asJSON {
				return printJSON(out, "config", shownConfig{dir, layers.Values()})
			}
			fmt.Fprintln(out, "# of", dir)
			return printSettings(out, layers.Values(), origin)
		},
	}
	cmd.Flags().StringVar(&home, "home", "", "directory of the node; default: that of the network in the user's data directory")
	cmd.Flags().BoolVar(&origin, "origin", false, "say where each value comes from")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON in a versioned envelope")
	addSettings(cmd)
	return cmd
}

func printSettings(out io.Writer, values []config.Value, origin bool) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, v := range values {
		value := strings.Join(v.Values, ", ")
		if value == "" {
			value = v.Words
		}
		line := v.Key + "\t" + value
		if origin {
			line += "\t" + v.Origin
		}
		fmt.Fprintln(w, line)
	}
	return w.Flush()
}
