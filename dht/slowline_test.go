package dht_test

import (
	"context"
	"testing"
	"time"

	"github.com/etherscale/bedrock/dht"
	"github.com/etherscale/bedrock/dht/swarm"
)

// Over lines of 10 Mbit/s, with an upload limit and without, a large block is placed without one offer timing out.
func TestHomeLine(t *testing.T) {
	for name, upload := range map[string]int64{"limited": 1_100_000, "not limited": 0} {
		t.Run(name, func(t *testing.T) {
			swarm.Virtual(func() {
				n, err := swarm.New(swarm.Config{Hosts: 10, Seed: 1, Line: 10_000_000, Change: func(_ int, c *dht.Config) { c.Upload = upload }})
				if err != nil {
					t.Fatal(err)
				}
				defer n.Close()
				b, err := n.Certify(4 << 20)
				if err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				reports, err := n.Publish(context.Background(), b)
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("placed in %s", time.Since(start))
				for i, r := range reports {
					if r.Failed != 0 || r.Placed != r.Rows {
						t.Errorf("member %d: %+v", i, r)
					}
				}
			})
		})
	}
}
