package sequencer

import (
	"context"
	"fmt"

	"github.com/etherscale/bedrock/types"
)

// HandleFetch answers a request from the log: vertices by digest, bodies by id, or a stretch of the log. An answer ends at
// types.MaxFetchBytes (at least one item is in it); at most ServeLimit are prepared at a time. Own vertices that are not
// synced yet are shown to nobody (D1). Limits for each requester are the caller's.
func (s *Sequencer) HandleFetch(ctx context.Context, r *types.FetchRequest) (*types.FetchResponse, error) {
	if n := len(r.Vertices) + len(r.Batches); n > types.MaxFetchItems {
		return nil, fmt.Errorf("fetch request of %d items, at most %d: %w", n, types.MaxFetchItems, types.ErrMalformed)
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case s.serving <- struct{}{}:
	}
	defer func() { <-s.serving }()
	s.stats.served.Add(1)
	if r.Log {
		if s.recovering.Load() {
			return nil, ErrRecovering
		}
		return s.serveLog(r.From)
	}
	return s.serveItems(r), nil
}

func (s *Sequencer) serveLog(from uint64) (*types.FetchResponse, error) {
	stretch, err := s.cfg.Log.Range(from, types.MaxFetchBytes)
	if err != nil {
		s.log.Error("the vertex log cannot be read", "err", err)
		return nil, err
	}
	return &types.FetchResponse{Batches: stretch.Batches, Vertices: stretch.Vertices, Next: stretch.Next, End: stretch.End, First: stretch.First}, nil
}

func (s *Sequencer) serveItems(r *types.FetchRequest) *types.FetchResponse {
	response, used := new(types.FetchResponse), 0
	for _, id := range r.Batches {
		body, err := s.bodies.get(id)
		if err != nil {
			continue
		}
		if used > 0 && used+len(body) > types.MaxFetchBytes {
			return response
		}
		used += len(body)
		response.Batches = append(response.Batches, body)
	}
	for _, digest := range r.Vertices {
		encoded, err := s.cfg.Log.Vertex(digest)
		if err != nil {
			continue
		}
		// Read first, then look: an own vertex that was not synced when it was read is either still marked or synced by now.
		if unsent := s.unsent.Load(); unsent != nil && *unsent == digest {
			continue
		}
		if used > 0 && used+len(encoded) > types.MaxFetchBytes {
			return response
		}
		used += len(encoded)
		response.Vertices = append(response.Vertices, encoded)
	}
	return response
}
