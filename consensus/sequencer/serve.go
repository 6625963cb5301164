package sequencer

import (
	"context"
	"errors"
	"fmt"

	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// HandleFetch answers a request from the log: vertices by digest, bodies by id, a stretch of the log, or cuts. An answer ends at
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
	if (r.Log || r.Cuts) && s.recovering.Load() {
		return nil, ErrRecovering
	}
	switch {
	case r.Log:
		return s.serveLog(r.From)
	case r.Cuts:
		return &types.FetchResponse{Cuts: s.cutNames()}, nil
	case r.Cut != types.Hash{}:
		return s.serveCut(r.Cut, r.From)
	}
	return s.serveItems(r), nil
}

func (s *Sequencer) serveLog(from uint64) (*types.FetchResponse, error) {
	response, err := answerLog(s.cfg.Log, from)
	if err != nil {
		s.log.Error("the vertex log cannot be read", "err", err)
	}
	return response, err
}

func (s *Sequencer) serveItems(r *types.FetchRequest) *types.FetchResponse {
	return answerItems(r, s.bodies.get, func(digest types.Hash) ([]byte, error) {
		encoded, err := s.cfg.Log.Vertex(digest)
		// Read first, then look: an own vertex that was not synced when it was read is either still marked or synced by now.
		if unsent := s.unsent.Load(); unsent != nil && *unsent == digest {
			return nil, errUnsent
		}
		return encoded, err
	})
}

// errUnsent says that a vertex is not to be shown yet.
var errUnsent = errors.New("own vertex that is not synced")

// answerLog is a stretch of a log.
func answerLog(log Log, from uint64) (*types.FetchResponse, error) {
	stretch, err := log.Range(from, types.MaxFetchBytes)
	if err != nil {
		return nil, err
	}
	return &types.FetchResponse{Batches: stretch.Batches, Vertices: stretch.Vertices, Next: stretch.Next, End: stretch.End, First: stretch.First}, nil
}

func (s *Sequencer) cutNames() []types.CutName {
	if names := s.cuts.Load(); names != nil {
		return *names
	}
	return nil
}

// serveCut answers a piece of a cut's state.
func (s *Sequencer) serveCut(digest types.Hash, offset uint64) (*types.FetchResponse, error) {
	for _, name := range s.cutNames() {
		if name.Digest == digest {
			piece, err := s.cfg.Log.CutPiece(name.Round, offset, types.MaxFetchBytes)
			return &types.FetchResponse{Piece: piece}, err
		}
	}
	return nil, fmt.Errorf("cut %s: %w", digest, store.ErrNotInLog)
}

// answerItems is what a request names, as far as it is here and fits.
func answerItems(r *types.FetchRequest, body func(types.BatchID) ([]byte, error), vertex func(types.Hash) ([]byte, error)) *types.FetchResponse {
	response, used := new(types.FetchResponse), 0
	for _, id := range r.Batches {
		found, err := body(id)
		if err != nil {
			continue
		}
		if used > 0 && used+len(found) > types.MaxFetchBytes {
			return response
		}
		used += len(found)
		response.Batches = append(response.Batches, found)
	}
	for _, digest := range r.Vertices {
		encoded, err := vertex(digest)
		if err != nil {
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
