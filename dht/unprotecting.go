package dht

import (
	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/host"
)

// unprotecting is the host as kad-dht gets it. kad-dht keeps the connections to the two farthest buckets of its routing table, up to
// forty, from ever being closed, whatever bound the node was given. The table is as good without: who is asked is dialled.
type unprotecting struct{ host.Host }

// ConnManager implements host.Host.
func (unprotecting) ConnManager() connmgr.ConnManager { return connmgr.NullConnMgr{} }
