package gossip

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/etherscale/bedrock/types"
)

func drawPush(t *rapid.T, largest int) *types.Push {
	items := func(what string) [][]byte {
		sizes := rapid.SliceOfN(rapid.IntRange(0, largest), 0, 12).Draw(t, what)
		out := make([][]byte, len(sizes))
		for i, n := range sizes {
			out[i] = make([]byte, n)
			if n > 0 {
				out[i][0] = byte(i)
			}
		}
		return out
	}
	return &types.Push{Epoch: types.Epoch(rapid.Uint64().Draw(t, "epoch")), Batches: items("batches"), Vertices: items("vertices")}
}

// The parts of a push hold what it held, in its order, bodies first, and each is within the limit when encoded.
func TestSplitPush(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const limit = 2000
		p := drawPush(t, 1900)
		if size, encoded := pushSize(p), len(p.Encode()); encoded > size {
			t.Fatalf("encodes to %d bytes, expected at most %d", encoded, size)
		}
		whole := &types.Push{Epoch: p.Epoch}
		for _, part := range splitPush(p, limit) {
			if len(part.Encode()) > limit {
				t.Fatalf("a part of %d bytes", len(part.Encode()))
			}
			if len(whole.Vertices) > 0 && len(part.Batches) > 0 {
				t.Fatal("a body after a vertex")
			}
			if part.Epoch != p.Epoch {
				t.Fatal("a part of another epoch")
			}
			whole.Batches = append(whole.Batches, part.Batches...)
			whole.Vertices = append(whole.Vertices, part.Vertices...)
		}
		if string(whole.Encode()) != string(p.Encode()) {
			t.Fatal("the parts are not the whole")
		}
	})
}

// A link's queue stays within its limit, keeps the newest, and its books balance.
func TestLinkKeepsTheNewest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const limit = 3000
		l := newLink("peer", limit)
		var model []*types.Push
		size := func() (n int) {
			for _, p := range model {
				n += pushSize(p)
			}
			return n
		}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "send") {
				head := l.head()
				if head == nil != (len(model) == 0) {
					t.Fatal("head")
				}
				if head != nil {
					l.sentHead(head)
					model = model[1:]
				}
				continue
			}
			p := drawPush(t, 400)
			took := l.put(p)
			if want := pushSize(p) <= limit && len(p.Batches)+len(p.Vertices) > 0; took != want {
				t.Fatalf("took %v, want %v", took, want)
			}
			if took {
				for model = append(model, p); size() > limit; model = model[1:] {
				}
			}
			if st := l.stats(); st.Queued != size() || st.Queued > limit || len(l.queue) != len(model) {
				t.Fatalf("%d bytes queued, model %d", st.Queued, size())
			}
		}
	})
}
