package config

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/adrg/xdg"
)

// DevnetNetwork is the name of the network that `bedrock devnet` runs on this machine for this user.
const DevnetNetwork = "devnet"

// DefaultNetwork is the network that is joined when none is named. No public one has been launched.
const DefaultNetwork = DevnetNetwork

// ErrNoNetwork says that a network is not known, or does not run.
var ErrNoNetwork = errors.New("no such network")

//go:embed networks
var shipped embed.FS

// NamedNetwork is a network and what to call it.
type NamedNetwork struct {
	*Network
	Name string // of the shipped file, or of the genesis
	Path string // the file it was read from; empty for one in the program
}

// ShippedNetworks lists the names of the networks in the program.
func ShippedNetworks() []string { return networksIn(shipped) }

func networksIn(files fs.FS) []string {
	paths, err := fs.Glob(files, "networks/*.json")
	if err != nil {
		return nil // of a wrong pattern only
	}
	names := make([]string, len(paths))
	for i, p := range paths {
		names[i] = strings.TrimSuffix(filepath.Base(p), ".json")
	}
	return names
}

// FindNetwork finds a network by its name in the program, by the name devnet, or by the path of its file.
func FindNetwork(name string) (*NamedNetwork, error) { return findNetwork(shipped, name) }

func findNetwork(files fs.FS, name string) (*NamedNetwork, error) {
	if name == "" {
		name = DefaultNetwork
	}
	names := networksIn(files)
	switch {
	case slices.Contains(names, name):
		encoded, err := fs.ReadFile(files, "networks/"+name+".json")
		if err != nil {
			return nil, fmt.Errorf("network %s in this program: %w", name, err)
		}
		n, err := DecodeNetwork(encoded)
		if err != nil {
			return nil, fmt.Errorf("network %s in this program: %w", name, err)
		}
		return &NamedNetwork{n, name, ""}, nil
	case name == DevnetNetwork:
		return findDevnet()
	case !strings.ContainsAny(name, `/\.`):
		if _, err := os.Stat(name); err != nil {
			return nil, fmt.Errorf("%w: %q is neither in this program nor a file%s (`bedrock network list` shows those it knows)", ErrNoNetwork, name, Suggest(name, append(names, DevnetNetwork)))
		}
	}
	n, err := ReadNetwork(name)
	if err != nil {
		return nil, err
	}
	return &NamedNetwork{n, n.Genesis.Name, name}, nil
}

func findDevnet() (*NamedNetwork, error) {
	path := DevnetFile()
	n, err := ReadNetwork(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: no devnet runs on this machine, and no public network has been launched yet: start one with `bedrock devnet`, or name a network file with --network FILE", ErrNoNetwork)
	}
	if err != nil {
		return nil, err
	}
	return &NamedNetwork{n, DevnetNetwork, path}, nil
}

// DevnetFile is where a running devnet leaves its network file for the other programs of this user.
func DevnetFile() string { return filepath.Join(xdg.StateHome, "bedrock", DevnetNetwork+".json") }

// HomesDir holds the homes of this user's nodes that were given no other place.
func HomesDir() string { return filepath.Join(xdg.DataHome, "bedrock") }

// DefaultHome is the home of this user's node in a network: BEDROCK_HOME is read by the command line before it asks.
func DefaultHome(n *NamedNetwork) (string, error) {
	id, err := n.Genesis.NetworkID()
	if err != nil {
		return "", err
	}
	return filepath.Join(HomesDir(), n.Name+"-"+id.String()[:8]), nil
}
