package sequencer

import (
	"context"
	"errors"
	"time"

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
}

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
	if s.catchUp.asked == 0 || far || stalled {
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
		err := s.catchUpPass(s.ctx, first)
		s.results.put(func() error {
			s.catchUp.running, s.catchUp.after = false, time.Now().Add(catchUpPause)
			s.readmit()
			return nil
		})
		return err
	})
}

func (s *Sequencer) catchUpPass(ctx context.Context, first int) error {
	members := s.members()
	for i := range members {
		member := types.Member((max(s.self, 0) + 1 + first + i) % members)
		if int(member) == s.self {
			continue
		}
		err := s.catchUpFrom(ctx, member)
		if err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
		s.log.Debug("catch-up moves on to the next member", "from", member, "err", err)
	}
	return nil
}

var (
	errGap  = errors.New("the stretch begins after vertices that are not in the own log")
	errLies = errors.New("the member's log is not one an honest member serves")
)

// catchUpFrom reads a member's log from about where the own one ends; when that leaves a gap, from further back.
func (s *Sequencer) catchUpFrom(ctx context.Context, member types.Member) error {
	overlap := uint64(firstOverlap * s.members())
	for {
		from := s.cfg.Log.Len()
		from -= min(from, overlap)
		err := s.readLog(ctx, member, from)
		if !errors.Is(err, errGap) || from == 0 {
			return err
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
	limited, cancel := context.WithTimeout(ctx, catchUpTimeout)
	defer cancel()
	response, err := s.cfg.Streams.Fetch(limited, member, &types.FetchRequest{Epoch: s.cfg.Core.Epoch, Log: true, From: from})
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
	for _, encoded := range r.Vertices {
		v, err := types.DecodeVertex(encoded)
		if err != nil {
			return 0, errors.Join(errLies, err)
		}
		if s.cfg.Log.HasVertex(v.Digest()) {
			continue
		}
		if first && len(unknown) == 0 && !s.joins(v) {
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

// joins reports whether the vertex builds on the own log alone, as the first unknown one of a stretch must.
func (s *Sequencer) joins(v *types.Vertex) bool {
	for _, parent := range v.StrongParents() {
		if !s.cfg.Log.HasVertex(parent.Digest) {
			return false
		}
	}
	return true
}
