package sequencer

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/etherscale/bedrock/types"
)

// liar is member 3 of a cluster of four whose other members are real: it signs what it likes.
type liar struct {
	c      *cluster
	made   uint64
	sent   int64 // bytes, to one member
	answer func(*types.FetchRequest) *types.FetchResponse
}

// meteredWire counts the bytes that a node asks with, and lets the liar answer.
type meteredWire struct {
	*wire
	l     *liar
	asked *atomic.Int64
}

func (w *meteredWire) Fetch(ctx context.Context, from types.Member, r *types.FetchRequest) (*types.FetchResponse, error) {
	if !r.Log {
		w.asked.Add(int64(len(r.Encode())))
	}
	if from != 3 {
		return w.wire.Fetch(ctx, from, r)
	}
	time.Sleep(2 * w.n.c.delay)
	if w.l.answer == nil {
		return nil, errors.New("no answer")
	}
	return w.l.answer(r), nil
}

func (l *liar) hash() (h types.Hash) {
	l.made++
	binary.BigEndian.PutUint64(h[:], l.made)
	return h
}

// vertex signs a vertex of the round over made-up parents, with receipts of made-up batches.
func (l *liar) vertex(r types.Round, receipts int, parents ...*types.Vertex) *types.Vertex {
	at := now()
	body := types.VertexBody{Parents: types.NewBitmap(4), RuleVersion: l.made}
	for m := range types.Member(4) {
		var digest types.Hash
		for _, p := range parents {
			if p.Author() == m {
				digest = p.Digest()
			}
		}
		if m == 3 && digest == (types.Hash{}) || r == 1 {
			continue
		}
		if digest == (types.Hash{}) {
			digest = l.hash()
		}
		body.Parents.Set(m)
		body.ParentDigests = append(body.ParentDigests, digest)
	}
	for k := range receipts {
		h := l.hash()
		body.Receipts = append(body.Receipts, types.Receipt{Batch: types.BatchIDOf(h[:]), Time: at - types.Time(receipts-k)})
	}
	v := types.NewVertex(types.VertexID{Version: types.Version, Network: l.c.net.id, Round: r, Author: 3, Time: at}, body)
	return v.WithSignature(types.SignDigest(l.c.net.keys[3], v.Digest()))
}

// push shows vertices and bodies to the three honest members, as fast as they take them.
func (l *liar) push(p *types.Push) {
	l.sent += int64(len(p.Encode()))
	for i := range 3 {
		l.c.nodes[i].sequencer().HandlePush(3, p)
	}
	time.Sleep(2 * time.Millisecond)
}

func (l *liar) top() types.Round { return l.c.nodes[0].sequencer().Status().AcceptedRound }

// floods are what the liar tries, each some dozens of the largest messages.
var floods = map[string]func(l *liar){
	"vertices of far rounds": func(l *liar) {
		for k := range types.Round(60) {
			l.push(&types.Push{Vertices: [][]byte{l.vertex(l.top()+900-k, types.MaxReceipts).Encode()}})
		}
	},
	"few vertices of far rounds": func(l *liar) {
		for k := range types.Round(2) {
			l.push(&types.Push{Vertices: [][]byte{l.vertex(l.top()+900-k, types.MaxReceipts).Encode()}})
		}
		time.Sleep(30 * time.Second)
	},
	"few small vertices of far rounds": func(l *liar) {
		for k := range types.Round(250) {
			l.push(&types.Push{Vertices: [][]byte{l.vertex(l.top()+900-k, 20).Encode()}})
		}
		time.Sleep(30 * time.Second)
	},
	"orphans": func(l *liar) {
		for range 60 {
			l.push(&types.Push{Vertices: [][]byte{l.vertex(l.top()+1, types.MaxReceipts).Encode()}})
			time.Sleep(30 * time.Millisecond)
		}
	},
	"small orphans": func(l *liar) {
		for k := range types.Round(4000) {
			l.push(&types.Push{Vertices: [][]byte{l.vertex(l.top()+4000-k, 1).Encode()}})
		}
	},
	"twins": func(l *liar) {
		for range 60 {
			l.push(&types.Push{Vertices: [][]byte{l.vertex(1, types.MaxReceipts).Encode(), l.vertex(1, types.MaxReceipts).Encode()}})
		}
	},
	"an endless past": func(l *liar) {
		known := make(map[types.Hash]*types.Vertex)
		make_ := func(r types.Round, above int) *types.Vertex {
			var parents []*types.Vertex
			if r > 1 && above > 0 {
				p := l.vertex(r-1, 200)
				known[p.Digest()], parents = p, append(parents, p)
			}
			v := l.vertex(r, 200, parents...)
			known[v.Digest()] = v
			return v
		}
		l.answer = func(r *types.FetchRequest) *types.FetchResponse {
			answer := new(types.FetchResponse)
			for _, digest := range r.Vertices {
				if v := known[digest]; v != nil {
					answer.Vertices = append(answer.Vertices, v.Encode())
					l.sent += int64(len(v.Encode())) / 3 // each of the three asks
				}
			}
			return answer
		}
		for range 60 {
			l.push(&types.Push{Vertices: [][]byte{make_(l.top()+2, 1).Encode()}})
			time.Sleep(30 * time.Millisecond)
		}
	},
	"evidence": func(l *liar) {
		for range 200 {
			a, b := l.vertex(1, 0), l.vertex(1, 0)
			v := l.vertex(l.top()+1, types.MaxReceipts)
			body := *v.Body()
			body.Evidence = []types.Equivocation{types.NewEquivocation(a.Signed(), b.Signed())}
			w := types.NewVertex(v.ID(), body)
			l.push(&types.Push{Vertices: [][]byte{w.WithSignature(types.SignDigest(l.c.net.keys[3], w.Digest())).Encode()}})
		}
	},
	"bytes that are no vertices": func(l *liar) {
		for range 60 {
			v := l.vertex(l.top()+1, types.MaxReceipts).WithSignature(types.Signature{1})
			l.push(&types.Push{Vertices: [][]byte{v.Encode(), make([]byte, types.MaxVertexBytes), make([]byte, 1<<20)}})
		}
	},
	"bodies": func(l *liar) {
		for range 60 {
			p := new(types.Push)
			for range 20 {
				h := l.hash()
				envelope := append(h[:], make([]byte, 120<<10)...)
				body, _ := testBatch(l.c.t, string(envelope))
				p.Batches = append(p.Batches, body)
			}
			l.push(p)
		}
	},
	"many small bodies": func(l *liar) {
		for range 60 {
			p := new(types.Push)
			for range 500 {
				h := l.hash()
				envelopes := make([][]byte, 1000)
				for i := range envelopes {
					envelopes[i] = append(h[:8:8], byte(i), byte(i>>8))
				}
				body, err := types.EncodeBatch(envelopes)
				if err != nil {
					l.c.t.Fatal(err)
				}
				if p.Batches = append(p.Batches, body); len(p.Batches) > 100 {
					break
				}
			}
			l.push(p)
		}
	},
}

// TestFloodsAreBounded: whatever a member sends, the others' memory grows by no more than its rooms, they ask with no more
// than three times what it sends, and they go on ordering.
func TestFloodsAreBounded(t *testing.T) {
	const ceiling = 3 * 24 << 20 // of all three members: their rooms for the liar, queues, caches
	for name, flood := range floods {
		if short := name == "few vertices of far rounds" || name == "many small bodies"; testing.Short() && !short {
			continue
		}
		t.Run(name, func(t *testing.T) {
			inCluster(t, 4, func(c *cluster) {
				l := &liar{c: c}
				var asked [3]atomic.Int64
				for i, n := range c.nodes[:3] {
					n.batches.refuse = true
					n.start(func(cfg *Config) { cfg.Streams = &meteredWire{cfg.Streams.(*wire), l, &asked[i]} })
				}
				c.submit(0, 20)
				c.await(20, 30*time.Second, 0, 1, 2)
				before, askedBefore := heapBytes(), asked[0].Load()
				flood(l)
				c.submit(20, 40)
				grown := heapBytes() - before
				c.await(40, 10*time.Second, 0, 1, 2)
				time.Sleep(20 * time.Second)
				after := heapBytes() - before
				out := asked[0].Load() - askedBefore
				t.Logf("sent %d KiB to each; all three grew by %d KiB, later %d; one asked with %d KiB", l.sent>>10, grown>>10, after>>10, out>>10)
				if grown > ceiling || after > ceiling {
					t.Errorf("memory grew by %d MiB, later %d", grown>>20, after>>20)
				}
				if out > 3*l.sent {
					t.Errorf("%d bytes in, %d out", l.sent, out)
				}
				runtime.KeepAlive(fmt.Sprint(c.nodes[0].sequencer().Status()))
			})
		})
	}
}

func heapBytes() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
