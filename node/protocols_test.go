package node

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/etherscale/bedrock/dht"
	"github.com/etherscale/bedrock/gossip"
	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/types"
)

const protocolsPage = "../docs/protocols.md"

// TestProtocolsPage holds docs/protocols.md against what nodes of all roles, in private and public networks, really offer.
func TestProtocolsPage(t *testing.T) {
	page, err := os.ReadFile(protocolsPage)
	if err != nil {
		t.Fatal(err)
	}
	listed := make(map[string]bool)
	for _, row := range regexp.MustCompile("(?m)^\\| `(/[^`]+)` \\|").FindAllStringSubmatch(string(page), -1) {
		if listed[row[1]] {
			t.Errorf("%s is twice in the page", row[1])
		}
		listed[row[1]] = false
	}
	for _, role := range []config.Role{config.Sequencer, config.Peer, config.Prover, config.Light, config.Bootstrap} {
		for _, announce := range [][]string{nil, {"/ip4/8.8.4.4/tcp/4848"}} {
			for _, id := range offered(t, role, announce) {
				if _, known := listed[id]; !known {
					t.Errorf("a %s offers %s, which is not in %s", role, id, protocolsPage)
				}
				listed[id] = true
			}
		}
	}
	for _, topic := range []gossip.Topic{gossip.TopicBatch, gossip.TopicHead, gossip.TopicAssertion, gossip.TopicChallenge} {
		name := "/bedrock/<network>/" + string(topic)
		if _, known := listed[name]; !known {
			t.Errorf("the topic %s is not in %s", name, protocolsPage)
		}
		listed[name] = true
	}
	for _, stream := range append(gossip.Streams(), dht.Streams()...) { // what `bedrock version` tells
		if !listed["/bedrock/<network>/"+stream] {
			t.Errorf("no node offers %s", stream)
		}
		delete(listed, "/bedrock/<network>/"+stream)
	}
	for id, seen := range listed {
		if strings.HasPrefix(id, "/bedrock/") && strings.Count(id, "/") > 3 {
			t.Errorf("%s is in no list of streams", id)
		}
		if !seen {
			t.Errorf("no node offers %s", id)
		}
	}
}

// offered runs a node until it is up and lists the protocols that it offers.
func offered(t *testing.T, role config.Role, announce []string) []string {
	t.Helper()
	key, err := config.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	genesis, err := config.NewGenesis(config.GenesisOptions{Name: "test", ChainID: 1, Time: time.Unix(1_700_000_000, 0), Payload: types.PayloadEthereum,
		Committee: []types.PublicKey{config.PublicKeyOf(key)}})
	if err != nil {
		t.Fatal(err)
	}
	mark := filepath.Join(t.TempDir(), config.UnusedMark)
	if err := config.MarkUnused(mark); err != nil {
		t.Fatal(err)
	}
	n, err := Open(Config{Genesis: genesis, Key: key, Role: role, Data: t.TempDir(), UnusedMark: mark, NoPortMapping: true,
		Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Announce: announce})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	var ids []string
	for until := time.Now().Add(10 * time.Second); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		now := n.host.Mux().Protocols()
		if len(now) == len(ids) && len(now) > 0 && time.Until(until) < 9*time.Second {
			break
		}
		ids = ids[:0]
		for _, id := range now {
			ids = append(ids, strings.Replace(string(id), n.network.String(), "<network>", 1))
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	return ids
}
