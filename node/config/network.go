package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/etherscale/bedrock/node/p2p"
	"github.com/etherscale/bedrock/types"
)

// networkVersion is the version of the network file.
const networkVersion = 1

// Bounds of a network file, which may come from a stranger.
const (
	// maxNetworkBytes holds the largest genesis and the addresses.
	maxNetworkBytes = types.MaxGenesisBytes + 64<<10
	// maxNetworkBootstrap bounds the addresses: one that answers is enough.
	maxNetworkBootstrap = 64
)

// ErrNetworkFile says that a file is no network file of this version.
var ErrNetworkFile = errors.New("not a network file")

// Network is all that somebody needs who wants to join: one file to hand around. Whoever takes it trusts its giver for the
// genesis and the checkpoint, and for nothing else.
type Network struct {
	Genesis    *types.Genesis
	Bootstrap  []string // multiaddrs with /p2p/ of nodes to join by
	Checkpoint string   // HEIGHT:DIGEST of an epoch's last header, or empty
}

// networkFile is a Network as it is written: a JSON object with these keys and no others.
type networkFile struct {
	Version    int             `json:"version"`
	Genesis    json.RawMessage `json:"genesis"`
	Bootstrap  []string        `json:"bootstrap"`
	Checkpoint string          `json:"checkpoint,omitempty"`
}

// Encode is the network file.
func (n *Network) Encode() ([]byte, error) {
	genesis, err := n.Genesis.Encode()
	if err != nil {
		return nil, fmt.Errorf("network file: %w", err)
	}
	file := networkFile{Version: networkVersion, Genesis: genesis, Bootstrap: append([]string{}, n.Bootstrap...), Checkpoint: n.Checkpoint}
	encoded, err := json.MarshalIndent(file, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("network file: %w", err)
	}
	return append(encoded, '\n'), nil
}

// DecodeNetwork is the strict inverse of Encode, white space apart.
func DecodeNetwork(encoded []byte) (*Network, error) {
	if len(encoded) > maxNetworkBytes {
		return nil, fmt.Errorf("%d bytes, at most %d: %w", len(encoded), maxNetworkBytes, ErrNetworkFile)
	}
	var file networkFile
	d := json.NewDecoder(bytes.NewReader(encoded))
	d.DisallowUnknownFields()
	if err := d.Decode(&file); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNetworkFile, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("something follows the file's object: %w", ErrNetworkFile)
	}
	if file.Version != networkVersion {
		return nil, fmt.Errorf("version %d, this program knows %d: %w", file.Version, networkVersion, ErrNetworkFile)
	}
	if len(file.Bootstrap) > maxNetworkBootstrap {
		return nil, fmt.Errorf("%d addresses to join by, at most %d: %w", len(file.Bootstrap), maxNetworkBootstrap, ErrNetworkFile)
	}
	n := &Network{Bootstrap: file.Bootstrap, Checkpoint: file.Checkpoint}
	var err error
	if n.Genesis, err = types.DecodeGenesis(file.Genesis); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNetworkFile, err)
	}
	_, wrong := p2p.ParsePeers(n.Bootstrap)
	_, unknown := ParseCheckpoint(n.Checkpoint)
	if err := errors.Join(wrong, unknown); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNetworkFile, err)
	}
	return n, nil
}

// ReadNetwork reads a network file.
func ReadNetwork(path string) (*Network, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("network file: %w", err)
	}
	defer f.Close()
	encoded, err := io.ReadAll(io.LimitReader(f, maxNetworkBytes+1))
	if err != nil {
		return nil, fmt.Errorf("network file %s: %w", path, err)
	}
	n, err := DecodeNetwork(encoded)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return n, nil
}

// Write writes the file whole or not at all.
func (n *Network) Write(path string) error {
	encoded, err := n.Encode()
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", encoded, 0o644); err != nil {
		return fmt.Errorf("network file: %w", err)
	}
	return os.Rename(path+".new", path)
}

// parseCheckpoint is nil for the empty text.
func ParseCheckpoint(text string) (*types.Checkpoint, error) {
	if text == "" {
		return nil, nil
	}
	c, err := types.ParseCheckpoint(text)
	return &c, err
}
