package dht

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	// askTimeout bounds one question to one holder.
	askTimeout = 10 * time.Second
	// searchTimeout bounds one Kademlia lookup, searchParallel the number of them at once.
	searchTimeout  = 10 * time.Second
	searchParallel = 8
	// maxKeepers is how many members of the committee, which keep blocks whole, are asked after the holders.
	maxKeepers = 3
)

// Judge decides on an answer: true if it settles the row, false if it is the peer's lie and others shall be asked. It is
// called from the goroutine that called Rows, and may take its time: others are asked meanwhile.
type Judge = func(from string, s coding.Shard) bool

// Rows fetches rows of a block and hands each answer to judge. Asked are: the own store; the 2r nearest servers, over
// whichever of the r nearest is connected first, all rows of a holder in one stream; the next holder as soon as one
// fails, lies, or takes longer than others did; then members of the committee, which keep whole blocks; and where the
// table of servers may be incomplete, Kademlia lookups. A row is asked of a second holder only when the first is late,
// and the slower of two is cut off. It returns nil when judge settled every row, else ErrNotFound or the context's error.
// indices are below N of the header's block.
func (d *DHT) Rows(ctx context.Context, h types.Header, indices []uint32, judge Judge) error {
	return d.fetch(ctx, h, indices, judge, false)
}

// fetch is Rows. alone leaves out whole blocks, the own one and those that members of the committee keep.
func (d *DHT) fetch(ctx context.Context, h types.Header, indices []uint32, judge Judge, alone bool) error {
	p, err := coding.ParamsFor(h.DataLength)
	if err != nil {
		return fmt.Errorf("dht: block %d: %w", h.Height, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	u := newHunt(d, h, p)
	u.alone = alone
	if err := u.begin(ctx, sorted(indices), judge); err != nil {
		return err
	}
	go u.run(ctx)
	for found := range u.found {
		found.ok, found.back = judge(found.from, found.shard), true
		u.report(ctx, found)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(u.open) > 0 {
		return fmt.Errorf("%w: %d rows of block %d", ErrNotFound, len(u.open), h.Height)
	}
	return nil
}

// begin settles what the own store has and lists whom to ask for the rest.
func (u *hunt) begin(ctx context.Context, indices []uint32, judge Judge) error {
	table, keepers := u.d.servers.readable(), []peer.ID(nil)
	var block *coding.Block
	if !u.alone {
		keepers, block = u.d.members(u.header), u.d.cutter.block(u.header.Commitment)
	}
	for _, i := range indices {
		if int(i) >= u.params.N {
			return fmt.Errorf("dht: no row %d in block %d of %d rows", i, u.header.Height, u.params.N)
		}
		raw, err := u.d.shard(ctx, block, u.header.Commitment, i)
		if err == nil && raw != nil {
			s, err := coding.UnmarshalShard(raw, u.params)
			if err == nil && s.Index == i && judge(u.d.host.ID().String(), s) {
				continue
			}
		}
		q := &quarry{}
		q.holders, q.near = u.d.holders(table, Key(u.header.Commitment, i))
		for _, p := range keepers {
			if !slices.Contains(q.holders, p) {
				q.holders = append(q.holders, p)
			}
		}
		q.tried = make([]bool, len(q.holders))
		u.open[i] = q
	}
	return nil
}

// holders are the servers to ask for a row, in this order, and how many of them should have it: of the r nearest those
// connected first, then in random order, so that their load is even; then the next r, in case the own table differs from
// the publisher's. Who was late of late comes last of its kind.
func (d *DHT) holders(table []server, key string) (order []peer.ID, near int) {
	r := d.cfg.Replicas
	for _, p := range nearest(table, key, 2*r) {
		if p != d.host.ID() && d.door.open(p) {
			order = append(order, p)
		}
	}
	near = min(r, len(order))
	d.sortByReach(order[:near])
	d.sortByReach(order[near:])
	return order, near
}

// sortByReach puts connected peers first and doubtful ones last, in random order otherwise.
func (d *DHT) sortByReach(peers []peer.ID) {
	rank := make(map[peer.ID]int, len(peers))
	for _, p := range peers {
		if !d.connected(p) {
			rank[p] = 1
		}
		if d.pace.doubtful(p) {
			rank[p] += 2
		}
	}
	rand.Shuffle(len(peers), func(a, b int) { peers[a], peers[b] = peers[b], peers[a] })
	slices.SortStableFunc(peers, func(a, b peer.ID) int { return rank[a] - rank[b] })
}

// members are a few of those that certified the block and keep it whole, connected ones first.
func (d *DHT) members(h types.Header) []peer.ID {
	var out []peer.ID
	for p := range d.keepers(h.Commitment) {
		if p != d.host.ID() && d.door.open(p) {
			out = append(out, p)
		}
	}
	d.sortByReach(out)
	return out[:min(len(out), maxKeepers)]
}

// get asks a connected holder for rows and hands each on as it comes. What it does not send it does not have.
func (d *DHT) get(ctx context.Context, holder peer.ID, c types.Hash, p coding.Params, indices []uint32, each func(coding.Shard)) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	done, err := d.inquirers.take(ctx, holder)
	if err != nil {
		return err
	}
	defer done()
	s, err := d.quickly(ctx, holder)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = s.Reset() })
	defer stop()
	start := time.Now()
	a, err := question(s, &request{kind: kindGet, commitment: c, indices: indices})
	if err != nil {
		_ = s.Reset()
		return err
	}
	d.pace.answered(holder, time.Since(start))
	for _, i := range a.marks.pick(indices) {
		got, err := readShard(s, p, i)
		if err != nil {
			_ = s.Reset()
			return err
		}
		each(got)
	}
	_ = s.Close() // fails where the other side stopped reading first, which says nothing of the answer
	return nil
}
