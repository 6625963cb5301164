package sequencer

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

const (
	catchUpPause   = time.Second
	catchUpTimeout = 5 * time.Second // of one request for a stretch of a log
	stallAfter     = 3 * time.Second // without a new round, doubling with each pass up to
	maxStall       = 4               // so many doublings
	// firstOverlap is by how many rounds' worth of vertices a stretch begins before the own log's length: logs hold the
	// same vertices in slightly different orders.
	firstOverlap = 128
	// barrenAnswers is after how many answers without anything new a member's log is left alone.
	barrenAnswers = 64
)

// catchUp is the loop's view of asking the others' logs, one member at a time.
type catchUp struct {
	running bool
	asked   int // how many passes were started; chooses the member
	after   time.Time
	pruned  bool    // the others' logs begin above what is missing here
	noState bool    // no state could be had: the logs' turn again
	join    *joined // a state to go on from, as soon as the loop is between two steps
}

// end allows the next pass, after a while.
func (c *catchUp) end() { c.running, c.after = false, time.Now().Add(catchUpPause) }

// considerCatchUp starts a pass when the others are far ahead, or when rounds have stalled. The first one comes right after
// the start.
func (s *Sequencer) considerCatchUp(now time.Time) {
	if !s.live || s.catchUp.running || now.Before(s.catchUp.after) || s.members() < 2 {
		return
	}
	status := s.Status()
	far := uint64(status.HeardRound) > uint64(status.AcceptedRound)+s.cfg.CatchUpLag
	stalled := now.Sub(s.lastAdvance) > stallAfter
	if stalled {
		s.lastAdvance = now.Add(stallAfter<<min(s.stalls, maxStall) - stallAfter)
		s.stalls++
	}
	veryFar := uint64(status.HeardRound) > uint64(status.AcceptedRound)+s.cfg.JoinLag
	switch {
	case (s.lost || s.catchUp.pruned || veryFar) && !s.catchUp.noState:
		s.startJoin()
	case s.catchUp.asked == 0 || far || stalled || s.catchUp.noState:
		s.startCatchUp()
	}
}

func (s *Sequencer) members() int { return s.cfg.Core.Committee.Len() }

// startCatchUp begins a pass with the next member in turn; a pass with a member that fails moves on to the next.
func (s *Sequencer) startCatchUp() {
	s.catchUp.running = true
	first := s.catchUp.asked
	s.catchUp.asked++
	s.stats.catchUps.Add(1)
	s.group.Go(func() error {
		pruned, err := s.catchUpPass(s.ctx, first)
		s.results.put(func() error {
			s.catchUp.end()
			s.catchUp.pruned, s.catchUp.noState = pruned, false
			s.readmit()
			return nil
		})
		return err
	})
}

// catchUpPass reads the log of the first member that has what follows the own log; pruned says that one had it once. Its
// error is only ever ctx's.
func (s *Sequencer) catchUpPass(ctx context.Context, first int) (pruned bool, err error) {
	members := s.members()
	for i := range members {
		member := types.Member((max(s.self, 0) + 1 + first + i) % members)
		if int(member) == s.self {
			continue
		}
		err := s.catchUpFrom(ctx, member)
		if err == nil || ctx.Err() != nil {
			return false, ctx.Err()
		}
		pruned = pruned || errors.Is(err, errPruned)
		s.log.Debug("catch-up moves on to the next member", "from", member, "err", err)
	}
	return pruned, nil
}

var (
	errGap    = errors.New("the stretch begins after vertices that are not in the own log")
	errLies   = errors.New("the member's log is not one an honest member serves")
	errPruned = errors.New("the member keeps its log from a later position on")
)

// catchUpFrom reads a member's log from about where the own one ends; when that leaves a gap, from further back.
func (s *Sequencer) catchUpFrom(ctx context.Context, member types.Member) error {
	log, err := s.askLog(ctx, member, math.MaxInt64)
	if err != nil {
		return err
	}
	overlap := uint64(firstOverlap * s.members())
	for {
		from := min(s.cfg.Log.Len(), log.End)
		from = max(from-min(from, overlap), log.First)
		err := s.readLog(ctx, member, from)
		if !errors.Is(err, errGap) || from == 0 {
			return err
		}
		if from == log.First {
			return errPruned
		}
		overlap *= 8
	}
}

func (s *Sequencer) readLog(ctx context.Context, member types.Member, from uint64) error {
	first := true
	for barren := 0; barren < barrenAnswers; first = false {
		response, err := s.askLog(ctx, member, from)
		if err != nil {
			return err
		}
		fresh, err := s.takeStretch(ctx, member, response, first)
		if err != nil {
			return err
		}
		if from < response.First {
			return errPruned
		}
		if response.Next >= response.End {
			return nil
		}
		if response.Next <= from || response.Next-from > uint64(len(response.Vertices)) {
			return errLies
		}
		from = response.Next
		if barren++; fresh > 0 {
			barren = 0
		}
	}
	return nil
}

func (s *Sequencer) askLog(ctx context.Context, member types.Member, from uint64) (*types.FetchResponse, error) {
	return s.ask(ctx, member, &types.FetchRequest{Log: true, From: from})
}

// ask is a request of a node that is behind; one at a time is under way.
func (s *Sequencer) ask(ctx context.Context, member types.Member, r *types.FetchRequest) (*types.FetchResponse, error) {
	r.Epoch = s.cfg.Core.Epoch
	limited, cancel := context.WithTimeout(ctx, catchUpTimeout)
	defer cancel()
	response, err := s.cfg.Streams.Fetch(limited, member, r)
	if err == nil && response == nil {
		err = errLies
	}
	return response, err
}

// takeStretch hands on a stretch of a log and counts its new vertices. Nobody is charged for the bodies, and the pool is
// not asked: most of them are ordered already.
func (s *Sequencer) takeStretch(ctx context.Context, member types.Member, r *types.FetchResponse, first bool) (fresh int, err error) {
	var unknown [][]byte
	receipted := make(map[types.BatchID]bool)
	floor := s.Status().DecidedRound
	floor -= min(floor, consensus.Horizon)
	for _, encoded := range r.Vertices {
		v, err := types.DecodeVertex(encoded)
		if err != nil {
			return 0, errors.Join(errLies, err)
		}
		if s.cfg.Log.HasVertex(v.Digest()) || v.Round() <= floor {
			continue
		}
		if first && len(unknown) == 0 && !s.joins(v, floor) {
			return 0, errGap
		}
		unknown = append(unknown, encoded)
		for _, receipt := range v.Body().Receipts {
			receipted[receipt.Batch] = true
		}
	}
	if len(unknown) == 0 {
		return 0, nil
	}
	o := origin{from: member, at: now(), asked: true, charged: -1}
	for _, body := range r.Batches {
		id := types.BatchIDOf(body)
		if !receipted[id] {
			continue // a later stretch may want it; then it is fetched
		}
		if err := s.checkBody(ctx, o, id, body); err != nil {
			return 0, err
		}
	}
	if err := s.checkVertices(ctx, o, unknown, nil); err != nil {
		return 0, err
	}
	s.stats.caughtUp.Add(uint64(len(unknown)))
	return len(unknown), nil
}

// joins reports whether the vertex builds on the own log alone, as the first unknown one of a stretch must; what lies at the
// floor or below is not needed any more.
func (s *Sequencer) joins(v *types.Vertex, floor types.Round) bool {
	if v.Round() <= floor+1 {
		return true
	}
	for _, parent := range v.StrongParents() {
		if !s.cfg.Log.HasVertex(parent.Digest) {
			return false
		}
	}
	return true
}
