package dht

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	// hedgeAfter is how long a holder may think before the next nearest is asked too.
	hedgeAfter = 700 * time.Millisecond
	// askTimeout bounds one question to one holder.
	askTimeout = 10 * time.Second
	// searchTimeout bounds one Kademlia lookup, searchParallel the number of them at once.
	searchTimeout  = 10 * time.Second
	searchParallel = 8
)

// Judge decides on an answer: true if it settles the row, false if it is the peer's lie and others shall be asked. It is
// called from the goroutine that called Rows.
type Judge = func(from string, s coding.Shard) bool

// hunt is one call of Rows: an event loop over the answers of holders.
type hunt struct {
	d       *DHT
	header  types.Header
	params  coding.Params
	judge   Judge
	open    map[uint32]*quarry
	results chan haul
	running int
}

// quarry is a row not yet found.
type quarry struct {
	holders []peer.ID // in the order of asking
	next    int
	asked   int // questions under way
	noes    int // holders that answered without having it
}

// haul is the outcome of one question to one holder.
type haul struct {
	from    peer.ID
	indices []uint32
	shards  map[uint32]coding.Shard
	err     error
	hedge   bool // not an outcome: the holder has been thinking for long
}

// Rows fetches rows of a block and hands each answer to judge. Asked are: the own store; directly the 2r nearest
// servers, all rows of a holder in one stream, the next nearest as soon as one fails, lies or is slow; then Kademlia
// lookups; then the last resort. It returns nil when judge settled every row, else ErrNotFound or the context's error.
// indices are below N of the header's block.
func (d *DHT) Rows(ctx context.Context, h types.Header, indices []uint32, judge Judge) error {
	p, err := coding.ParamsFor(h.DataLength)
	if err != nil {
		return fmt.Errorf("dht: block %d: %w", h.Height, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	hunt := &hunt{d: d, header: h, params: p, judge: judge, open: make(map[uint32]*quarry), results: make(chan haul)}
	if err := hunt.begin(ctx, sorted(indices)); err != nil {
		return err
	}
	hunt.direct(ctx)
	hunt.search(ctx)
	hunt.lastResort(ctx)
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(hunt.open) > 0 {
		return fmt.Errorf("%w: %d rows of block %d", ErrNotFound, len(hunt.open), h.Height)
	}
	return nil
}

// begin settles what the own store has and lists the holders of the rest, the r nearest in random order, so that their
// load is even.
func (u *hunt) begin(ctx context.Context, indices []uint32) error {
	table, r := u.d.servers.list(), u.d.cfg.Replicas
	block := u.d.cutter.block(u.header.Commitment)
	for _, i := range indices {
		if int(i) >= u.params.N {
			return fmt.Errorf("dht: no row %d in block %d of %d rows", i, u.header.Height, u.params.N)
		}
		u.open[i] = &quarry{}
		raw, err := u.d.shard(ctx, block, u.header.Commitment, i)
		if err == nil && raw != nil {
			u.settle(i, u.d.host.ID().String(), raw)
		}
		if u.open[i] == nil {
			continue
		}
		for _, p := range nearest(table, Key(u.header.Commitment, i), 2*r) {
			if p != u.d.host.ID() && u.d.door.open(p) {
				u.open[i].holders = append(u.open[i].holders, p)
			}
		}
		first := u.open[i].holders[:min(r, len(u.open[i].holders))]
		rand.Shuffle(len(first), func(a, b int) { first[a], first[b] = first[b], first[a] })
	}
	return nil
}

// settle judges an encoded shard; false if it is not the row.
func (u *hunt) settle(index uint32, from string, raw []byte) bool {
	s, err := coding.UnmarshalShard(raw, u.params)
	if err != nil || s.Index != index || !u.judge(from, s) {
		return false
	}
	delete(u.open, index)
	return true
}

// direct asks holders until every row is settled or has no holder left.
func (u *hunt) direct(ctx context.Context) {
	u.dispatch(ctx, keys(u.open))
	for u.running > 0 && len(u.open) > 0 {
		select {
		case <-ctx.Done():
			return
		case got := <-u.results:
			u.take(ctx, got)
		}
	}
}

func keys(open map[uint32]*quarry) []uint32 {
	out := make([]uint32, 0, len(open))
	for i := range open {
		out = append(out, i)
	}
	return sorted(out)
}

// dispatch asks the next holder of each row.
func (u *hunt) dispatch(ctx context.Context, indices []uint32) {
	groups := make(map[peer.ID][]uint32)
	for _, i := range indices {
		q := u.open[i]
		if q == nil || q.next == len(q.holders) {
			continue
		}
		groups[q.holders[q.next]] = append(groups[q.holders[q.next]], i)
		q.next++
		q.asked++
	}
	for holder, group := range groups {
		u.running++
		go u.ask(ctx, holder, group)
	}
}

// ask puts one question and reports; when the holder is slow, it reports that first.
func (u *hunt) ask(ctx context.Context, holder peer.ID, indices []uint32) {
	done := make(chan haul, 1)
	go func() {
		shards, err := u.d.get(ctx, holder, u.header.Commitment, u.params, indices)
		done <- haul{from: holder, indices: indices, shards: shards, err: err}
	}()
	hedge := time.NewTimer(hedgeAfter)
	defer hedge.Stop()
	for {
		var got haul
		select {
		case got = <-done:
		case <-hedge.C:
			got = haul{from: holder, indices: indices, hedge: true}
		case <-ctx.Done():
			return
		}
		select {
		case u.results <- got:
		case <-ctx.Done():
			return
		}
		if !got.hedge {
			return
		}
	}
}

func (u *hunt) take(ctx context.Context, got haul) {
	if got.hedge {
		u.dispatch(ctx, got.indices)
		return
	}
	u.running--
	var again []uint32
	lie := got.err
	for _, i := range got.indices {
		q := u.open[i]
		if q == nil {
			continue
		}
		q.asked--
		s, answered := got.shards[i]
		if answered && u.judge(got.from.String(), s) {
			delete(u.open, i)
			continue
		}
		switch {
		case answered:
			lie = fmt.Errorf("%w: row %d of block %d", ErrRecord, i, u.header.Height)
		case got.err == nil:
			q.noes++
		}
		if q.asked == 0 {
			again = append(again, i)
		}
	}
	if isLie(lie) {
		u.d.lied(got.from, lie.Error())
	}
	u.dispatch(ctx, again)
}

// get asks one holder for rows. What it does not send it does not have.
func (d *DHT) get(ctx context.Context, holder peer.ID, c types.Hash, p coding.Params, indices []uint32) (map[uint32]coding.Shard, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	s, err := d.open(ctx, holder)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = s.Reset() })
	defer stop()
	a, err := question(s, &request{kind: kindGet, commitment: c, indices: indices})
	if err != nil {
		_ = s.Reset()
		return nil, err
	}
	shards := make(map[uint32]coding.Shard)
	for _, i := range a.marks.pick(indices) {
		got, err := readShard(s, p, i)
		if err != nil {
			_ = s.Reset()
			return shards, err
		}
		shards[i] = got
	}
	return shards, s.Close()
}
