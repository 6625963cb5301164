package gossip

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
)

const (
	// bodyTimeoutFactor is how much longer than a small request a body may take.
	bodyTimeoutFactor = 6
	// restFactor is how many hedge delays the others have when of several peers asked one has answered.
	restFactor = 4
)

// question names something asked for, to remember who answered.
type question struct {
	kind   kind
	height types.Height
}

// maxAnswered is how many such questions are remembered: those under way are far fewer.
const maxAnswered = 4096

// askBlock asks connected peers over the block protocol until one gives an answer that decodes.
func askBlock[T any](ctx context.Context, g *Gossip, r blockRequest, decode func([]byte) (T, error)) (T, error) {
	var none T
	peers, err := g.reach(ctx, g.protocols.block, false)
	if err != nil {
		return none, err
	}
	limit, timeout, hedge := types.MaxMessageBytes, g.cfg.RequestTimeout, g.cfg.HedgeDelay
	switch kind(r.Kind) {
	case kindBody:
		limit, timeout, hedge = int(max(g.cfg.MaxBody, types.MaxMessageBytes)), bodyTimeoutFactor*timeout, 4*hedge
	case kindChallenge:
		limit, timeout, hedge = types.MaxChallengeBytes, bodyTimeoutFactor*timeout, 4*hedge
	}
	request := r.encode()
	v, from, err := firstGood(ctx, peers, hedge, g.slow.note, func(ctx context.Context, p peer.ID) (T, error) {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		payload, err := g.exchangeLarge(ctx, p, g.protocols.block, request, limit)
		if err != nil {
			return none, g.judge(p, err)
		}
		v, err := decode(payload)
		if err != nil {
			g.Penalize(p)
		}
		return v, err
	})
	if err != nil {
		return none, err
	}
	g.remember(question{kind(r.Kind), types.Height(r.Height)}, from)
	return v, nil
}

func (g *Gossip) remember(q question, from peer.ID) {
	g.answeredMu.Lock()
	defer g.answeredMu.Unlock()
	if len(g.answered) >= maxAnswered {
		clear(g.answered)
	}
	g.answered[q] = from
}

func (g *Gossip) distrust(q question) {
	g.answeredMu.Lock()
	p, ok := g.answered[q]
	delete(g.answered, q)
	g.answeredMu.Unlock()
	if ok {
		g.Penalize(p)
	}
}

// Headers asks for certified headers from a height on, at most max (and MaxHeaders). The answer ascends without gaps and
// begins at from, or is empty if the peers asked have none; certificates are for the caller to verify. If they do not,
// call DistrustHeaders.
func (g *Gossip) Headers(ctx context.Context, from types.Height, max int) ([]types.CertifiedHeader, error) {
	max = min(max, MaxHeaders)
	if max <= 0 {
		return nil, nil
	}
	r := blockRequest{Kind: uint64(kindHeaders), Height: uint64(from), Max: uint64(max)}
	headers, err := askBlock(ctx, g, r, func(b []byte) ([]types.CertifiedHeader, error) { return decodeHeaders(b, from, max) })
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("headers from %d: %w", from, err)
	}
	return headers, nil
}

// Body asks for the data of a block. That it matches the commitment is for the caller to verify; if it does not, call
// DistrustBody.
func (g *Gossip) Body(ctx context.Context, height types.Height, commitment types.Hash) ([]byte, error) {
	r := blockRequest{Kind: uint64(kindBody), Height: uint64(height)}
	body, err := askBlock(ctx, g, r, func(b []byte) ([]byte, error) { return b, nil })
	if err != nil {
		return nil, fmt.Errorf("body %d (commitment %s): %w", height, commitment, err)
	}
	return body, nil
}

// Opening asks for the opening of a block's commitment and checks it.
func (g *Gossip) Opening(ctx context.Context, header types.Header) (*coding.Opening, error) {
	params, err := coding.ParamsFor(header.DataLength)
	if err != nil {
		return nil, fmt.Errorf("opening %d: %w", header.Height, err)
	}
	r := blockRequest{Kind: uint64(kindOpening), Height: uint64(header.Height)}
	opening, err := askBlock(ctx, g, r, func(b []byte) (*coding.Opening, error) {
		o, err := coding.UnmarshalOpening(b, params)
		if err != nil {
			return nil, err
		}
		return &o, o.Check(params, header.Commitment)
	})
	if err != nil {
		return nil, fmt.Errorf("opening %d: %w", header.Height, err)
	}
	return opening, nil
}

// DistrustHeaders reports that the last answer to Headers from this height did not verify.
func (g *Gossip) DistrustHeaders(from types.Height) { g.distrust(question{kindHeaders, from}) }

// DistrustBody reports that the last answer to Body of this height did not match.
func (g *Gossip) DistrustBody(height types.Height) { g.distrust(question{kindBody, height}) }

// Audit asks for the encoded audit record of a released batch, or of a transaction by types.TransactionCID; it carries its
// own proof.
func (g *Gossip) Audit(ctx context.Context, id types.BatchID) ([]byte, error) {
	r := blockRequest{Kind: uint64(kindAudit), ID: id[:]}
	record, err := askBlock(ctx, g, r, func(b []byte) ([]byte, error) { return b, nil })
	if err != nil {
		return nil, fmt.Errorf("audit record of %s: %w", id, err)
	}
	return record, nil
}

// Challenge fetches a challenge by its CID and checks the CID.
func (g *Gossip) Challenge(ctx context.Context, id types.BatchID) ([]byte, error) {
	r := blockRequest{Kind: uint64(kindChallenge), ID: id[:]}
	body, err := askBlock(ctx, g, r, func(b []byte) ([]byte, error) {
		if types.BatchIDOf(b) != id {
			return nil, fmt.Errorf("other bytes than %s: %w", id, types.ErrMalformed)
		}
		return b, nil
	})
	if err != nil {
		return nil, fmt.Errorf("challenge %s: %w", id, err)
	}
	return body, nil
}

// ChallengeIDs asks up to n peers at once which valid challenges they know against a block. It returns the union,
// ascending, and how many peers answered.
func (g *Gossip) ChallengeIDs(ctx context.Context, height types.Height, n int) ([]types.BatchID, int, error) {
	r := blockRequest{Kind: uint64(kindChallengeIDs), Height: uint64(height)}
	answers, err := askAll(ctx, g, g.protocols.block, r.encode(), n, decodeIDs)
	if err != nil {
		return nil, 0, fmt.Errorf("challenges of block %d: %w", height, err)
	}
	var ids []types.BatchID
	for _, list := range answers {
		ids = append(ids, list...)
	}
	slices.SortFunc(ids, func(a, b types.BatchID) int { return slices.Compare(a[:], b[:]) })
	return slices.Compact(ids), len(answers), nil
}

// Assertions asks up to n peers at once which assertions they know for a block. It returns what they gave, which the
// caller verifies, with repeats removed.
func (g *Gossip) Assertions(ctx context.Context, height types.Height, n int) ([][]byte, error) {
	r := blockRequest{Kind: uint64(kindAssertions), Height: uint64(height)}
	answers, err := askAll(ctx, g, g.protocols.block, r.encode(), n, decodeItems)
	if err != nil {
		return nil, fmt.Errorf("assertions for block %d: %w", height, err)
	}
	var all [][]byte
	for _, list := range answers {
		all = append(all, list...)
	}
	slices.SortFunc(all, slices.Compare)
	return slices.CompactFunc(all, slices.Equal), nil
}

// askAll asks up to n peers at once and returns the answers that came. After the first one the others have restFactor hedge
// delays: whoever is silent holds up nobody.
func askAll[T any](ctx context.Context, g *Gossip, id protocol.ID, request []byte, n int, decode func([]byte) (T, error)) ([]T, error) {
	peers, err := g.reach(ctx, id, false)
	if err != nil {
		return nil, err
	}
	peers = peers[:max(0, min(n, len(peers)))]
	ctx, cancel := context.WithTimeout(ctx, g.cfg.RequestTimeout)
	defer cancel()
	answers := make(chan answer[T], len(peers))
	for _, p := range peers {
		go func() {
			v, err := askOne(ctx, g, p, id, request, decode)
			answers <- answer[T]{v, p, err}
		}()
	}
	var good []T
	var problems []error
	var rest <-chan time.Time
	waiting := slices.Clone(peers)
	for len(waiting) > 0 {
		select {
		case a := <-answers:
			waiting = slices.DeleteFunc(waiting, func(p peer.ID) bool { return p == a.from })
			if a.err != nil {
				problems = append(problems, a.err)
				g.slow.note([]peer.ID{a.from}) // the next time others are asked
				continue
			}
			if good = append(good, a.value); rest == nil {
				rest = time.After(restFactor * g.cfg.HedgeDelay)
			}
		case <-rest:
			g.slow.note(waiting)
			return good, nil
		}
	}
	if len(good) == 0 {
		return nil, errors.Join(problems...)
	}
	return good, nil
}

// askOne is one request of askAll.
func askOne[T any](ctx context.Context, g *Gossip, p peer.ID, id protocol.ID, request []byte, decode func([]byte) (T, error)) (T, error) {
	payload, err := g.exchange(ctx, p, id, request, types.MaxMessageBytes)
	if err != nil {
		var none T
		return none, g.judge(p, err)
	}
	v, err := decode(payload)
	if err != nil {
		g.Penalize(p)
	}
	return v, err
}

// Fetch asks one member of the request's epoch for vertices and bodies. The answer's items are unchecked.
func (g *Gossip) Fetch(ctx context.Context, from types.Member, r *types.FetchRequest) (*types.FetchResponse, error) {
	committee, ok := g.committee(r.Epoch)
	if !ok {
		return nil, fmt.Errorf("fetch from member %d: the committee of epoch %d is not known", from, r.Epoch)
	}
	if !committee.Has(from) {
		return nil, fmt.Errorf("fetch from member %d: the committee of epoch %d has %d", from, r.Epoch, committee.Len())
	}
	p, err := PeerIDOf(committee.Member(from).Key)
	if err != nil {
		return nil, err
	}
	if p == g.self {
		return nil, fmt.Errorf("fetch from member %d: this node itself", from)
	}
	return g.fetchFrom(ctx, p, r)
}

func (g *Gossip) committee(e types.Epoch) (*types.Committee, bool) {
	if r := g.live.Load().of(e); r != nil {
		return r.committee, true
	}
	if g.cfg.Committees == nil {
		return nil, false
	}
	return g.cfg.Committees(e)
}

func (g *Gossip) fetchFrom(ctx context.Context, p peer.ID, r *types.FetchRequest) (*types.FetchResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, g.cfg.RequestTimeout)
	defer cancel()
	if err := g.connect(ctx, p); err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	payload, err := g.exchange(ctx, p, g.protocols.fetch, r.Encode(), types.MaxMessageBytes)
	if err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	response, err := types.DecodeFetchResponse(payload)
	if err != nil {
		g.Penalize(p)
		return nil, fmt.Errorf("fetch from %s: %w", p, err)
	}
	return response, nil
}

// SubmitBatch hands a batch directly to up to n sequencers, beside or instead of pubsub. It returns how many took it and,
// if none did, why.
func (g *Gossip) SubmitBatch(ctx context.Context, body []byte, n int) (int, error) {
	peers, err := g.reach(ctx, g.protocols.tx, true)
	if err != nil {
		return 0, fmt.Errorf("submit batch: %w", err)
	}
	taken := 0
	var problems []error
	for _, p := range peers[:min(len(peers), max(n, 1)+1)] {
		if taken == n {
			break
		}
		if err := g.submitTo(ctx, p, body); err != nil {
			problems = append(problems, err)
			continue
		}
		taken++
	}
	if taken > 0 {
		return taken, nil
	}
	return 0, fmt.Errorf("submit batch: %w", errors.Join(problems...))
}

func (g *Gossip) submitTo(ctx context.Context, p peer.ID, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, min(g.cfg.RequestTimeout, 3*time.Second))
	defer cancel()
	_, err := g.exchange(ctx, p, g.protocols.tx, body, 0)
	return err
}
