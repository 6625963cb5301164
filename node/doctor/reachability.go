package doctor

import (
	"context"
	"fmt"
	"strings"

	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/rpc"
)

// checkReachability asks whether others can dial the node, address by address (AutoNAT v2).
func checkReachability(_ context.Context, p *Patient) Finding {
	s, err := p.around()
	if err != nil {
		return warn("nobody could be asked to dial back: "+sentence(err), "bedrock doctor --only reachability")
	}
	answered := 0
	for _, c := range s.Contacts {
		if c.Err == nil {
			answered++
		}
	}
	return judgeReach(&s.Reach, p.config.Role == config.Light, answered)
}

func judgeReach(r *rpc.Reachability, light bool, answered int) Finding {
	by := make(map[string][]string)
	for _, a := range r.Addrs {
		by[a.State] = append(by[a.State], a.Addr)
	}
	switch {
	case r.Network != "public":
		return pass("not needed: the network is one of this machine or house")
	case light:
		return pass("not needed: nobody dials a light client")
	case len(by[rpc.Reachable]) > 0:
		text := "others can dial " + strings.Join(by[rpc.Reachable], ", ")
		if silent := by[rpc.Unreachable]; len(silent) > 0 {
			text += fmt.Sprintf("; not %s", strings.Join(silent, ", "))
		}
		return pass("%s", text)
	case r.State == rpc.Reachable:
		return pass("others can dial this node")
	case r.State == rpc.Unreachable:
		text := fmt.Sprintf("no peer could dial this node on %d addresses", len(r.Addrs))
		if len(r.Relays) > 0 {
			return warn(text+fmt.Sprintf("; %d relays pass connections on to it", len(r.Relays)), forward)
		}
		return warn(text+"; it works by the connections that it opens itself", forward)
	case answered == 0:
		return warn("not known: nobody could be asked to dial back", "bedrock doctor --only bootstrap")
	}
	return warn("not known yet: those asked have not dialled back", "bedrock doctor --only reachability")
}
