package node

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"time"

	"github.com/etherscale/bedrock/fraud"
	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/node/docket"
	"github.com/etherscale/bedrock/types"
)

const (
	inquireEvery        = time.Second
	inquirePeers        = 8                // how many are asked for challenges before a value may settle
	inquireBlocks       = 32               // heights looked at in one turn
	inquireLag          = 2                // blocks without an assertion before peers are asked for one
	inquirePatience     = 20 * time.Second // for the challenges against one height
	convictEvery        = 30 * time.Second // between two questions for convictions
	convictEveryOfLight = 2 * time.Minute  // likewise: pubsub brings them, and each question is to 8 peers
	convictPatience     = 5 * time.Second
)

// inquire asks peers directly for what pubsub did not bring: assertions of blocks that lack one, and challenges against
// values that are about to settle.
func (p *proofs) inquire(ctx context.Context) error {
	tick := time.NewTicker(inquireEvery)
	defer tick.Stop()
	every := convictEvery
	if p.n.cfg.Role == config.Light {
		every = convictEveryOfLight
	}
	var due time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			if now.After(due) && p.askConvictions(ctx) {
				due = now.Add(every)
			}
			p.askAssertions(ctx)
			p.askChallenges(ctx)
		}
	}
}

// askAssertions asks for the assertions of the first block that lacks one, and of those after it, until nobody has any.
// What nobody heard of here is told on: a claim that only few know is one that nobody may have compared.
func (p *proofs) askAssertions(ctx context.Context) {
	holds := func(h types.Height) bool {
		ch, ok := p.n.chain.Header(h)
		return !ok || ch.Header.DataLength > 0
	}
	for range inquireBlocks {
		next, head := p.tracker.Asserted().Height+1, p.n.chain.Head().Header
		if next+inquireLag > head.Height || p.barren.waits(next, head.Height-inquireLag, time.Now(), holds) {
			return
		}
		found, err := p.n.gossip.Assertions(ctx, next, inquirePeers)
		if err != nil {
			return
		}
		for _, encoded := range found {
			p.learn(ctx, encoded)
		}
		if p.tracker.Asserted().Height < next {
			p.barren.again(time.Now())
			return
		}
	}
}

// learn takes an assertion that a peer gave when asked.
func (p *proofs) learn(ctx context.Context, encoded []byte) {
	fresh := p.sinceAssertion(types.BatchIDOf(encoded).String()) == 0
	signed, err := fraud.DecodeAssertion(encoded)
	if err == nil {
		err = p.take(signed)
	}
	if err != nil {
		p.n.log.Debug("assertion of a peer not taken", "error", err)
		return
	}
	if fresh && p.recent(signed.Assertion.Last()) {
		if err := p.n.gossip.PublishAssertion(ctx, encoded); err != nil && ctx.Err() == nil {
			p.n.log.Debug("assertion of a peer not told on", "error", err)
		}
	}
}

// recent reports whether others can hardly have settled a height yet.
func (p *proofs) recent(h types.Height) bool {
	ch, ok := p.n.chain.Header(h)
	head := p.n.chain.Head().Header
	return ok && uint64(head.Time-ch.Header.Time) < p.n.cfg.Genesis.ChallengeWindow
}

// mostMisses is in how many turns a challenge that peers name but do not give holds a height up.
const mostMisses = 3

// askChallenges asks for challenges against the heights whose window is over, the last thing before they settle.
func (p *proofs) askChallenges(ctx context.Context) {
	due := p.tracker.Due(inquireBlocks)
	for _, h := range due {
		if p.unchallenged(h) || !p.agrees(h) {
			continue
		}
		ids, _, err := p.n.gossip.ChallengeIDs(ctx, h, inquirePeers)
		if err != nil {
			break // nobody answers: nothing settles on silence
		}
		if !p.judgeNamed(ctx, h, ids) {
			continue // some challenge is still to be verified: so the height waits
		}
		p.mu.Lock()
		p.asked[h] = true
		delete(p.misses, h)
		p.mu.Unlock()
	}
	p.tracker.Settle()
	p.forgetAsked(p.tracker.Settled().Height)
}

// askConvictions asks peers for what convicts sequencers: whoever joins after a challenge was told learns it here. False if
// nobody answered.
func (p *proofs) askConvictions(ctx context.Context) bool {
	ids, _, err := p.n.gossip.ChallengeIDs(ctx, 0, inquirePeers)
	if err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, convictPatience)
	defer cancel()
	p.judgeNamed(ctx, 0, ids)
	return true
}

// agrees reports whether the claim that stands for a height is what this peer computed itself. A peer that executes never
// settles anything else, not even if it could not make a challenge; one that does not has no opinion.
func (p *proofs) agrees(h types.Height) bool {
	if p.n.exec == nil {
		return true
	}
	if p.n.exec.Height() < h {
		return false // not executed yet
	}
	own, err := fraud.OwnParent(p.n.exec, h)
	if err != nil {
		p.n.log.Error("own claims are not read, nothing settles", "height", h, "error", err)
		return false
	}
	for _, v := range p.tracker.Values(h) {
		if !v.Refuted && v.Step.Value == own.Value() {
			p.disputed.CompareAndSwap(uint64(h), 0)
			return true
		}
	}
	if p.disputed.Swap(uint64(h)) != uint64(h) {
		p.n.log.Error("the claim that nobody refuted is not what this node computed: nothing settles here from this height on", "height", h)
	}
	return false
}

// asked is the sender of all challenges that this peer asked others for: one of many, as to its share of the court.
var asked = docket.Sender{Group: "asked"}

// judgeNamed verifies the challenges that peers named against a height; true if nothing is left to verify.
func (p *proofs) judgeNamed(ctx context.Context, h types.Height, ids []types.BatchID) bool {
	rand.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	ctx, cancel := context.WithTimeout(ctx, inquirePatience)
	defer cancel()
	done, missed := true, false
	for _, id := range ids {
		if p.court.wasJudged(id) {
			continue
		}
		err := p.court.judgeID(ctx, asked, id)
		if errors.Is(err, errAbsent) {
			missed = true
			continue
		}
		if !decided(err) {
			p.n.log.Debug("challenge learnt by asking not judged yet", "height", h, "challenge", id, "error", err)
			done = false
		}
	}
	if !missed {
		return done
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.misses[h]++
	return done && p.misses[h] >= mostMisses
}

// forgetAsked drops what is known of settled heights.
func (p *proofs) forgetAsked(settled types.Height) {
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.DeleteFunc(p.asked, func(h types.Height, _ bool) bool { return h <= settled })
	maps.DeleteFunc(p.misses, func(h types.Height, _ int) bool { return h <= settled })
}

func (p *proofs) fetchChallenge(ctx context.Context, id types.BatchID) ([]byte, error) {
	if known, ok := p.ledger.challenge(id); ok {
		return known, nil
	}
	return p.n.gossip.Challenge(ctx, id)
}
