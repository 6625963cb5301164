package doctor

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/etherscale/bedrock/node/p2p"
)

// checkBootstrap dials every node to join by.
func checkBootstrap(_ context.Context, p *Patient) Finding {
	s, err := p.around()
	if err != nil {
		return fail("the nodes to join by cannot be dialled: "+sentence(err), "bedrock config show --home "+p.Home)
	}
	peers := 0
	if status, err := p.status(); err == nil {
		peers = status.Peers
	}
	return judgeContacts(s.Contacts, peers, s.Reach.Network != "public")
}

// judgeContacts judges who answered; peers is how many a running node is connected to, private says that the network is one of a
// machine or house.
func judgeContacts(contacts []p2p.Contact, peers int, private bool) Finding {
	var silent []string
	var fastest time.Duration
	for _, c := range contacts {
		if c.Err != nil {
			silent = append(silent, short(c.ID))
			continue
		}
		if fastest == 0 || c.Took < fastest {
			fastest = c.Took
		}
	}
	answered := len(contacts) - len(silent)
	text := fmt.Sprintf("%d of %d nodes to join by answer", answered, len(contacts))
	if answered > 0 {
		text += fmt.Sprintf(", the fastest after %d ms", fastest.Milliseconds())
	}
	switch {
	case len(contacts) == 0 && peers == 0:
		return warn("no node to join by is known: this one waits for others to come", "bedrock run --network FILE")
	case len(contacts) == 0:
		return pass("no node to join by is named; the running node has %d peers", peers)
	case answered == 0 && peers == 0 && private:
		return fail(text+": the network is one of this machine or house, and it does not run or cannot be reached", "bedrock network list")
	case answered == 0 && peers == 0:
		return fail(text+": the machine is not in the internet, or a firewall is in the way", "ping -c 3 1.1.1.1")
	case len(silent) > 0:
		return warn(text+"; silent: "+strings.Join(silent, ", "), "bedrock doctor --only bootstrap")
	}
	return pass("%s", text)
}

// short is the end of a peer ID: the part in which they differ.
func short(id string) string { return "..." + id[max(0, len(id)-8):] }
