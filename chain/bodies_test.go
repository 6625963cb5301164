package chain

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// full adds all headers and bodies of the network to the node.
func (n *network) full(node *node) *node {
	n.t.Helper()
	_, err := node.AddHeaders(n.list[1:])
	noError(n.t, err)
	for h := range n.list {
		if h > 0 {
			noError(n.t, node.AddBody(types.Height(h), n.data[h]))
		}
	}
	return node
}

func TestC2OnlyTheCommittedData(t *testing.T) {
	n := newNetwork(t).grow(8)
	node := n.node()
	if err := node.AddBody(3, n.data[3]); !errors.Is(err, ErrUnknown) {
		t.Fatalf("body before its header: %v", err)
	}
	_, err := node.AddHeaders(n.list[1:])
	noError(t, err)
	flipped := bytes.Clone(n.data[3])
	flipped[10] ^= 1
	for name, data := range map[string][]byte{"flipped": flipped, "short": n.data[3][1:], "padded": append(bytes.Clone(n.data[3]), 0), "empty": nil, "of another block": n.data[4]} {
		if err := node.AddBody(3, data); !errors.Is(err, ErrBody) {
			t.Fatalf("%s data: %v", name, err)
		}
	}
	if node.HasBody(3) {
		t.Fatal("a wrong body was stored")
	}
	if _, err := node.Body(3); !errors.Is(err, ErrUnknown) {
		t.Fatalf("missing body: %v", err)
	}
	noError(t, node.AddBody(3, n.data[3]))
	checkBlock(t, n, node, 3)
	if body, err := node.Body(7); err != nil || len(body) != 0 || !node.HasBody(7) {
		t.Fatalf("the empty block: %x, %v", body, err)
	}
}

func checkBlock(t *testing.T, n *network, node *node, h types.Height) {
	t.Helper()
	body, err := node.Body(h)
	noError(t, err)
	must(t, bytes.Equal(body, n.data[h]), "body %d differs", h)
	block, err := node.Block(h)
	noError(t, err)
	must(t, types.Hash(block.Commitment()) == n.list[h].Header.Commitment, "block %d differs", h)
	opening, err := node.Opening(h)
	noError(t, err)
	noError(t, opening.Check(block.Params(), block.Commitment()))
	encoded, err := node.OpeningBytes(h)
	noError(t, err)
	if block.Params().K > 0 {
		_, err = coding.UnmarshalOpening(encoded, block.Params())
		noError(t, err)
	}
}

func TestC3BodiesInAnyOrderSurviveRestart(t *testing.T) {
	n := newNetwork(t).grow(20)
	node := n.node()
	_, err := node.AddHeaders(n.list[1:])
	noError(t, err)
	missing := map[int]bool{1: true, 2: true, 3: true, 4: true, 5: true, 6: true, 8: true, 9: true, 10: true, 11: true, 12: true,
		13: true, 15: true, 16: true, 17: true, 18: true, 19: true, 20: true}
	for i, k := range rand.New(rand.NewPCG(4, 2)).Perm(20) {
		h := k + 1
		noError(t, node.AddBody(types.Height(h), n.data[h]))
		delete(missing, h)
		want := types.Height(20)
		for m := range missing {
			want = min(want, types.Height(m-1))
		}
		if node.BodiesHead() != want {
			t.Fatalf("after body %d: bodies head %d, want %d", h, node.BodiesHead(), want)
		}
		if i%5 == 4 {
			node = n.reopen(node)
			must(t, node.BodiesHead() == want, "after a restart: bodies head %d, want %d", node.BodiesHead(), want)
		}
	}
	for h := types.Height(1); h <= 20; h++ {
		checkBlock(t, n, node, h)
	}
	ch, ok := node.HeaderByCommitment(n.at(9).Commitment)
	must(t, ok && ch.Header.Height == 9, "header by commitment: %d, %v", ch.Header.Height, ok)
	_, ok = node.HeaderByCommitment(n.at(7).Commitment)
	must(t, !ok, "the empty block was found by its commitment")
}

func TestC6OwnBlocks(t *testing.T) {
	n := newNetwork(t).grow(6)
	node := n.node()
	for h := 1; h <= 4; h++ {
		noError(t, node.AddOwn(n.at(h), n.data[h], encodeData(t, n.data[h])))
	}
	must(t, node.Head().Header.Height == 0 && node.BodiesHead() == 0, "an uncertified block counts")
	_, certified := node.Header(2)
	must(t, !certified, "an uncertified header passes as certified")
	own, ok := node.OwnHeader(2)
	must(t, ok && own.Digest() == n.digest(2), "own header is lost")
	checkBlock(t, n, node, 3)

	other := n.at(4)
	other.VertexIndex++
	if err := node.AddOwn(other, n.data[4], encodeData(t, n.data[4])); !errors.Is(err, ErrOwn) {
		t.Fatalf("a second own block: %v", err)
	}
	if err := node.AddOwn(n.at(5), n.data[4], encodeData(t, n.data[4])); !errors.Is(err, ErrBody) {
		t.Fatalf("data of another block: %v", err)
	}
	node = n.reopen(node)
	if err := node.AddOwn(other, n.data[4], encodeData(t, n.data[4])); !errors.Is(err, ErrOwn) {
		t.Fatalf("a second own block after a restart: %v", err)
	}
	_, err := node.AddHeaders(n.list[1:6])
	noError(t, err)
	must(t, node.BodiesHead() == 4, "bodies head %d, want 4", node.BodiesHead())
	own, ok = node.OwnHeader(2)
	must(t, ok && own.Digest() == n.digest(2), "header 2 is lost")
	noError(t, node.AddOwn(n.at(2), n.data[2], encodeData(t, n.data[2])))
	noError(t, node.AddOwn(n.at(5), n.data[5], encodeData(t, n.data[5]))) // certified before it closed here
	must(t, node.BodiesHead() == 5, "bodies head %d, want 5", node.BodiesHead())
	left := 0
	noError(t, node.db.Scan(store.SpaceOwn, store.Range{}, func(_, _ []byte) error { left++; return nil }))
	must(t, left == 0, "%d own headers are left", left)
}

func TestC4OwnSequencerDisagrees(t *testing.T) {
	n := newNetwork(t).grow(3)
	differs := n.at(2)
	differs.VertexIndex++
	block := encodeData(t, n.data[2])
	t.Run("certificate after own block", func(t *testing.T) {
		node := n.node()
		noError(t, node.AddOwn(differs, n.data[2], block))
		added, err := node.AddHeaders(n.list[1:])
		must(t, errors.Is(err, ErrConflict) && added == 1, "%d added: %v", added, err)
		again := n.reopen(node)
		must(t, errors.Is(again.Err(), ErrConflict), "after a restart: %v", again.Err())
	})
	t.Run("own block after certificate", func(t *testing.T) {
		node := n.node()
		_, err := node.AddHeaders(n.list[1:])
		noError(t, err)
		err = node.AddOwn(differs, n.data[2], block)
		must(t, errors.Is(err, ErrConflict) && node.Err() != nil, "%v", err)
	})
	t.Run("own block after waiting certificate", func(t *testing.T) {
		node := n.node()
		noError(t, node.AddCertified(n.list[2]))
		err := node.AddOwn(differs, n.data[2], block)
		must(t, errors.Is(err, ErrConflict), "%v", err)
	})
}

// TestC3PowerCut cuts the power after every acknowledged write and once in between: nothing acknowledged is lost, and
// the chain goes on from there.
func TestC3PowerCut(t *testing.T) {
	n := newNetwork(t).grow(12)
	node := n.node()
	for h := 1; h <= 12; h++ {
		own := h%3 == 0
		if own {
			noError(t, node.AddOwn(n.at(h), n.data[h], encodeData(t, n.data[h])))
			checkCrash(t, n, node, h-1, h-1, h)
		}
		noError(t, node.AddCertified(n.list[h]))
		if !own {
			checkCrash(t, n, node, h, h-1, 0)
			noError(t, node.AddBody(types.Height(h), n.data[h]))
		}
		noError(t, node.ReleaseBodies(types.Height(h)))
		checkCrash(t, n, node, h, h, 0)
	}
}

func checkCrash(t *testing.T, n *network, running *node, head, bodies, own int) {
	t.Helper()
	for _, percent := range []int{0, 50, 100} {
		after := n.nodeOn(running.disk.Crash(percent, uint64(head)))
		if got := after.Head().Header.Height; got != types.Height(head) {
			t.Fatalf("head %d survived, want %d", got, head)
		}
		if got := after.BodiesHead(); got < types.Height(bodies) {
			t.Fatalf("bodies up to %d survived, want %d", got, bodies)
		}
		for h := types.Height(1); h <= types.Height(bodies); h++ {
			checkBlock(t, n, after, h)
		}
		if own > 0 {
			header, ok := after.OwnHeader(types.Height(own))
			must(t, ok && header.Digest() == n.digest(own), "own header %d is lost", own)
			checkBlock(t, n, after, types.Height(own))
		}
		n.full(after)
		must(t, after.BodiesHead() == 12, "cannot go on after a crash")
		noError(t, after.db.Close())
	}
}

func TestRetention(t *testing.T) {
	n := newNetwork(t).grow(100)
	keep := types.Height(n.genesis.Retention / interval)
	node := n.full(n.node())
	noError(t, node.ReleaseBodies(0))
	must(t, node.PrunedHeight() == 0, "pruned %d, released none", node.PrunedHeight())
	noError(t, node.ReleaseBodies(10))
	must(t, node.PrunedHeight() == 10, "pruned %d, released 10", node.PrunedHeight())
	noError(t, node.ReleaseBodies(100))
	want := 100 - keep - 1
	must(t, node.PrunedHeight() == want, "pruned %d, want %d", node.PrunedHeight(), want)
	noError(t, node.AddBody(5, n.data[5]))
	node = n.reopen(node)
	_, err := node.Body(5)
	must(t, errors.Is(err, ErrUnknown) && !node.HasBody(5), "a pruned body is here: %v", err)
	checkBlock(t, n, node, want+1)
	checkStoredBytes(t, node)
}

func TestBodyBudget(t *testing.T) {
	n := newNetwork(t).grow(50)
	node := n.full(n.node(func(cfg *Config) { cfg.BodyBudget = 2000 }))
	noError(t, node.ReleaseBodies(50))
	checkStoredBytes(t, node)
	must(t, node.progress.bodyBytes <= 2000 && node.PrunedHeight() < 50, "%+v", node.progress)
	checkBlock(t, n, node, 50)
}

// checkStoredBytes compares the byte counter with what is there.
func checkStoredBytes(t *testing.T, node *node) {
	t.Helper()
	sum := uint64(0)
	noError(t, node.db.Scan(store.SpaceBodies, store.Range{}, func(_, v []byte) error { sum += uint64(len(v)); return nil }))
	must(t, sum == node.progress.bodyBytes, "%d bytes are stored, the counter says %d", sum, node.progress.bodyBytes)
}

func TestBlockCacheStaysInBudget(t *testing.T) {
	blocks := []*coding.Block{encodeData(t, make([]byte, 100)), encodeData(t, make([]byte, 5000)), encodeData(t, make([]byte, 300_000))}
	cache := newBlockCache(3 * blockMemory(blocks[1].Params()))
	rng := rand.New(rand.NewPCG(1, 1))
	var group sync.WaitGroup
	for range 200 {
		h := rng.IntN(30)
		group.Go(func() {
			block, err := cache.get(types.Height(h), func() (*coding.Block, error) { return blocks[h%3], nil })
			if err != nil || block != blocks[h%3] {
				t.Errorf("block %d: wrong one, %v", h, err)
			}
		})
	}
	group.Wait()
	sum := 0
	for e := cache.order.Front(); e != nil; e = e.Next() {
		sum += e.Value.(*cachedBlock).bytes
	}
	must(t, sum == cache.bytes && sum <= cache.limit && sum > 0, "%d bytes, counted %d, limit %d", sum, cache.bytes, cache.limit)
	must(t, len(cache.index) == cache.order.Len(), "index and order differ")
}

func TestServe(t *testing.T) {
	n := newNetwork(t).grow(100)
	node := n.full(n.node())
	heights := func(from types.Height, max int) (out []types.Height) {
		for _, ch := range node.HeadersFrom(from, max) {
			out = append(out, ch.Header.Height)
		}
		return out
	}
	must(t, slices.Equal(heights(0, 2), []types.Height{1, 2}), "genesis is no certified header: %v", heights(0, 2))
	must(t, slices.Equal(heights(99, 5), []types.Height{99, 100}), "end: %v", heights(99, 5))
	must(t, len(heights(1, 1000)) == MaxHeaders && len(heights(101, 9)) == 0 && len(heights(1, -1)) == 0, "bounds")
	must(t, len(heights(^types.Height(0), 9)) == 0, "the last height")
	body, err := node.BodyBytes(3)
	must(t, err == nil && bytes.Equal(body, n.data[3]), "%v", err)
}
