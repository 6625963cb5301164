package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/etherscale/bedrock/node"
	"github.com/etherscale/bedrock/node/config"
)

// groupAnnotation names the group of a flag in --help.
const groupAnnotation = "bedrock_group"

// addSettings gives a verb a flag for each setting but those named.
func addSettings(cmd *cobra.Command, without ...string) {
	flags := cmd.Flags()
	for _, s := range config.SettingsTable() {
		if slices.Contains(without, s.Key) {
			continue
		}
		help := s.Help
		switch {
		case s.List:
			flags.StringSlice(s.Flag(), nil, help+" (repeatable)"+defaultWords(s))
		case s.Bool:
			flags.Bool(s.Flag(), false, help)
		default:
			flags.String(s.Flag(), "", help+defaultWords(s))
		}
		_ = flags.SetAnnotation(s.Flag(), groupAnnotation, []string{s.Group})
	}
}

func defaultWords(s config.Setting) string { return "; default: " + s.Default }

// applySettings puts what flags and variables say over config.toml.
func applySettings(cmd *cobra.Command, layers *config.Layers) error {
	for _, s := range config.SettingsTable() {
		f := cmd.Flags().Lookup(s.Flag())
		if f == nil || !f.Changed {
			continue
		}
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		if err := layers.Put(s, values, originOf(f)); err != nil {
			return &exitError{exitUsage, fmt.Errorf("%s: %w", originOf(f), err)}
		}
	}
	return nil
}

// openHome finds the home that a command line means, makes it when there is none, and lets flags and variables go before its
// config.toml. A home that is not there is made of the network that is named, or of the default one: no question is asked.
func openHome(cmd *cobra.Command, dir string) (*config.Home, error) {
	named, err := cmd.Flags().GetString("network")
	if err != nil {
		return nil, err
	}
	var network *config.NamedNetwork
	if named != "" || dir == "" || !config.IsHome(dir) {
		if network, err = findNetwork(named); err != nil {
			if homes := lastingHomes(); dir == "" && named == "" && len(homes) == 1 { // --network was given to its first start
				return openHomeAt(cmd, homes[0], nil)
			}
			return nil, noHome(dir, err)
		}
	}
	if dir == "" {
		if dir, err = config.DefaultHome(network); err != nil {
			return nil, err
		}
	}
	return openHomeAt(cmd, dir, network)
}

// findNetwork is config.FindNetwork. What is wrong with a network that was named is wrong with the command line.
func findNetwork(named string) (*config.NamedNetwork, error) {
	network, err := config.FindNetwork(named)
	if err != nil && named != "" && named != config.DevnetNetwork { // a devnet that does not run is no mistake
		return nil, &exitError{exitUsage, err}
	}
	return network, err
}

// openHomeAt opens the home in a directory, or makes it one of the network.
func openHomeAt(cmd *cobra.Command, dir string, network *config.NamedNetwork) (*config.Home, error) {
	if err := upgradeHome(cmd, dir); err != nil {
		return nil, err
	}
	home, err := loadOrMake(dir, network)
	if err != nil {
		return nil, err
	}
	if err := applySettings(cmd, home.Layers); err != nil {
		return nil, err
	}
	if home.New {
		if err := protectNew(cmd, home); err != nil {
			return nil, err
		}
	}
	if named := home.Layers.Settings.Network; network == nil && named != "" { // in config.toml
		if network, err = findNetwork(named); err != nil {
			return nil, fmt.Errorf("network: %w", err)
		}
	}
	return home, joinNetwork(home, network)
}

// noHome is what to say when neither a home nor a network to make one of is there.
func noHome(dir string, err error) error {
	if dir == "" {
		return err
	}
	if errors.Is(err, config.ErrNoNetwork) {
		return fmt.Errorf("%s is not a bedrock home, and it cannot be made: %w", dir, err)
	}
	return err
}

// upgradeHome brings the home of an older program to the layout of this one, and says so.
func upgradeHome(cmd *cobra.Command, dir string) error {
	if !config.IsHome(dir) {
		return nil
	}
	done, err := config.UpgradeHome(dir)
	if err == nil && done != nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "bedrock: %s\n", done)
	}
	return err
}

func loadOrMake(dir string, network *config.NamedNetwork) (*config.Home, error) {
	if config.IsHome(dir) {
		return config.LoadHome(dir)
	}
	return config.MakeHome(dir, network.Network)
}

// joinNetwork makes sure that a home is of the network that was named, and takes over that one's newest addresses.
func joinNetwork(home *config.Home, network *config.NamedNetwork) error {
	if network == nil {
		return nil
	}
	known, err := home.Genesis.NetworkID()
	if err != nil {
		return err
	}
	id, err := network.Genesis.NetworkID()
	if err != nil {
		return err
	}
	if known != id {
		return fmt.Errorf("%s is the home of a node of network %s, %s is %s: choose another --home", home.Dir, known, network.Name, id)
	}
	home.Network = network.Network
	return nil
}

// defaultHomes lists this user's homes that were made without --home.
func defaultHomes() []string {
	found, err := filepath.Glob(filepath.Join(config.HomesDir(), "*", "genesis.json"))
	if err != nil {
		return nil // of a wrong pattern only
	}
	for i, path := range found {
		found[i] = filepath.Dir(path)
	}
	return found
}

// lastingHomes are those of networks that do not end with the devnet of this machine.
func lastingHomes() []string {
	return slices.DeleteFunc(defaultHomes(), func(home string) bool {
		return strings.HasPrefix(filepath.Base(home), config.DevnetNetwork+"-")
	})
}

// announce leaves word in the home of where the node answers.
func announce(home *config.Home, n *node.Node) (func() error, error) {
	return config.Running{PID: os.Getpid(), Role: n.Role(), RPC: n.RPCAddr(), Metrics: n.MetricsAddr(), Since: n.Since()}.Announce(home.Dir)
}

// whoRuns says which process uses a home, if it left word there.
func whoRuns(home string) string {
	r, err := config.ReadRunning(home)
	if err != nil || r == nil {
		return ""
	}
	return fmt.Sprintf(" (a %s runs there since %s, process %d: `kill %d` stops it)", r.Role, r.Since.Local().Format("15:04"), r.PID, r.PID)
}
