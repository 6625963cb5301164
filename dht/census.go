package dht

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
)

const (
	// censusParallel is the number of holders asked at once.
	censusParallel = 4
	// lookupQuestions is what a Kademlia lookup that finds nothing asks at most.
	lookupQuestions = 20
)

// census finds out which rows of a block live: which some server among the 2r nearest has. A row is first looked for at
// the nearest, then at the next. Whoever says that it has rows may be made to show one; who does not is doubted, and its
// rows are looked for at others.
type census struct {
	r        *repairer
	header   types.Header
	params   coding.Params
	verifier *coding.Verifier
	shows    int // holders that must show a row

	candidates map[uint32][]peer.ID
	live       map[uint32]peer.ID      // who says that it has the row
	shown      map[uint32]coding.Shard // rows fetched and verified
	trusted    map[peer.ID]bool        // showed one, or was not chosen
	cost       int64                   // bytes of questions and rows
}

// newCensus prepares a census; at most shows holders are made to show a row. It needs the block's opening here.
func (r *repairer) newCensus(ctx context.Context, h types.Header, shows int) (*census, error) {
	p, err := coding.ParamsFor(h.DataLength)
	if err != nil {
		return nil, err
	}
	c := &census{r: r, header: h, params: p, shows: shows, candidates: make(map[uint32][]peer.ID), live: make(map[uint32]peer.ID),
		shown: make(map[uint32]coding.Shard), trusted: map[peer.ID]bool{r.d.host.ID(): true}}
	c.verifier, err = r.d.ownVerifier(ctx, h, p)
	return c, err
}

// ownVerifier makes the verifier of a block of which rows are here.
func (d *DHT) ownVerifier(ctx context.Context, h types.Header, p coding.Params) (*coding.Verifier, error) {
	if v := d.verifiers.get(h.Commitment); v != nil {
		return v, nil
	}
	raw, err := d.opening(ctx, h.Commitment)
	if err != nil {
		return nil, err
	}
	if raw == nil {
		return nil, ErrNotFound
	}
	return d.learnOpening(raw, &h, p)
}

// count looks for rows and returns those that nobody has, ascending.
func (c *census) count(ctx context.Context, indices []uint32) (missing []uint32) {
	table, r := c.r.witnesses(), c.r.d.cfg.Replicas
	for _, i := range indices {
		c.candidates[i] = nearest(table, Key(c.header.Commitment, i), 2*r)
	}
	for {
		groups := c.nextAsked(indices)
		if len(groups) == 0 || ctx.Err() != nil {
			break
		}
		c.ask(ctx, groups)
	}
	for _, i := range indices {
		if _, ok := c.live[i]; !ok {
			missing = append(missing, i)
		}
	}
	return missing
}

// nextAsked takes the next candidate of every row that has no holder yet.
func (c *census) nextAsked(indices []uint32) map[peer.ID][]uint32 {
	groups := make(map[peer.ID][]uint32)
	for _, i := range indices {
		if _, ok := c.live[i]; ok || len(c.candidates[i]) == 0 {
			continue
		}
		p := c.candidates[i][0]
		c.candidates[i] = c.candidates[i][1:]
		groups[p] = append(groups[p], i)
	}
	return groups
}

// ask asks holders which rows they have, and makes some of them show one.
func (c *census) ask(ctx context.Context, groups map[peer.ID][]uint32) {
	answers := make(map[peer.ID][]uint32)
	var mu sync.Mutex
	var wg sync.WaitGroup
	slots := make(chan struct{}, censusParallel)
	for p, indices := range groups {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			has, err := c.r.d.hasAt(ctx, p, c.header.Commitment, indices)
			if err != nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			answers[p] = has
		})
		if p != c.r.d.host.ID() {
			c.cost += questionBytes + 4*int64(len(indices))
		}
	}
	wg.Wait()
	for p, has := range answers {
		if len(has) == 0 || !c.believe(ctx, p, has) {
			continue
		}
		for _, i := range has {
			c.live[i] = p
		}
	}
}

// believe makes a holder show one of the rows that it says it has, once, while there are shows left.
func (c *census) believe(ctx context.Context, p peer.ID, has []uint32) bool {
	if c.trusted[p] || c.shows == 0 {
		return true
	}
	c.shows--
	i := has[rand.IntN(len(has))]
	var s coding.Shard
	given := false
	err := c.r.d.get(ctx, p, c.header.Commitment, c.params, []uint32{i}, func(got coding.Shard) { s, given = got, true })
	c.cost += int64(c.params.ShardSize()) + questionBytes
	switch {
	case err != nil && !given && !isLie(err):
		return false // of the line, perhaps; it counts as not having them
	case !given:
		c.r.doubt(p)
		return false
	}
	if err := c.verifier.Verify(s); err != nil {
		if isLie(err) {
			c.r.d.lied(p, err.Error())
		}
		c.r.doubt(p)
		return false
	}
	c.trusted[p] = true
	c.shown[i] = s
	return true
}

// lookUp searches missing rows by Kademlia, as long as it finds any, and returns those still missing: where the table does
// not name every server, others may be nearer than those it names.
func (c *census) lookUp(ctx context.Context, missing []uint32) []uint32 {
	if c.r.d.servers.whole.Load() {
		return missing
	}
	for group := range slices.Chunk(missing, searchParallel) {
		found := make([]bool, len(group))
		var wg sync.WaitGroup
		for j, i := range group {
			wg.Go(func() { found[j] = c.r.d.lookup(ctx, Key(c.header.Commitment, i)) != nil })
		}
		wg.Wait()
		hits := 0
		for j, i := range group {
			c.cost += lookupQuestions * questionBytes
			if found[j] {
				c.cost += int64(c.params.ShardSize())
				missing = without(missing, []uint32{i})
				hits++
			}
		}
		if hits == 0 {
			break
		}
	}
	return missing
}

// hasAt asks a holder, which may be this node, which rows it has.
func (d *DHT) hasAt(ctx context.Context, holder peer.ID, c types.Hash, indices []uint32) ([]uint32, error) {
	if holder != d.host.ID() {
		return d.Has(ctx, holder, c, indices)
	}
	if d.cutter.keeps(c) {
		return indices, nil
	}
	held, err := d.rows.indices(ctx, c)
	if err != nil {
		return nil, err
	}
	return without(indices, without(indices, held)), nil
}
