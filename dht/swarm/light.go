package swarm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/etherscale/bedrock/dht"
	"github.com/etherscale/bedrock/sampling"
	"github.com/etherscale/bedrock/types"
)

// Light is a light client: a host of its own that serves nothing, found the network through a few servers, and samples.
type Light struct {
	*Peer
	// Grace is how long rows may be missing before the client calls a block unavailable; 0: sampling's own default.
	Grace time.Duration
	n     *Network
}

// contacts is how many servers a light client knows at first.
const contacts = 2

// AddLight starts a light client with the addresses of two random living servers, and gives it a minute to find its way.
func (n *Network) AddLight(ctx context.Context) (*Light, error) {
	lights, err := n.AddLights(ctx, 1)
	if err != nil {
		return nil, err
	}
	return lights[0], nil
}

// AddLights is AddLight for many at once.
func (n *Network) AddLights(ctx context.Context, count int) ([]*Light, error) {
	conns := n.cfg.LightConns
	if conns == [2]int{} {
		conns = serverConns
	}
	lights, errs := make([]*Light, count), make([]error, count)
	var wg sync.WaitGroup
	for i := range lights {
		l := &Light{Peer: &Peer{Index: n.built, Member: -1}, n: n}
		if err := n.build(l.Peer, keyOf(n.cfg.Seed, n.built), publicIP(n.built), conns, dht.Config{}); err != nil {
			return nil, err
		}
		lights[i] = l
		n.lights = append(n.lights, l)
		servers := n.Servers()
		var known []peer.AddrInfo
		for _, j := range n.chance.Perm(len(servers))[:min(contacts, len(servers))] {
			known = append(known, servers[j].Info())
		}
		wg.Go(func() { errs[i] = l.DHT.Bootstrap(ctx, known) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("swarm: light clients: %w", err)
	}
	for _, l := range lights {
		l.run()
	}
	time.Sleep(time.Minute)
	return lights, nil
}

// Sample is what sampling one block once cost and came to.
type Sample struct {
	sampling.Result
	Took     time.Duration // from seeing the header to the verdict, virtual
	Rows     int64         // bytes of answers: rows, openings and what frames them, doubles included
	Received int64         // bytes the client's line brought it meanwhile, handshakes and all included
	Sent     int64
}

// memory is a sampling.Store.
type memory struct {
	mu     sync.Mutex
	values map[types.Height][]byte
}

// Get implements sampling.Store.
func (m *memory) Get(h types.Height) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.values[h], nil
}

// Put implements sampling.Store.
func (m *memory) Put(h types.Height, v []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.values[h] = bytes.Clone(v)
	return nil
}

// Prune implements sampling.Store.
func (m *memory) Prune(below types.Height) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for h := range m.values {
		if h > 0 && h < below {
			delete(m.values, h)
		}
	}
	return nil
}

// errNoVerdict says that a client made up its mind about nothing in time.
var errNoVerdict = errors.New("swarm: no verdict in time")

// Sample has the client sample a block as if it had never seen it, with rows drawn anew, until a verdict or for at most
// patience.
func (l *Light) Sample(ctx context.Context, b *Block, patience time.Duration) (Sample, error) {
	verdicts := make(chan sampling.Result, 1)
	client, err := sampling.New(sampling.Config{
		Headers: single{l.n.Chain, b.Header}, Rows: l.DHT, Openings: l.DHT, Grace: l.Grace, Store: &memory{values: make(map[types.Height][]byte)},
		Verdict: func(r sampling.Result) {
			if r.Verdict != sampling.Pending {
				select {
				case verdicts <- r:
				default:
				}
			}
		},
	})
	if err != nil {
		return Sample{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	before, start, done := l.wire.traffic(), time.Now(), make(chan struct{})
	go func() {
		defer close(done)
		_ = client.Run(ctx) // ends with ctx
	}()
	defer func() { cancel(); <-done }()
	select {
	case r := <-verdicts:
		after := l.wire.traffic()
		return Sample{Result: r, Took: time.Since(start), Rows: after.rows - before.rows,
			Received: after.received - before.received, Sent: after.sent - before.sent}, nil
	case <-ctx.Done():
		return Sample{}, errNoVerdict
	}
}

// Rebuild fetches the data of a block from its rows alone.
func (l *Light) Rebuild(ctx context.Context, b *Block) ([]byte, error) {
	return sampling.Rebuild(ctx, l.DHT, l.DHT, b.Header.Header)
}
