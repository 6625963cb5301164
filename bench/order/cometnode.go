package main

import (
	"encoding/json"
	"os"
	"time"

	"github.com/cometbft/cometbft/abci/example/kvstore"
	cometconfig "github.com/cometbft/cometbft/config"
	cometlog "github.com/cometbft/cometbft/libs/log"
	cometnode "github.com/cometbft/cometbft/node"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/privval"
	"github.com/cometbft/cometbft/proxy"
)

// cometConfig is what a CometBFT process is told. Addresses are host:port.
type cometConfig struct {
	Home, P2P, RPC string
	Peers          string // id@host:port, separated by commas
}

// config is CometBFT's with what differs from its defaults, as doc.go lists it.
func (h cometConfig) config() *cometconfig.Config {
	c := cometconfig.DefaultConfig()
	c.SetRoot(h.Home)
	c.DBBackend = "goleveldb"
	c.TxIndex.Indexer = "null"

	c.P2P.ListenAddress = "tcp://" + h.P2P
	c.P2P.PersistentPeers = h.Peers
	c.P2P.AddrBookStrict = false // the loopback is not routable
	c.P2P.AllowDuplicateIP = true
	c.P2P.FlushThrottleTimeout = 5 * time.Millisecond
	c.P2P.SendRate, c.P2P.RecvRate = 500_000_000, 500_000_000

	c.RPC.ListenAddress = "tcp://" + h.RPC

	c.Consensus.TimeoutCommit = 0
	c.Consensus.SkipTimeoutCommit = true
	c.Consensus.PeerGossipSleepDuration = 5 * time.Millisecond

	c.Mempool.Size = 300_000
	c.Mempool.MaxTxsBytes = 1 << 30
	c.Mempool.Recheck = false
	return c
}

// runComet is a validator with kvstore as the application.
func runComet(told json.RawMessage, announce func(ready) error) error {
	var h cometConfig
	if err := json.Unmarshal(told, &h); err != nil {
		return err
	}
	c := h.config()
	if err := c.ValidateBasic(); err != nil {
		return err
	}
	key, err := p2p.LoadNodeKey(c.NodeKeyFile())
	if err != nil {
		return err
	}
	logger := cometlog.NewFilter(cometlog.NewTMLogger(cometlog.NewSyncWriter(os.Stderr)), cometlog.AllowError())
	n, err := cometnode.NewNode(c, privval.LoadFilePV(c.PrivValidatorKeyFile(), c.PrivValidatorStateFile()), key,
		proxy.NewLocalClientCreator(kvstore.NewInMemoryApplication()), cometnode.DefaultGenesisDocProviderFunc(c),
		cometconfig.DefaultDBProvider, cometnode.DefaultMetricsProvider(c.Instrumentation), logger)
	if err != nil {
		return err
	}
	if err := n.Start(); err != nil {
		return err
	}
	if err := announce(ready{RPC: h.RPC}); err != nil {
		return err
	}
	n.Wait()
	return nil
}
