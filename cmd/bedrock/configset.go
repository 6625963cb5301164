package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/etherscale/bedrock/node/config"
)

// configFlags name the home whose config.toml is meant.
type configFlags struct{ home, network string }

func (f *configFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.home, "home", "", "directory of the node; default: that of the network in the user's data directory")
	cmd.Flags().StringVar(&f.network, "network", "", "name of a network in the program, or a network file")
}

func (f *configFlags) path(cmd *cobra.Command) (string, error) {
	dir, err := homeToRead(cmd, f.home)
	if err != nil {
		return "", err
	}
	if !config.IsHome(dir) {
		return "", &exitError{exitUsage, fmt.Errorf("%s is not a bedrock home: `bedrock run --home %s` makes it one", dir, dir)}
	}
	return filepath.Join(dir, config.File), nil
}

func newConfigPathCommand() *cobra.Command {
	var f configFlags
	cmd := &cobra.Command{
		Use:   "path",
		Short: "Print where config.toml lies",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := f.path(cmd)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), path)
			return err
		},
	}
	f.add(cmd)
	return cmd
}

func newConfigSetCommand() *cobra.Command {
	var f configFlags
	cmd := &cobra.Command{
		Use:     "set KEY [VALUE...]",
		Short:   "Change one key of config.toml; without a value the default comes back. A running node reads it at its next start",
		Example: "  bedrock config set profile pi\n  bedrock config set rpc off\n  bedrock config set rpc",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return &exitError{exitUsage, errors.New("say which key: docs/reference/configuration.md lists them, `bedrock config show` too")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := f.path(cmd)
			if err != nil {
				return err
			}
			return config.SetInFile(path, args[0], args[1:])
		},
	}
	f.add(cmd)
	return cmd
}
