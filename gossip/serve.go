package gossip

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/etherscale/bedrock/types"
)

// answerer makes the answer to one request.
type answerer func(ctx context.Context, from peer.ID, request []byte) (status, []byte)

// answering serves one request on each stream: a frame in, a frame out, end.
func (g *Gossip) answering(maxRequest int, answer answerer) func(context.Context, network.Stream) {
	return func(ctx context.Context, s network.Stream) {
		from := s.Conn().RemotePeer()
		if !g.gate.enter(from) {
			g.counts.limited.Add(1)
			_ = writeFrame(s, []byte{byte(statusBusy)})
			return
		}
		sent := 0
		defer func() { g.gate.leave(from, sent) }()
		request, err := readFrame(s, maxRequest, g.cfg.RequestTimeout)
		if err != nil {
			_ = s.Reset()
			return
		}
		ctx, cancel := context.WithTimeout(ctx, g.cfg.RequestTimeout)
		defer cancel()
		st, payload := answer(ctx, from, request)
		sent = 64 + len(payload)
		if writeFrame(s, []byte{byte(st)}, payload) != nil {
			_ = s.Reset()
			return
		}
		g.counts.served.Add(1)
	}
}

func (g *Gossip) answerFetch(ctx context.Context, from peer.ID, request []byte) (status, []byte) {
	r, err := types.DecodeFetchRequest(request)
	if err != nil {
		g.Penalize(from)
		return statusRefused, nil
	}
	response, err := g.cfg.Handlers.FetchDAG(ctx, r)
	if err != nil || response == nil {
		return statusNotFound, nil
	}
	encoded := response.Encode()
	if len(encoded) > types.MaxMessageBytes {
		g.cfg.Logger.Error("answer to a fetch is too large to send", "bytes", len(encoded))
		return statusNotFound, nil
	}
	return statusOK, encoded
}

func (g *Gossip) answerBlock(_ context.Context, from peer.ID, request []byte) (status, []byte) {
	r, err := decodeBlockRequest(request)
	if err != nil {
		g.Penalize(from)
		return statusRefused, nil
	}
	payload, ok := g.lookUp(r)
	if !ok || uint64(len(payload)) > max(g.cfg.MaxBody, types.MaxChallengeBytes) {
		return statusNotFound, nil
	}
	return statusOK, payload
}

func (g *Gossip) lookUp(r *blockRequest) ([]byte, bool) {
	h, height := &g.cfg.Handlers, types.Height(r.Height)
	switch k := kind(r.Kind); {
	case k == kindHeaders && h.Headers != nil:
		headers := h.Headers(height, int(r.Max))
		return encodeHeaders(headers), len(headers) > 0
	case k == kindBody && h.Body != nil:
		body, err := h.Body(height)
		return body, err == nil
	case k == kindOpening && h.Opening != nil:
		opening, err := h.Opening(height)
		return opening, err == nil
	case k == kindAudit && h.Audit != nil:
		return h.Audit(r.id())
	case k == kindChallenge && h.ChallengeBody != nil:
		return h.ChallengeBody(r.id())
	case k == kindChallengeIDs && h.ChallengeIDs != nil:
		return encodeIDs(h.ChallengeIDs(height)), true
	case k == kindAssertions && h.Assertions != nil:
		return types.Marshal(boundItems(h.Assertions(height))), true
	}
	return nil, false
}

func encodeHeaders(headers []types.CertifiedHeader) []byte {
	items := make([][]byte, len(headers))
	for i := range headers {
		items[i] = headers[i].Encode()
	}
	return types.Marshal(boundItems(items))
}

func encodeIDs(ids []types.BatchID) []byte {
	items := make([][]byte, len(ids))
	for i := range ids {
		items[i] = ids[i][:]
	}
	return types.Marshal(boundItems(items))
}

// answerSubmit takes a batch that its entry peer hands to this sequencer directly. Outside the newest committee there is
// nothing it could do for it that its sender cannot.
func (g *Gossip) answerSubmit(ctx context.Context, from peer.ID, body []byte) (status, []byte) {
	if g.live.Load().newest.own < 0 {
		return statusRefused, nil
	}
	switch g.cfg.Handlers.Batch(ctx, from, body, types.TimeOf(time.Now())) {
	case Accept:
		return statusOK, nil
	case Reject:
		g.Penalize(from)
		return statusRefused, nil
	default:
		return statusRefused, nil
	}
}
