package main

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/etherscale/bedrock/node"
	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/types"
)

// bedrockConfig is what a bedrock node process is told.
type bedrockConfig struct {
	Genesis   json.RawMessage
	Seed      []byte // of the Ed25519 key
	Dir       string
	Bootstrap []string
}

// runBedrock is a sequencer with all defaults.
func runBedrock(told json.RawMessage, announce func(ready) error) error {
	var cfg bedrockConfig
	if err := json.Unmarshal(told, &cfg); err != nil {
		return err
	}
	genesis, err := types.DecodeGenesis(cfg.Genesis)
	if err != nil {
		return err
	}
	mark := filepath.Join(cfg.Dir, "unused")
	if err := config.MarkUnused(mark); err != nil {
		return err
	}
	n, err := node.Open(node.Config{
		Genesis: genesis, Key: ed25519.NewKeyFromSeed(cfg.Seed), Role: config.Sequencer, Data: filepath.Join(cfg.Dir, "data"),
		Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Bootstrap: cfg.Bootstrap, RPC: "127.0.0.1:0", UnusedMark: mark,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- n.Run(context.Background()) }()
	if err := announce(ready{RPC: n.RPCAddr(), Addrs: n.Addrs()}); err != nil {
		return err
	}
	return fmt.Errorf("the node ended: %w", <-ended)
}
