package swarm

import (
	"context"
	"errors"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// SeedingConfig is a measurement of publishing. Zero values mean the defaults named.
type SeedingConfig struct {
	Hosts int // servers, members included; 100
	Size  int // bytes of the block; 8 MiB
	Seed  uint64
	// Progress, if set, is told how many rows have all their holders.
	Progress func(done, total int)
}

// SeedingReport says how long publishing took, in virtual time from the moment at which all members begin.
type SeedingReport struct {
	Rows       int     `json:"rows"`
	LineMs     float64 `json:"lineMs"`    // all rows once over the members' lines and nothing else: the bound
	OneMs      float64 `json:"oneMs"`     // until every row has a holder
	AllMs      float64 `json:"allMs"`     // until every row has all its holders
	ReturnMs   float64 `json:"returnMs"`  // until the last member's Publish returned
	Ratio      float64 `json:"ratio"`     // AllMs / LineMs
	OneRatio   float64 `json:"oneRatio"`  // OneMs / LineMs
	MemberSent int64   `json:"sentBytes"` // by all members, headers of packets included
	OtherSent  int64   `json:"handedOnBytes"`
	Copies     int     `json:"copies"` // that the members counted
	Missing    int     `json:"missing"`
}

const (
	// look is how often the disks are looked at.
	look = 20 * time.Millisecond
	// seedingLimit is when a measurement of publishing gives up.
	seedingLimit = 10 * time.Minute
)

// errSeeding says that rows did not reach their holders.
var errSeeding = errors.New("swarm: rows did not reach all their holders in ten minutes")

// Seeding measures how long the members of a committee take to publish a block together. They do not
// pace what they send: the line is all theirs.
func Seeding(ctx context.Context, cfg SeedingConfig) (report SeedingReport, err error) {
	setDefault(&cfg.Hosts, 100)
	setDefault(&cfg.Size, 8<<20)
	if cfg.Progress == nil {
		cfg.Progress = func(int, int) {}
	}
	Virtual(func() { report, err = seeding(ctx, cfg) })
	return report, err
}

func seeding(ctx context.Context, cfg SeedingConfig) (SeedingReport, error) {
	n, err := New(Config{Hosts: cfg.Hosts, Seed: cfg.Seed})
	if err != nil {
		return SeedingReport{}, err
	}
	defer n.Close()
	time.Sleep(time.Minute) // the members learn the network
	b, err := n.Certify(cfg.Size)
	if err != nil {
		return SeedingReport{}, err
	}
	p := b.Coded.Params()
	bits := float64(p.N) * float64(p.ShardSize()) * 8
	r := SeedingReport{Rows: p.N, LineMs: 1000 * bits / float64(n.cfg.Line*n.cfg.Members)}
	before := n.sent()
	start := time.Now()
	bubble, cancel := context.WithCancel(context.Background())
	published := make(chan error, 1)
	go func() {
		reports, err := n.Publish(bubble, b)
		for _, one := range reports {
			r.Copies += one.Copies
			r.Missing += one.Missing
		}
		r.ReturnMs = milliseconds(time.Since(start))
		published <- err
	}()
	err = n.follow(ctx, b, &r, cfg.Progress)
	if err != nil {
		cancel()
	}
	err = errors.Join(err, <-published)
	cancel()
	r.Ratio, r.OneRatio = r.AllMs/r.LineMs, r.OneMs/r.LineMs
	after := n.sent()
	r.MemberSent, r.OtherSent = after[0]-before[0], after[1]-before[1]
	return r, err
}

// sent is what members and all others sent so far.
func (n *Network) sent() (sum [2]int64) {
	for _, p := range n.Peers {
		if p.Member >= 0 {
			sum[0] += p.Sent()
		} else {
			sum[1] += p.Sent()
		}
	}
	return sum
}

// follow looks at the disks until every row has its holders.
func (n *Network) follow(ctx context.Context, b *Block, r *SeedingReport, progress func(done, total int)) error {
	t, start := n.track(b), time.Now()
	for r.AllMs == 0 {
		if time.Since(start) > seedingLimit {
			return errSeeding
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		time.Sleep(look)
		one, all, err := t.count()
		if err != nil {
			return err
		}
		progress(all, r.Rows)
		if one == r.Rows && r.OneMs == 0 {
			r.OneMs = milliseconds(time.Since(start))
		}
		if all == r.Rows {
			r.AllMs = milliseconds(time.Since(start))
		}
	}
	return nil
}

// tracker counts holders of rows as they appear.
type tracker struct {
	block  *Block
	places [][]*Peer // that may hold a row and do not yet
	held   []int
}

// track looks for the rows of a block at the 2r servers nearest to each: nobody else takes it.
func (n *Network) track(b *Block) *tracker {
	at := make(map[peer.ID]*Peer)
	for _, p := range n.Peers {
		at[p.ID()] = p
	}
	t := &tracker{block: b, held: make([]int, b.Coded.Params().N)}
	for i, near := range n.nearest(b, 2*Replicas) {
		var places []*Peer
		for j, id := range near {
			switch p := at[id]; {
			case p.Member < 0 || n.cfg.Slim:
				places = append(places, p)
			case j < Replicas:
				t.held[i]++ // it has the whole block
			}
		}
		t.places = append(t.places, places)
	}
	return t
}

// count returns how many rows have a holder, and how many have all of them.
func (t *tracker) count() (one, all int, err error) {
	for i, places := range t.places {
		for j := 0; j < len(places) && t.held[i] < Replicas; {
			has, err := places[j].DHT.Holds(context.Background(), t.block.Coded.Commitment(), uint32(i))
			if err != nil {
				return 0, 0, err
			}
			if !has {
				j++
				continue
			}
			t.held[i]++
			places[j] = places[len(places)-1]
			places = places[:len(places)-1]
		}
		t.places[i] = places
		if t.held[i] > 0 {
			one++
		}
		if t.held[i] >= Replicas {
			all++
		}
	}
	return one, all, nil
}
