package node

import (
	"fmt"
	"time"

	"github.com/etherscale/bedrock/fraud"
	"github.com/etherscale/bedrock/gossip"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/types"
)

// uphold acts on a valid challenge: the value falls, the challenge is kept, told and stated. False if it has no use here.
func (c *court) uphold(challenge *fraud.Challenge, encoded []byte, f *fraud.Finding, took time.Duration) bool {
	p, id, since := c.p, types.BatchIDOf(encoded), c.p.sinceAssertion(f.Assertion)
	var records []rpc.Challenge
	for _, accused := range f.Accused {
		records = append(records, rpc.Challenge{Height: rpc.Height(f.Height), Kind: f.Kind.String(), Accused: accused.PeerID(),
			Challenger: c.n.nameOf(challenge.Payee), Verdict: "valid", Ms: uint64(since.Milliseconds())})
	}
	if !c.isNews(f) {
		return c.adopt(challenge, encoded, f, records)
	}
	if err := c.n.convictQuorum(f); err != nil {
		c.n.log.Warn("a quorum's misconduct has no consequence here", "challenge", id, "reason", err)
		return false
	}
	p.tracker.Convict(f)
	if err := p.ledger.addChallenge(id, encoded, records, f); err != nil {
		c.n.log.Error("challenge not stored", "challenge", id, "error", err)
	}
	c.noteVotes(challenge, id, f)
	for _, accused := range f.Accused {
		c.n.cfg.Watch(Refuted{Height: f.Height, Kind: f.Kind.String(), Accused: accused, Challenger: challenge.Payee, Took: since,
			Size: len(encoded), Verify: took, Differences: f.Differences})
	}
	return true
}

// offence is what a challenge other than of a wrong state proves: of an author's contradictions one is enough, and of
// what a quorum signed one for each height. Each pair of contradicting messages would else be another challenge.
type offence struct {
	kind    fraud.Kind
	accused types.PublicKey
	height  types.Height
}

// isNews notes what a finding proves; false if it was proven before.
func (c *court) isNews(f *fraud.Finding) bool {
	if f.Refuted != nil {
		return !c.p.tracker.Refuted(*f.Refuted)
	}
	what := offence{kind: f.Kind, height: f.Height}
	if (f.Kind == fraud.KindDoubleAssertion || f.Kind == fraud.KindDoubleVertex || f.Kind == fraud.KindDoubleSignature) && len(f.Accused) > 0 {
		what = offence{kind: f.Kind, accused: f.Accused[0]}
	}
	if len(f.Signed) > 0 && !c.p.ledger.takesConviction(f) {
		return false // of an earlier run, or one too many
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.proven[what] {
		return false
	}
	if len(c.proven) >= mostJudged {
		clear(c.proven)
	}
	c.proven[what] = true
	return true
}

// nameOf is the peer ID of the node that a payee stands for, as far as it is known here, else the account.
func (n *Node) nameOf(payee [20]byte) string {
	for _, id := range n.host.Peerstore().Peers() {
		if key, err := gossip.KeyOf(id); err == nil && PayeeOf(key) == payee {
			return key.PeerID()
		}
	}
	return fmt.Sprintf("0x%x", payee)
}
