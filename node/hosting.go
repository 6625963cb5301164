package node

import (
	"context"
	"log/slog"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/node/p2p"
	"github.com/etherscale/bedrock/rpc"
)

// host is the configuration of the node's libp2p host.
func (c *Config) host() (p2p.Config, error) {
	out := p2p.Config{Key: c.Key, Light: c.Role == config.Light, Home: c.Profile == config.ProfileHome || c.Profile == config.ProfilePi, Limits: config.LimitsOf(c.Profile, c.Role).Limits,
		Bandwidth: c.Bandwidth, Mapping: !c.NoPortMapping, Dialer: c.Dialer, Log: c.Logger, MayMove: c.listenMayMove}
	var err error
	if out.Listen, err = p2p.ParseAddrs(c.Listen); err != nil {
		return p2p.Config{}, err
	}
	if out.Announce, err = p2p.ParseAddrs(c.Announce); err != nil {
		return p2p.Config{}, err
	}
	if out.Bootstrap, err = p2p.ParsePeers(c.Bootstrap); err != nil {
		return p2p.Config{}, err
	}
	return out, nil
}

// stayJoined keeps the node in its network.
func (n *Node) stayJoined(ctx context.Context) error {
	n.host.StayJoined(ctx, n.cfg.Data, func(ctx context.Context, by []peer.AddrInfo) {
		if err := n.dht.Bootstrap(ctx, by); err != nil && ctx.Err() == nil {
			n.log.Debug("a node to join by went away", "error", err)
		}
		n.chain.Hint()
	})
	return nil
}

// Reachability is what the node knows of how others can reach it.
func (n *Node) Reachability() rpc.Reachability { return n.host.Reachability() }

// LookAround finds out, with a throw-away key and the addresses of a node that does not run, which of the nodes that it would join
// by answer and, with listen set, whether they could dial it; at most until ctx ends. Nothing is joined.
func LookAround(ctx context.Context, cfg Config, listen bool) (*p2p.Surroundings, error) {
	var err error
	if cfg.Key, err = config.NewKey(); err != nil {
		return nil, err
	}
	cfg.fill()
	cfg.Logger = slog.New(slog.DiscardHandler)
	c, err := cfg.host()
	if err != nil {
		return nil, err
	}
	return p2p.LookAround(ctx, c, listen)
}
