package rpc

import (
	"time"
)

// States of an address.
const (
	Reachable   = "reachable"
	Unreachable = "unreachable"
	Unknown     = "unknown"
)

// Reachability is what a node knows of how others can reach it.
type Reachability struct {
	// Network is "public", or "private" where addresses of one machine or house are the ones that work and nothing is asked.
	Network string `json:"network"`
	// State is reachable as soon as one address is, unreachable when others tried all of them in vain, else unknown.
	State string      `json:"state"`
	Addrs []AddrReach `json:"addrs"`
	// Router says whether one answered UPnP or NAT-PMP; Mapped are the outer addresses that it gave.
	Router bool     `json:"router"`
	Mapped []string `json:"mapped,omitempty"`
	// CGNAT says that the router's own outer address is not public: the provider shares one address among homes.
	CGNAT bool `json:"cgnat,omitempty"`
	// Relays are the addresses by which relays pass connections on to this node.
	Relays []string `json:"relays,omitempty"`
	// Direct and Relayed count the peers that it is connected to.
	Direct  int     `json:"direct"`
	Relayed int     `json:"relayed"`
	Punches Punches `json:"holePunches"`
}

// AddrReach is one address that others may dial.
type AddrReach struct {
	Addr      string `json:"addr"`
	Transport string `json:"transport"`
	State     string `json:"state"`
}

// Punches counts holes punched through routers to make a relayed connection direct, and their time in all.
type Punches struct {
	Tried   uint64        `json:"tried"`
	Done    uint64        `json:"done"`
	Elapsed time.Duration `json:"elapsedNs"`
}
