package dht

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/etherscale/bedrock/types"
)

const (
	// roundEvery is the time between two looks at who is there; a tenth more or less, by chance.
	roundEvery = 30 * time.Second
	// roundRest is how much longer than a look took the next one is away at least: looks take a hundredth of a core.
	roundRest = 99
	// wholesEvery is how often the list of whole blocks is read from the disk.
	wholesEvery = 2 * time.Minute
	// knockEach is the number of silent servers tried again in a round, knockParallel of them at once.
	knockEach     = 64
	knockParallel = 16
	// pollEvery is how often the repairer looks for something due.
	pollEvery = time.Second
	// quietRate bounds, in bytes a second, what questions cost while they find nothing missing; busyRate while they do.
	quietRate = 128
	busyRate  = 32 << 10
	// quietBurst is how far ahead of quietRate questions may be that a change of the roster makes likely to find something.
	quietBurst = 10 * time.Minute
	// copyRate bounds, in bytes a second, the rows that a node sends for repair.
	copyRate = 512 << 10
	// restFor is how much longer than it took to find out who is near the repairer rests: that takes a tenth of a core.
	restFor = 9
	// questionBytes is what a question and its answer cost beside the indices, on the wire.
	questionBytes = 400
	// avoidFor is how long a server gets no rows for repair after it said that it is full or broke its word.
	avoidFor = 10 * time.Minute
	doubtFor = time.Hour
)

// RepairStats counts what repair did since the start, and what it knows of the blocks that this node holds rows of.
type RepairStats struct {
	Looks   uint64 // blocks whose copies were looked at by asking others
	Copied  uint64 // rows that others took when copies were looked at
	Checks  uint64 // estimates of live rows
	Begun   uint64 // rebuilds begun
	Ended   uint64 // of these, those that ended well
	Failed  uint64 // those that did not
	Pushed  uint64 // rows that rebuilds gave back to the network
	Asked   uint64 // bytes of questions and of rows shown, about
	Beyond  int    // blocks whose rows do not make the committed block: nobody can repair them
	Known   int    // blocks with a known share of live rows
	Newest  Live   // the newest of these
	Lowest  Live   // the one with the lowest share
	Pending int    // alarms: blocks with few live rows that are to be rebuilt
}

// Live is the share of a block's rows that some server among the nearest has, estimated by a sample.
type Live struct {
	Height types.Height
	Share  float64 // 0 to 1
}

// repairer is the driver of repair: it walks over the blocks that this node holds rows of, gives the nearest servers
// copies that they lack, counts live rows, and rebuilds blocks that have too few.
type repairer struct {
	d *DHT

	mu     sync.Mutex
	plan   *repairPlan
	full   map[peer.ID]time.Time // get no rows until then
	doubts map[peer.ID]time.Time // their word is not believed until then
	crawl  time.Time             // the last crawl for a rebuild
	debt   time.Time             // until when questions about copies that found nothing use up quietRate

	wholes []heldRows // blocks kept whole, as of listed; of the goroutine of rounds
	listed time.Time

	looks, copied, checks, begun, ended, failed, pushed, asked atomic.Uint64
}

func newRepairer(d *DHT) *repairer {
	chance := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	return &repairer{d: d, plan: newRepairPlan(d.host.ID(), d.cfg.Replicas, chance),
		full: make(map[peer.ID]time.Time), doubts: make(map[peer.ID]time.Time)}
}

// run repairs until ctx ends. Copies and checks have a goroutine each, so that a rebuild, which may take minutes, holds no
// copy up.
func (r *repairer) run(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { r.loop(ctx, r.copyNext) })
	wg.Go(func() { r.loop(ctx, r.checkNext) })
	for rest := time.Duration(0); pause(ctx, max(rest, roundEvery*9/10+rand.N(roundEvery/5))); {
		rest = r.round(ctx)
	}
	wg.Wait()
}

// loop calls step, which returns how long to rest for what it did; false if there was nothing to do.
func (r *repairer) loop(ctx context.Context, step func(context.Context) (time.Duration, bool)) {
	for {
		rest, did := step(ctx)
		if !did {
			rest = pollEvery
		}
		if !pause(ctx, rest) {
			return
		}
	}
}

// pause waits; false if ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// round looks who is there and what is held, and returns how long to rest for it: with very many blocks, longer.
func (r *repairer) round(ctx context.Context) time.Duration {
	r.knock(ctx)
	start := time.Now()
	held, err := r.held(ctx)
	if err != nil {
		if ctx.Err() == nil {
			r.d.log.Warn("repair does not know what is held", "error", err)
		}
		return 0
	}
	roster, lost := r.takers(), r.d.servers.lost()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.plan.look(time.Now(), roster, lost, held)
	return roundRest * time.Since(start)
}

// knock asks servers that failed to answer whether they are back; sweeps of large networks come by too seldom.
func (r *repairer) knock(ctx context.Context) {
	silent := r.d.servers.silent()
	rand.Shuffle(len(silent), func(i, j int) { silent[i], silent[j] = silent[j], silent[i] })
	var wg sync.WaitGroup
	slots := make(chan struct{}, knockParallel)
	for _, p := range silent[:min(len(silent), knockEach)] {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			r.d.askOne(ctx, p)
		})
	}
	wg.Wait()
}

// takers is the roster without those that can take nothing or keep no word.
func (r *repairer) takers() []server {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	return leaveOut(leaveOut(r.d.servers.roster(), r.doubts, now), r.full, now)
}

// witnesses are all servers known that keep their word.
func (r *repairer) witnesses() []server {
	r.mu.Lock()
	defer r.mu.Unlock()
	return leaveOut(r.d.servers.readable(), r.doubts, time.Now())
}

// unreliable are those that get no rows.
func (r *repairer) unreliable() map[peer.ID]bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make(map[peer.ID]bool)
	for p := range r.full {
		out[p] = true
	}
	for p := range r.doubts {
		out[p] = true
	}
	return out
}

// leaveOut leaves out those on a list; entries whose time is over go.
func leaveOut(table []server, list map[peer.ID]time.Time, now time.Time) []server {
	for p, until := range list {
		if now.After(until) {
			delete(list, p)
		}
	}
	out := table[:0:0]
	for _, s := range table {
		if _, listed := list[s.id]; !listed {
			out = append(out, s)
		}
	}
	return out
}

// avoid passes a server over that has no room.
func (r *repairer) avoid(p peer.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.full[p] = time.Now().Add(avoidFor)
}

// doubt notes that a server does not give what it says it has.
func (r *repairer) doubt(p peer.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.doubts[p] = time.Now().Add(doubtFor)
	r.d.log.Info("a server does not give the rows that it says it has; repair passes it over", "peer", p.String())
}

// held lists the blocks that this node has rows of, or whole.
func (r *repairer) held(ctx context.Context) ([]heldRows, error) {
	out := r.d.rows.list()
	if r.d.cutter.blocks == nil {
		return out, nil
	}
	if time.Since(r.listed) < wholesEvery {
		return append(out, r.wholes...), nil
	}
	r.wholes = nil
	err := r.d.rows.wholes(ctx, func(w wholeBlock) bool {
		if ch, ok := r.d.cfg.Headers.HeaderByCommitment(w.commitment); ok {
			r.wholes = append(r.wholes, heldRows{w.commitment, ch.Header.Height, ch.Header.DataLength})
		}
		return ctx.Err() == nil
	})
	if err == nil {
		r.listed = time.Now()
	}
	return append(out, r.wholes...), err
}

// list names the blocks of which rows are held.
func (r *rows) list() []heldRows {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]heldRows, 0, len(r.blocks))
	for c, b := range r.blocks {
		out = append(out, heldRows{c, b.height, b.params.Length})
	}
	return out
}

// indices lists the rows of a block that are held, ascending.
func (r *rows) indices(ctx context.Context, c types.Hash) ([]uint32, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.blocks[c] == nil {
		return nil, nil
	}
	key := blockKey(c)
	value, err := r.store.Get(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("dht: read held block: %w", err)
	}
	_, b, held, err := decodeHeld(key.String(), value)
	if err != nil {
		return nil, err
	}
	var out []uint32
	for i := range uint32(b.params.N) {
		if held.has(int(i)) {
			out = append(out, i)
		}
	}
	return out, nil
}

// stats adds up what is known.
func (r *repairer) stats() RepairStats {
	s := RepairStats{Looks: r.looks.Load(), Copied: r.copied.Load(), Checks: r.checks.Load(), Begun: r.begun.Load(),
		Ended: r.ended.Load(), Failed: r.failed.Load(), Pushed: r.pushed.Load(), Asked: r.asked.Load()}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.plan.survey(&s)
	return s
}

// Health is the share of a block's rows that lived when this node last looked; false if it never did.
func (d *DHT) Health(commitment types.Hash) (float64, bool) {
	d.repair.mu.Lock()
	defer d.repair.mu.Unlock()
	b := d.repair.plan.blocks[commitment]
	if b == nil || b.share < 0 {
		return 0, false
	}
	return b.share, true
}
