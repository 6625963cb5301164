package sequencer

import (
	"context"
	"errors"
	"fmt"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// A node that is very far behind, or whose start of the log is gone, or that asks for what nobody keeps any more, goes on from
// a cut: the state that members with more than f stake name with the same digest, so that an honest one vouches for it. Its
// bytes may come from anyone. Blocks below it come as to any follower of the chain.

// bodiesTogether is how many bodies of a cut's are asked for at once.
const bodiesTogether = 64

var (
	errNoCut   = errors.New("no state is named alike by members with more than f stake")
	errCutLies = errors.New("the state's bytes are not those of its name")
)

// offer is a cut with the members that name it.
type offer struct {
	name      types.CutName // with the position of the first of them
	positions []uint64      // in their logs
	from      []types.Member
	stake     types.Stake
}

// joined is a state that others vouch for, with the bodies it needs.
type joined struct {
	cut    store.Cut
	bodies [][]byte
}

// startJoin fetches others' state off the loop and takes it up when it is still of use.
func (s *Sequencer) startJoin() {
	s.catchUp.running = true
	config, least := s.coreConfig, s.core.Status().DecidedRound+tailDepth
	s.group.Go(func() error {
		j, err := s.fetchState(s.ctx, config, least)
		s.results.put(func() error {
			s.catchUp.end()
			if err != nil {
				s.log.Warn("no state to go on from", "err", err)
				s.catchUp.noState = true
				return nil
			}
			s.catchUp.join = j
			return nil
		})
		return s.ctx.Err()
	})
}

// fetchState finds the newest cut above a round that enough members name, and fetches it.
func (s *Sequencer) fetchState(ctx context.Context, config consensus.Config, least types.Round) (*joined, error) {
	best, err := s.chooseCut(s.askCuts(ctx), least)
	if err != nil {
		return nil, err
	}
	for i, from := range best.from {
		var j *joined
		if j, err = s.fetchCut(ctx, config, best, i); err == nil {
			return j, nil
		}
		s.log.Debug("no state from a member", "from", from, "err", err)
	}
	return nil, err
}

// askCuts asks every other member for the names of its cuts.
func (s *Sequencer) askCuts(ctx context.Context) map[types.Member][]types.CutName {
	named := make(map[types.Member][]types.CutName)
	for i := range s.members() {
		m := types.Member(i)
		if i == s.self {
			continue
		}
		response, err := s.ask(ctx, m, &types.FetchRequest{Cuts: true})
		if err == nil && len(response.Cuts) <= types.MaxCutNames {
			named[m] = response.Cuts
		}
	}
	return named
}

// chooseCut is the cut of the highest round that members with more than f stake name.
func (s *Sequencer) chooseCut(named map[types.Member][]types.CutName, least types.Round) (best offer, err error) {
	type state struct {
		round  types.Round
		digest types.Hash
		size   uint64
	}
	offers := make(map[state]*offer)
	for i := range s.members() {
		m, seen := types.Member(i), make(map[state]bool)
		for _, name := range named[m] {
			key := state{name.Round, name.Digest, name.Size}
			if name.Round <= least || name.Size > consensus.MaxCutBytes || seen[key] {
				continue
			}
			seen[key] = true
			o := offers[key]
			if o == nil {
				o = &offer{name: name}
				offers[key] = o
			}
			o.from, o.positions = append(o.from, m), append(o.positions, name.Position)
			o.stake += s.cfg.Core.Committee.Stake(m)
		}
	}
	for _, o := range offers {
		if o.stake > s.cfg.Core.Committee.F() && o.name.Round > best.name.Round {
			best = *o
		}
	}
	if best.stake == 0 {
		return offer{}, errNoCut
	}
	return best, nil
}

// fetchCut fetches the state, and the bodies that it needs, from the i-th member that offers it.
func (s *Sequencer) fetchCut(ctx context.Context, config consensus.Config, o offer, i int) (*joined, error) {
	state := make([]byte, 0, min(o.name.Size, types.MaxFetchBytes))
	for uint64(len(state)) < o.name.Size {
		response, err := s.ask(ctx, o.from[i], &types.FetchRequest{Cut: o.name.Digest, From: uint64(len(state))})
		if err != nil {
			return nil, err
		}
		if len(response.Piece) == 0 || uint64(len(state)+len(response.Piece)) > o.name.Size {
			return nil, errCutLies
		}
		state = append(state, response.Piece...)
	}
	if consensus.CutDigest(state) != o.name.Digest {
		return nil, errCutLies
	}
	c, err := consensus.NewFrom(config, state)
	if err != nil {
		return nil, err
	}
	j := &joined{cut: store.Cut{Round: o.name.Round, Digest: o.name.Digest, Position: o.positions[i], State: state}}
	j.bodies, err = s.fetchBodies(ctx, o, c.Held())
	return j, err
}

// fetchBodies brings the bodies that are not here, from whoever offers the state.
func (s *Sequencer) fetchBodies(ctx context.Context, o offer, wanted []types.BatchID) (bodies [][]byte, err error) {
	missing := make(map[types.BatchID]bool, len(wanted))
	for _, id := range wanted {
		if body, here := s.body(id); here {
			bodies = append(bodies, body)
			continue
		}
		missing[id] = true
	}
	for turn := 0; len(missing) > 0; turn++ {
		if turn >= len(o.from)+len(wanted) { // every answer but one of each member brings something
			return nil, fmt.Errorf("%d bodies that the state needs are nowhere", len(missing))
		}
		request := new(types.FetchRequest)
		for _, id := range wanted {
			if missing[id] && len(request.Batches) < bodiesTogether {
				request.Batches = append(request.Batches, id)
			}
		}
		response, err := s.ask(ctx, o.from[turn%len(o.from)], request)
		if err != nil {
			s.log.Debug("bodies of a state", "err", err)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			continue
		}
		for _, body := range response.Batches {
			id := types.BatchIDOf(body)
			if _, err := s.cfg.Batches.Check(body); err != nil || !missing[id] {
				continue
			}
			delete(missing, id)
			bodies = append(bodies, body)
		}
	}
	return bodies, nil
}

// takeJoined goes on from a state that came, unless this node has caught up without it.
func (s *Sequencer) takeJoined() error {
	j := s.catchUp.join
	s.catchUp.join = nil
	if !s.lost && s.core.Status().DecidedRound+tailDepth >= j.cut.Round {
		return nil
	}
	if err := s.drainBlocks(); err != nil {
		return err
	}
	if err := s.leap(j); err != nil {
		return fmt.Errorf("sequencer: go on from the state of round %d: %w", j.cut.Round, err)
	}
	s.live, s.catchUp.pruned = false, false
	s.forget()
	s.stats.joins.Add(1)
	s.log.Info("far behind: goes on from the others' state", "round", j.cut.Round, "position", j.cut.Position)
	return s.restore(s.bound())
}

// leap makes the log one that goes on where the state's does. After a crash in between the state is fetched again.
func (s *Sequencer) leap(j *joined) error {
	position := max(j.cut.Position, s.cfg.Log.Len()+1)
	if err := s.cfg.Log.LeapTo(position, s.own.digest); err != nil {
		return err
	}
	for _, body := range j.bodies {
		if err := s.cfg.Log.AppendBatch(types.BatchIDOf(body), body); err != nil {
			return err
		}
	}
	cut := j.cut
	cut.Position, cut.Own, cut.OwnName = position, s.own.round, s.own.digest
	clear(s.starts)
	return s.cfg.Log.SaveCut(cut)
}

// forget drops what belonged to a core that is replaced.
func (s *Sequencer) forget() {
	clear(s.unstored)
	clear(s.known)
	clear(s.unsettled)
	clear(s.mine)
	s.headers = headerRing{}
	s.blocks.do(func() error {
		clear(s.blocks.encoded)
		s.blocks.kept, s.blocks.recent = nil, nil
		return nil
	})
}
