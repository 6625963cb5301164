package node

import (
	"fmt"
	"strings"

	"github.com/etherscale/bedrock/node/health"
	"github.com/etherscale/bedrock/rpc"
)

// reachConditions are about how others reach a node in the open internet.
func (n *Node) reachConditions() []condition {
	var list []condition
	for code, words := range reachWords(!n.cfg.NoPortMapping) {
		list = append(list, condition{code, func() string {
			if r := n.Reachability(); r.Network == "public" {
				return words(r)
			}
			return ""
		}})
	}
	return list
}

// reachWords says what is raised by what is known; asked: the router was to forward the port.
func reachWords(asked bool) map[health.ID]func(rpc.Reachability) string {
	return map[health.ID]func(rpc.Reachability) string{
		health.Unreachable: func(r rpc.Reachability) string {
			if r.State != rpc.Unreachable || len(r.Relays) > 0 {
				return ""
			}
			return fmt.Sprintf("%d addresses were tried by others, none answered", len(r.Addrs))
		},
		health.RelayOnly: func(r rpc.Reachability) string {
			if r.State == rpc.Reachable || len(r.Relays) == 0 {
				return ""
			}
			return fmt.Sprintf("%d relays; %d peers are connected directly, %d through a relay", len(r.Relays), r.Direct, r.Relayed)
		},
		health.NoPortMapping: func(r rpc.Reachability) string {
			if !asked || r.State == rpc.Reachable || r.Router {
				return ""
			}
			return "the router answered neither UPnP nor NAT-PMP"
		},
		health.SharedAddress: func(r rpc.Reachability) string {
			if !r.CGNAT {
				return ""
			}
			return "the router's outer address is " + strings.Join(shortened(r.Mapped, 2), ", ")
		},
	}
}
