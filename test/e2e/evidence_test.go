package e2e

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/etherscale/bedrock/chain"
	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// place is where a vertex stands.
type place struct {
	author types.Member
	round  types.Round
}

// checkVertexLogs demands that no two vertices of one author and round stand in any of the stopped sequencers' logs, that
// every vertex is signed by its author, and that every author's vertices are in every log up to the end of the shortest.
func (n *network) checkVertexLogs(t *testing.T) {
	t.Helper()
	id, err := n.genesis.NetworkID()
	if err != nil {
		t.Fatal(err)
	}
	committee, err := types.NewCommittee(n.genesis.Committee)
	if err != nil {
		t.Fatal(err)
	}
	seen, from := map[place]types.Hash{}, map[place]string{}
	own := map[types.Member]int{}
	for _, s := range n.sequencers {
		for _, v := range s.vertices(t) {
			at := place{v.Author(), v.Round()}
			if err := v.CheckShape(id, 0, committee); err != nil {
				t.Fatalf("%s: %v", s.name, err)
			}
			if other, ok := seen[at]; ok {
				if other != v.Digest() {
					t.Errorf("two vertices of author %d in round %d: %s in the log of %s, %s in that of %s",
						at.author, at.round, other, from[at], v.Digest(), s.name)
				}
				continue
			}
			if err := v.CheckSignatures(committee); err != nil {
				t.Fatalf("%s: %v", s.name, err)
			}
			seen[at], from[at] = v.Digest(), s.name
			own[v.Author()]++
		}
	}
	if len(own) != committee.Len() {
		t.Errorf("vertices of %d authors only", len(own))
	}
	t.Logf("%d vertices in the logs, by author %v: no two of one author and round", len(seen), own)
}

// vertices reads the whole log of a stopped sequencer.
func (p *peer) vertices(t *testing.T) []*types.Vertex {
	t.Helper()
	log, err := store.OpenVertexLog(filepath.Join(p.home, "data", "vertices", "0000000000"), store.LogOptions{})
	if err != nil {
		t.Fatalf("%s: %v", p.name, err)
	}
	defer log.Close()
	out := make([]*types.Vertex, log.Len())
	for i := range out {
		encoded, err := log.VertexAt(uint64(i))
		if err != nil {
			t.Fatalf("%s: vertex %d: %v", p.name, i, err)
		}
		if out[i], err = types.DecodeVertex(encoded); err != nil {
			t.Fatalf("%s: vertex %d: %v", p.name, i, err)
		}
	}
	return out
}

// checkCertificates verifies, from the disks of the stopped nodes, every header's certificate, that headers form one chain,
// and that every node has the same one. It returns how many headers the node with the fewest has.
func (n *network) checkCertificates(t *testing.T) types.Height {
	t.Helper()
	digests := map[types.Height]types.Hash{}
	least := types.Height(1 << 62)
	for _, p := range n.all() {
		head, err := p.checkHeaders(n.genesis, digests)
		if err != nil {
			t.Errorf("%s: %v", p.name, err)
		}
		least = min(least, head)
	}
	t.Logf("%d headers verified on each of %d disks", least, len(n.all()))
	return least
}

func (p *peer) checkHeaders(genesis *types.Genesis, digests map[types.Height]types.Hash) (types.Height, error) {
	id, err := genesis.NetworkID()
	if err != nil {
		return 0, err
	}
	committee, err := types.NewCommittee(genesis.Committee)
	if err != nil {
		return 0, err
	}
	db, err := store.Open(filepath.Join(p.home, "data", "store"), store.Options{Network: id, ReadOnly: true})
	if err != nil {
		return 0, err
	}
	defer db.Close()
	c, err := chain.Open(chain.Config{Genesis: genesis, Store: db, HeadersOnly: true})
	if err != nil {
		return 0, err
	}
	parent := c.Genesis()
	head := c.Head().Header.Height
	for h := types.Height(1); h <= head; h++ {
		ch, ok := c.Header(h)
		if !ok {
			return head, fmt.Errorf("no header %d below the head %d", h, head)
		}
		if err := ch.Verify(id, committee); err != nil {
			return head, err
		}
		digest := ch.Header.Digest()
		if ch.Header.Parent != parent.Digest() || ch.Header.Time <= parent.Time {
			return head, fmt.Errorf("header %d does not follow the one before", h)
		}
		if other, ok := digests[h]; ok && other != digest {
			return head, fmt.Errorf("header %d is %s here and %s elsewhere", h, digest, other)
		}
		digests[h], parent = digest, ch.Header
	}
	return head, nil
}
