package swarm

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"
)

// SurvivalConfig is a test of what is left after a catastrophe. Zero values mean the defaults named.
type SurvivalConfig struct {
	Hosts int   // servers, members included; 100
	Lost  int   // percent of them that vanish at once, the whole committee among them; 80
	Seeds int   // networks; 20
	Sizes []int // bytes of the blocks that each network holds; one that is decoded whole, 128 KiB, 1 MiB
	Seed  uint64
	// Progress, if set, is told after each network.
	Progress func(done, total int)
}

// SurvivalReport says what could be rebuilt.
type SurvivalReport struct {
	Seeds   int `json:"seeds"`
	Blocks  int `json:"blocks"`
	Rebuilt int `json:"rebuilt"` // byte for byte
	// SlowestMs is the longest rebuild, in virtual time: one client with a line of 20 Mbit/s, most whom it asks being gone.
	SlowestMs float64 `json:"slowestMs"`
	// Rows is the smallest share of a block's rows that still had a holder.
	Rows float64 `json:"rows"`
}

// rebuildLimit is how long one client may try, in virtual time.
const rebuildLimit = 20 * time.Minute

// Survival has networks publish blocks, silences most of the peers at once, the whole committee included, and lets a light
// client that knew the network before rebuild every block from the rows that are left. Nobody repairs anything meanwhile.
func Survival(ctx context.Context, cfg SurvivalConfig) (SurvivalReport, error) {
	setDefault(&cfg.Hosts, 100)
	setDefault(&cfg.Lost, 80)
	setDefault(&cfg.Seeds, 20)
	if len(cfg.Sizes) == 0 {
		cfg.Sizes = []int{40_000, 128 << 10, 1 << 20}
	}
	if cfg.Progress == nil {
		cfg.Progress = func(int, int) {}
	}
	total, errs := SurvivalReport{Rows: 1}, make(chan error, cfg.Seeds)
	var mu sync.Mutex
	var wg sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i := range cfg.Seeds {
		slots <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		wg.Go(func() {
			defer func() { <-slots }()
			var r SurvivalReport
			var err error
			Virtual(func() { r, err = cfg.survive(cfg.Seed + uint64(i)) })
			if err != nil {
				errs <- fmt.Errorf("swarm: seed %d: %w", cfg.Seed+uint64(i), err)
			}
			mu.Lock()
			defer mu.Unlock()
			total.Seeds++
			total.Blocks += r.Blocks
			total.Rebuilt += r.Rebuilt
			total.SlowestMs = max(total.SlowestMs, r.SlowestMs)
			total.Rows = min(total.Rows, r.Rows)
			cfg.Progress(total.Seeds, cfg.Seeds)
		})
	}
	wg.Wait()
	select {
	case err := <-errs:
		return total, err
	default:
		return total, ctx.Err()
	}
}

// survive plays one network.
func (cfg SurvivalConfig) survive(seed uint64) (SurvivalReport, error) {
	r := SurvivalReport{Rows: 1}
	n, err := New(Config{Hosts: cfg.Hosts, Seed: seed})
	if err != nil {
		return r, err
	}
	defer n.Close()
	light, err := n.AddLight(context.Background())
	if err != nil {
		return r, err
	}
	blocks, err := n.publishAll(cfg.Sizes)
	if err != nil {
		return r, err
	}
	n.lose(cfg.Hosts * cfg.Lost / 100)
	for _, b := range blocks {
		left, err := n.share(b)
		if err != nil {
			return r, err
		}
		r.Rows = min(r.Rows, left)
		start := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), rebuildLimit)
		data, err := light.Rebuild(ctx, b)
		cancel()
		r.Blocks++
		if err == nil && bytes.Equal(data, b.Data) {
			r.Rebuilt++
			r.SlowestMs = max(r.SlowestMs, milliseconds(time.Since(start)))
		}
	}
	return r, nil
}

// publishAll makes blocks and publishes one after the other, then waits a little for what holders pass on.
func (n *Network) publishAll(sizes []int) ([]*Block, error) {
	var blocks []*Block
	for _, size := range sizes {
		b, err := n.Certify(size)
		if err != nil {
			return nil, err
		}
		if _, err := n.Publish(context.Background(), b); err != nil {
			return nil, err
		}
		blocks = append(blocks, b)
	}
	time.Sleep(10 * time.Second)
	return blocks, nil
}

// lose silences count peers: the committee first, then others at random.
func (n *Network) lose(count int) {
	members := n.KillShare(n.Members(), count)
	n.KillShare(n.Servers(), count-len(members))
}

// share is the part of a block's rows that some living peer has.
func (n *Network) share(b *Block) (float64, error) {
	held, err := n.Holders(b)
	if err != nil {
		return 0, err
	}
	some := 0
	for _, h := range held {
		if h > 0 {
			some++
		}
	}
	return float64(some) / float64(len(held)), nil
}
