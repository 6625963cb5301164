package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	gethrpc "github.com/ethereum/go-ethereum/rpc"

	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/types"
)

// Bounds of the crash test. The pauses of an idle machine are well below a second (the test logs them); the bound leaves
// room for a machine that runs other tests at the same time.
const (
	mostPause    = 3 * time.Second
	backWithin   = 30 * time.Second
	settleWithin = 40 * time.Second
)

// TestSequencersCrash runs four sequencers and a light client, sends transfers all the time, and kills: first one sequencer,
// which comes back, then all four at once.
func TestSequencersCrash(t *testing.T) {
	long(t)
	n := newNetwork(t, 4)
	n.startSequencers(t)
	n.light.run(t, n.sequencers[0].ready.Addrs...)
	watcher, victim := n.sequencers[0], n.sequencers[3]
	sight := watch(t, watcher)

	// Three wallets use the survivors; the fourth has to look for another node.
	var wallets []*wallet
	for i, s := range n.sequencers {
		next := n.sequencers[(i+1)%len(n.sequencers)]
		wallets = append(wallets, newWallet(t, i, n.genesis.ChainID, func(attempt int) *gethrpc.Client {
			return []*peer{s, next}[attempt%2].client()
		}))
	}
	load := sendAll(t, 100*time.Millisecond, wallets...)
	n.waitHeight(t, 4)

	quiet := time.Now()
	time.Sleep(3 * time.Second)
	killed := time.Now()
	t.Logf("four sequencers:  %v", sight.between(quiet, killed))
	victim.proc.kill()
	time.Sleep(5 * time.Second)
	gone := sight.between(killed, time.Now())
	t.Logf("one killed:       %v", gone)
	if gone.round > mostPause || gone.certified > mostPause {
		t.Errorf("ordering paused for longer than %v after one of four sequencers was killed: %v", mostPause, gone)
	}
	for i, w := range wallets[:3] {
		if now := w.tally(); now.failovers > 0 {
			t.Errorf("wallet %d: its node was not killed, yet did not answer: %+v", i, now)
		}
	}

	n.comesBack(t, victim)
	load.end()
	load.settle(t, watcher.client(), settleWithin)
	t.Run("one crash", func(t *testing.T) {
		load.checkOnce(t, watcher.client())
		n.checkStates(t)
		n.checkSampled(t)
	})

	before := watcher.status(t).Certified
	again := sendAll(t, 100*time.Millisecond, wallets...)
	time.Sleep(2 * time.Second)
	for _, s := range n.sequencers {
		_ = s.proc.cmd.Process.Kill()
	}
	for _, s := range n.sequencers {
		s.proc.kill()
	}
	n.resumes(t, before)
	again.end()
	again.settleMended(t, watcher.client(), settleWithin)
	t.Run("all crashed", func(t *testing.T) {
		again.checkOnce(t, watcher.client())
		n.checkStates(t)
	})
	n.stop(t)
	n.checkVertexLogs(t)
	if heights := n.checkCertificates(t); uint64(heights) <= uint64(before) {
		t.Errorf("a disk holds %d headers, %d were certified before the crash of all", heights, before)
	}
}

// waitHeight waits until every sequencer has executed a height.
func (n *network) waitHeight(t *testing.T, h rpc.Height) {
	t.Helper()
	eventually(t, readyWithin, fmt.Sprintf("every sequencer executes block %d", h), func() error {
		for _, s := range n.sequencers {
			var status rpc.Status
			if err := s.ask(&status, "bedrock_status"); err != nil {
				return err
			}
			if status.Height < h {
				return fmt.Errorf("%s is at %d", s.name, status.Height)
			}
		}
		return nil
	})
}

// comesBack starts a killed sequencer again and waits until another one has accepted vertices of it that sign headers of
// blocks closed since. (Certificates prove less: they carry the first quorum of signatures, which need not be its own.)
func (n *network) comesBack(t *testing.T, victim *peer) {
	t.Helper()
	watcher := n.sequencers[0]
	down := watcher.status(t).Certified
	log := n.logOf(t, watcher)
	log.skip(t)
	victim.run(t, watcher.ready.Addrs...)
	author := n.member(t, victim)
	took := eventually(t, backWithin, victim.name+" signs again", func() error {
		vertices, err := log.next()
		if err != nil {
			return err
		}
		for _, v := range vertices {
			if v.Author() != author {
				continue
			}
			for _, s := range v.Body().HeaderSignatures {
				if s.Height > types.Height(down) {
					return nil
				}
			}
		}
		return fmt.Errorf("no new vertex of it signs a header above %d", down)
	})
	t.Logf("%s signed again %v after its start", victim.name, took.Round(time.Millisecond))
	eventually(t, backWithin, victim.name+" executes what the others do", func() error {
		if have, want := victim.status(t).Height, watcher.status(t).Certified; have+2 < want {
			return fmt.Errorf("it is at %d, they are at %d", have, want)
		}
		return nil
	})
}

// member is a sequencer's index in the committee.
func (n *network) member(t *testing.T, s *peer) types.Member {
	t.Helper()
	for i, m := range n.genesis.Committee { // ascending by key, as the committee is
		if m.Key.PeerID() == s.ready.PeerID {
			return types.Member(i)
		}
	}
	t.Fatalf("%s is not in the committee", s.name)
	return 0
}

// logReader reads a running sequencer's log of accepted vertices over its own RPC.
type logReader struct {
	of     *peer
	member types.Member
	from   uint64
}

func (n *network) logOf(t *testing.T, s *peer) *logReader {
	t.Helper()
	return &logReader{of: s, member: n.member(t, s)}
}

// skip goes to the log's end.
func (l *logReader) skip(t *testing.T) {
	t.Helper()
	var part rpc.Log
	if err := l.of.ask(&part, "bedrock_getLog", l.member, l.from); err != nil {
		t.Fatal(err)
	}
	l.from = part.End
}

// next returns what was accepted since.
func (l *logReader) next() ([]*types.Vertex, error) {
	var part rpc.Log
	if err := l.of.ask(&part, "bedrock_getLog", l.member, l.from); err != nil {
		return nil, err
	}
	l.from = part.Next
	vertices := make([]*types.Vertex, len(part.Vertices))
	for i, encoded := range part.Vertices {
		v, err := types.DecodeVertex(encoded)
		if err != nil {
			return nil, err
		}
		vertices[i] = v
	}
	return vertices, nil
}

// resumes starts all sequencers again after all were killed, and waits for new blocks.
func (n *network) resumes(t *testing.T, before rpc.Height) {
	t.Helper()
	begin := time.Now()
	n.startSequencers(t)
	was := n.sequencers[0].status(t).Certified
	if was < before {
		t.Errorf("the first sequencer knew %d headers before the crash, now %d", before, was)
	}
	n.waitHeight(t, was+3)
	t.Logf("all sequencers executed block %d, three above the newest before the crash, %v after the restart began", was+3,
		time.Since(begin).Round(time.Millisecond))
	n.light.proc.interrupt(t) // its bootstrap node is gone: ports change with every start
	n.light.run(t, n.sequencers[0].ready.Addrs...)
	n.checkSampled(t)
}

// ethBlock is what the test reads of an Ethereum block.
type ethBlock struct {
	Hash      common.Hash `json:"hash"`
	StateRoot common.Hash `json:"stateRoot"`
	Number    rpc.Height  `json:"number"`
}

// checkStates demands equal hashes and state roots at every height on every sequencer.
func (n *network) checkStates(t *testing.T) {
	t.Helper()
	common := n.sequencers[0].status(t).Height
	for _, s := range n.sequencers[1:] {
		common = min(common, s.status(t).Height)
	}
	roots := map[string]bool{}
	for h := rpc.Height(1); h <= common; h++ {
		var want ethBlock
		for i, s := range n.sequencers {
			var block *ethBlock
			s.mustAsk(t, &block, "eth_getBlockByNumber", h, false)
			if block == nil || block.Number != h {
				t.Fatalf("%s: block %d is %+v", s.name, h, block)
			}
			if i == 0 {
				want = *block
				roots[want.StateRoot.Hex()] = true
			} else if *block != want {
				t.Fatalf("block %d is %+v at %s, %+v at %s", h, want, n.sequencers[0].name, *block, s.name)
			}
		}
	}
	if common < 4 || len(roots) < 4 {
		t.Errorf("%d heights with %d different states are too few to compare", common, len(roots))
	}
	t.Logf("blocks 1..%d have the same state roots (%d different ones) at %d nodes", common, len(roots), len(n.sequencers))
}

// checkSampled demands that the light client found every block available up to what is certified now.
func (n *network) checkSampled(t *testing.T) {
	t.Helper()
	goal := n.sequencers[0].status(t).Certified
	eventually(t, backWithin, fmt.Sprintf("the light client samples up to %d", goal), func() error {
		if s := n.light.status(t); s.Sampled < goal {
			return fmt.Errorf("it is at %d, knows %d headers, has %d peers", s.Sampled, s.Certified, s.Peers)
		}
		return nil
	})
	rows := 0
	for h := rpc.Height(1); h <= goal; h++ {
		var s *rpc.Sampling
		n.light.mustAsk(t, &s, "bedrock_getSampling", h)
		if s == nil || s.Verdict != rpc.VerdictAvailable {
			t.Errorf("the light client's verdict on block %d: %+v", h, s)
			continue
		}
		rows += s.Answered
	}
	t.Logf("the light client found all %d blocks available, from %d rows", goal, rows)
}

// stop ends every process as Ctrl-C does.
func (n *network) stop(t *testing.T) {
	t.Helper()
	for _, p := range n.all() {
		took := p.proc.interrupt(t)
		t.Logf("%s stopped in %v", p.name, took.Round(time.Millisecond))
	}
}
