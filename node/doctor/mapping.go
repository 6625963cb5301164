package doctor

import (
	"context"
	"slices"
	"strings"

	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/node/p2p"
	"github.com/etherscale/bedrock/rpc"
)

// checkMapping asks whether a router forwards the node's port: the running node, or a host that asks it now.
func checkMapping(_ context.Context, p *Patient) Finding {
	s, err := p.around()
	if err != nil {
		return warn("the router could not be asked: "+sentence(err), "bedrock doctor --only mapping")
	}
	if f := judgeMapping(&s.Reach, p.config.NoPortMapping, p.config.Role == config.Light); f.Verdict == Pass || s.Reach.Router || !offline(s) {
		return f
	}
	return warn("not known: neither a router nor a node of the network answers", "bedrock doctor --only bootstrap")
}

// offline reports whether nobody to join by answered: what else does not answer says nothing then.
func offline(s *p2p.Surroundings) bool {
	return len(s.Contacts) > 0 && !slices.ContainsFunc(s.Contacts, func(c p2p.Contact) bool { return c.Err == nil })
}

func judgeMapping(r *rpc.Reachability, off, light bool) Finding {
	switch {
	case r.Network != "public":
		return pass("not needed: the network is one of this machine or house")
	case light:
		return pass("not needed: nobody dials a light client")
	case len(r.Mapped) > 0:
		return pass("the router forwards %s", strings.Join(r.Mapped, ", "))
	case r.State == rpc.Reachable:
		return pass("not needed: others can dial this node")
	case off:
		return warn("switched off by no_port_mapping", "bedrock config show")
	case r.Router:
		return warn("the router answers, and forwards no port", forward)
	}
	return warn("no router answers UPnP or NAT-PMP: that is usual, and fine where relays serve", forward)
}

const forward = "forward port 4848 (TCP and UDP) to this machine in the router, then: bedrock doctor --only reachability"
