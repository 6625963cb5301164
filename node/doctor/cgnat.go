package doctor

import (
	"context"
	"strings"

	"github.com/etherscale/bedrock/node/p2p"
	"github.com/etherscale/bedrock/rpc"
)

// checkCGNAT looks whether the router itself stands behind another one: then a port forwarded in it helps nobody.
func checkCGNAT(_ context.Context, p *Patient) Finding {
	s, err := p.around()
	if err != nil {
		return warn("the outer address could not be found out: "+sentence(err), "bedrock doctor --only cgnat")
	}
	return judgeCGNAT(&s.Reach)
}

func judgeCGNAT(r *rpc.Reachability) Finding {
	var reserved []string
	for _, outer := range r.Mapped {
		if p2p.Reserved(outer) {
			reserved = append(reserved, outer)
		}
	}
	switch {
	case r.Network != "public":
		return pass("not needed: the network is one of this machine or house")
	case len(reserved) > 0 || r.CGNAT:
		return warn("the router's own outer address is not public ("+strings.Join(reserved, ", ")+"): the provider shares one among homes, or there are two routers",
			"ask the provider for an own IPv4 address or for IPv6; relays serve until then")
	case len(r.Mapped) > 0:
		return pass("the router's outer address is public")
	}
	return pass("nothing speaks for an address that homes share")
}
