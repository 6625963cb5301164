package sequencer

import (
	"time"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

// Hold hands over a batch that came by gossip or from a user. It never waits: when the queue is full the batch is
// dropped and counted; other sequencers' vertices bring it. One that is not admitted is kept for a while, in case the pool
// admits it later or a vertex receipts it.
func (s *Sequencer) Hold(id types.BatchID, body []byte, txs []consensus.TxInfo, at types.Time, admitted bool) {
	s.hold(heard(id, body, txs, at, admitted))
}

// heard is a batch that came by gossip or from a user.
func heard(id types.BatchID, body []byte, txs []consensus.TxInfo, at types.Time, admitted bool) input {
	event := consensus.BatchHeld{ID: id, Txs: txs, Size: uint64(len(body)), Time: at, Admitted: admitted, From: -1}
	return input{event: event, body: body, heard: true}
}

func (s *Sequencer) hold(in input) {
	size := int64(len(in.body))
	if s.holding.Add(size) > s.cfg.HoldBytes {
		s.holding.Add(-size)
		s.stats.holdsDropped.Add(1)
		return
	}
	select {
	case s.holds <- in:
	default:
		s.holding.Add(-size)
		s.stats.holdsDropped.Add(1)
	}
}

// HandlePush takes a message of a member. It never waits: when the member's queue is full the message is dropped and
// counted; what it brought is fetched later.
func (s *Sequencer) HandlePush(from types.Member, p *types.Push) {
	if !s.inbox.put(arrived{from: from, push: p, at: types.TimeOf(time.Now()), bytes: pushBytes(p)}) {
		s.stats.pushesDropped.Add(1)
	}
}

// Executed says up to which height the own execution has come.
func (s *Sequencer) Executed(h types.Height) {
	for old := s.executed.Load(); uint64(h) > old; old = s.executed.Load() {
		if s.executed.CompareAndSwap(old, uint64(h)) {
			break
		}
	}
	select {
	case s.ran <- struct{}{}:
	default:
	}
}

// Verdict says that this node verified a challenge, and it is valid: own vertices state it until it is due. It never waits; false:
// the loop is busy. What is said is forgotten when the epoch or the run ends, so whoever says it says it again, now and then,
// until a header lists it.
func (s *Sequencer) Verdict(v types.Verdict) bool {
	select {
	case s.inputs <- input{event: consensus.Upheld{Verdict: v}}:
		return true
	default:
		return false
	}
}

// NextBurst is when the pause ends after which own vertices are made again; zero if that is not known.
func (s *Sequencer) NextBurst() time.Time {
	if at := types.Time(s.burst.Load()); at > 0 {
		return at.Std()
	}
	return time.Time{}
}

// Status is a recent snapshot of the core's state.
func (s *Sequencer) Status() consensus.Status { return *s.status.Load() }
