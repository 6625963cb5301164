package sequencer

import (
	"context"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

// fetch asks for what the core misses: each item the first member that has a request to spare. When none has, the
// request is dropped; the core asks again.
func (s *Sequencer) fetch(wanted []consensus.Fetch) {
	if !s.live {
		return
	}
	for _, f := range wanted {
		request := s.missing(f)
		if len(request.Vertices)+len(request.Batches) == 0 {
			continue
		}
		member, ok := s.free(f.From)
		if !ok {
			s.stats.fetchesSkipped.Add(1)
			continue
		}
		s.inflight[member]++
		s.stats.fetches.Add(1)
		s.group.Go(func() error {
			err := s.fetchFrom(s.ctx, member, request)
			s.results.put(func() error { s.inflight[member]--; return nil })
			return err
		})
	}
}

// missing is the part of a fetch that has not arrived meanwhile, within the bounds of a request. The core forgets old
// bodies that nothing refers to, and was never told of those parked; the driver has them and tells it.
func (s *Sequencer) missing(f consensus.Fetch) *types.FetchRequest {
	request := &types.FetchRequest{Epoch: s.cfg.Core.Epoch}
	for _, digest := range f.Vertices {
		if len(request.Vertices) < types.MaxFetchItems && !s.cfg.Log.HasVertex(digest) {
			request.Vertices = append(request.Vertices, digest)
		}
	}
	for _, id := range f.Batches {
		if _, here := s.parked.get(id); here || s.bodies.has(id) {
			s.pool.tell(id)
			continue
		}
		if len(request.Vertices)+len(request.Batches) < types.MaxFetchItems {
			request.Batches = append(request.Batches, id)
		}
	}
	return request
}

func (s *Sequencer) free(members []types.Member) (types.Member, bool) {
	for _, m := range members {
		if int(m) != s.self && int(m) < len(s.inflight) && s.inflight[m] < s.cfg.FetchLimit {
			return m, true
		}
	}
	return 0, false
}

// fetchFrom asks one member and hands on what was asked for and is valid. Its error is only ever ctx's.
func (s *Sequencer) fetchFrom(ctx context.Context, from types.Member, request *types.FetchRequest) error {
	limited, cancel := context.WithTimeout(ctx, s.cfg.FetchTimeout)
	defer cancel()
	response, err := s.cfg.Streams.Fetch(limited, from, request)
	if err != nil || response == nil {
		s.stats.fetchesFailed.Add(1)
		s.log.Debug("fetch failed", "from", from, "err", err)
		return ctx.Err()
	}
	return s.takeAnswer(ctx, from, request, response)
}

func (s *Sequencer) takeAnswer(ctx context.Context, from types.Member, request *types.FetchRequest, response *types.FetchResponse) error {
	vertices := make(map[types.Hash]bool, len(request.Vertices))
	for _, digest := range request.Vertices {
		vertices[digest] = true
	}
	batches := make(map[types.BatchID]bool, len(request.Batches))
	for _, id := range request.Batches {
		batches[id] = true
	}
	o := origin{from: from, at: now(), asked: true, charged: -1, admit: true}
	for i, body := range response.Batches {
		id := types.BatchIDOf(body)
		if i >= len(request.Batches) || !batches[id] {
			s.stats.badBodies.Add(1)
			break
		}
		if err := s.checkBody(ctx, o, id, body); err != nil {
			return err
		}
	}
	return s.checkVertices(ctx, o, response.Vertices[:min(len(response.Vertices), len(request.Vertices))], vertices)
}
