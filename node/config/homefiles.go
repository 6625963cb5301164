package config

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/etherscale/bedrock/types"
)

// SecretFiles are the files of a home that only its user may read; the node's key is the first.
func SecretFiles(home string) []string {
	return []string{filepath.Join(home, keyFile), filepath.Join(home, accountFile)}
}

// ReadHomeGenesis reads the genesis of a home and nothing else; the error wraps fs.ErrNotExist where there is none.
func ReadHomeGenesis(home string) (*types.Genesis, error) {
	path := filepath.Join(home, genesisFile)
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read genesis: %w", err)
	}
	genesis, err := types.DecodeGenesis(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return genesis, nil
}

// ReadHomeNetwork reads the network file that a home was made of; the error wraps fs.ErrNotExist where there is none.
func ReadHomeNetwork(home string) (*Network, error) {
	return ReadNetwork(filepath.Join(home, networkCopy))
}
