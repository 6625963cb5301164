package chain

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/etherscale/bedrock/types"
)

// line is a crowd behind a line: answers take a moment, and may be cut to a length. It counts what is asked at once.
type line struct {
	*crowd
	takes     time.Duration
	cut       int // 0: not
	now, most atomic.Int64
	asked     atomic.Int64
	highest   atomic.Int64
	lies      atomic.Int64
	found     atomic.Int64
}

func (l *line) DistrustHeaders(types.Height) { l.found.Add(1) }

func (l *line) Headers(ctx context.Context, from types.Height, max int) ([]types.CertifiedHeader, error) {
	l.asked.Add(1)
	raise(&l.most, l.now.Add(1))
	raise(&l.highest, int64(from)+int64(max))
	defer l.now.Add(-1)
	_ = sleep(ctx, l.takes)
	list, err := l.crowd.Headers(ctx, from, max)
	if l.cut > 0 && len(list) > l.cut {
		list = list[:l.cut]
	}
	return list, err
}

func raise(to *atomic.Int64, n int64) {
	for old := to.Load(); n > old && !to.CompareAndSwap(old, n); old = to.Load() {
	}
}

// catchUpOf follows a network from its genesis block to its head, headers only.
func catchUpOf(t *testing.T, n *network, l *line) {
	t.Helper()
	node := n.node(func(cfg *Config) {
		cfg.Peers, cfg.HeadersTimeout, cfg.HoldBodies, cfg.Retry = l, 20*time.Millisecond, true, time.Millisecond
	})
	stop := start(t, node)
	head := n.head().Height
	await(t, node, "catching up", func() bool { return node.Head().Header.Height == head && node.IsLevel() })
	if err := stop(); !errors.Is(err, context.Canceled) {
		t.Fatalf("Run: %v", err)
	}
	for h := types.Height(1); h <= head; h++ {
		ch, ok := node.Header(h)
		must(t, ok && ch.Header.Digest() == n.digest(int(h)), "header %d is not the network's", h)
		must(t, len(ch.Certificate.Signatures) == 3, "header %d has no certificate", h)
	}
	must(t, len(l.problems) == 0, "%v", l.problems)
	must(t, l.most.Load() <= HeadersInFlight, "%d requests at once", l.most.Load())
}

// TestHeadersComeSideBySide: headers far below the newest are asked for in several ranges at once, over changes of the
// committee, and not far beyond what there can be.
func TestHeadersComeSideBySide(t *testing.T) {
	n := longNetwork(t, 1500, 400)
	l := &line{crowd: newCrowd(n), takes: 2 * time.Millisecond}
	catchUpOf(t, n, l)
	must(t, l.most.Load() > HeadersInFlight/2, "%d requests at once", l.most.Load())
	must(t, l.asked.Load() < 60, "%d requests for 24 ranges", l.asked.Load())
	must(t, l.highest.Load() < 1500+3*MaxHeaders, "header %d was asked for", l.highest.Load())
	must(t, l.found.Load() == 0, "%d honest answers were distrusted", l.found.Load())
}

// TestC5ManyHeadersAmongLiars: whatever peers answer, all headers come, each with its certificate, and lies are told.
func TestC5ManyHeadersAmongLiars(t *testing.T) {
	n := longNetwork(t, 900, 130)
	for name, behaviours := range map[string][]behaviour{
		"silent":   {honest, silent},
		"empty":    {honest, empty, failing},
		"forgers":  {honest, forging, foreign},
		"of every": {honest, honest, empty, failing, silent, forging, skipping, flooding, foreign},
	} {
		l := &line{crowd: newCrowd(n, behaviours...)}
		catchUpOf(t, n, l)
		must(t, name == "silent" || name == "empty" || l.found.Load() > 3, "%s: %d lies were told", name, l.found.Load())
	}
}

// TestAnswersCutShort: peers that give less than was asked are asked for the rest.
func TestAnswersCutShort(t *testing.T) {
	n := longNetwork(t, 700, 400)
	for _, cut := range []int{1, 10, 63} {
		catchUpOf(t, n, &line{crowd: newCrowd(n), cut: cut, takes: time.Microsecond})
	}
}

// TestFewerHeadersThanTime: where blocks come more slowly than they may, asking ends with what there is.
func TestFewerHeadersThanTime(t *testing.T) {
	n := longNetwork(t, 1500, 400)
	n.list, n.data = n.list[:700], n.data[:700]
	l := &line{crowd: newCrowd(n), takes: time.Millisecond}
	catchUpOf(t, n, l)
	must(t, l.highest.Load() < 700+(HeadersAhead+2)*MaxHeaders, "header %d was asked for", l.highest.Load())
}

// TestHeadersOfAnotherBranch: certified headers that do not continue the chain end it as one by one (C4).
func TestHeadersOfAnotherBranch(t *testing.T) {
	n := longNetwork(t, 700, 1000)
	forked := n.list[300].Header
	forked.Parent[0] ^= 1
	n.list[300] = n.signers.certify(forked, 0, 1, 2)
	node := n.node(func(cfg *Config) { cfg.Peers, cfg.HoldBodies = newCrowd(n), true })
	err := node.Run(t.Context())
	must(t, errors.Is(err, ErrConflict), "Run: %v", err)
	must(t, node.Head().Header.Height == 299, "the head is %d", node.Head().Header.Height)
}

// TestLimitOfBodiesInFlight: bodies are fetched up to so many and so many bytes at once, a larger one alone.
func TestLimitOfBodiesInFlight(t *testing.T) {
	n := newNetwork(t)
	for range 20 { // ten with 3 MiB each among small ones
		n.push(n.next([]byte{1}), []byte{1})
		h := n.next(nil)
		h.DataLength = 3 << 20
		n.push(h, nil)
	}
	huge := n.next(nil)
	huge.DataLength = BodyBytesInFlight + 1
	n.push(huge, nil)
	node := n.node()
	_, err := node.AddHeaders(n.list[1:])
	noError(t, err)
	inFlight := map[types.Height]uint64{}
	list := node.missingBodies(inFlight)
	must(t, len(list) == 5 && len(node.missingBodies(inFlight)) == 0, "%v are asked for", list)
	delete(inFlight, 2)
	must(t, len(node.missingBodies(inFlight)) == 1 && inFlight[2] == 3<<20, "%v are asked for", inFlight)
	clear(inFlight)
	for h := types.Height(1); h <= 40; h += 2 {
		noError(t, node.AddBody(h, []byte{1}))
	}
	must(t, len(node.missingBodies(inFlight)) == 2, "%v are asked for", inFlight)
	clear(inFlight)
	inFlight[2] = 1 // more than BodiesInFlight small ones
	for h := types.Height(100); len(inFlight) < BodiesInFlight; h++ {
		inFlight[h] = 0
	}
	must(t, len(node.missingBodies(inFlight)) == 0, "%v are asked for", inFlight)
	node.progress.bodies = 40
	clear(inFlight)
	list = node.missingBodies(inFlight)
	must(t, len(list) == 1 && list[0] == 41, "the largest body is asked for as %v", list)
}
