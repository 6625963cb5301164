package node

import (
	"math/big"
	"slices"

	"github.com/etherscale/bedrock/node/metrics"
)

// readState is what the executed state says: fees, and the node's own account and bond.
func (n *Node) readState(s *metrics.Scrape) {
	s.Set(metrics.BaseFee, float64(n.exec.BaseFee()))
	if n.account != nil {
		s.Set(metrics.AccountBalance, inEther(n.exec.Balance(n.account.Address()).ToBig()))
	}
	if n.cfg.Genesis.Bonding == nil {
		return
	}
	bond, err := n.exec.Bond(n.key)
	if err != nil {
		n.log.Debug("own bond not read", "error", err)
		return
	}
	state := bond.Status.String()
	for _, each := range []string{"none", "active", "leaving", "released", "slashed"} {
		s.Flag(metrics.Bond, state == each, each)
	}
	if bond.Stake != nil {
		s.Set(metrics.BondStake, inEther(bond.Stake))
	}
}

// leastPurse pays for a few of what a node posts, at a base fee in wei.
func leastPurse(baseFee uint64) *big.Int {
	return new(big.Int).Mul(new(big.Int).SetUint64(baseFee), big.NewInt(leastPurseGas))
}

func inEther(wei *big.Int) float64 {
	ether, _ := new(big.Float).Quo(new(big.Float).SetInt(wei), big.NewFloat(1e18)).Float64()
	return ether
}

// kindsOfChallenges are those that are counted by name; what strangers name otherwise is other.
func kindsOfChallenges() []string {
	return []string{"wrong-state", "double-assertion", "double-vertex", "bad-encoding", "double-header", "double-signature", "wrong-prefix"}
}

func challengeKind(name string) string {
	if slices.Contains(kindsOfChallenges(), name) {
		return name
	}
	return "other"
}

func (n *Node) readCourt(s *metrics.Scrape) {
	c := n.CourtStats()
	type ends struct{ upheld, invalid, undecided uint64 }
	count := make(map[string]ends)
	for _, k := range c.Challenges {
		e := count[challengeKind(k.Kind)]
		count[challengeKind(k.Kind)] = ends{e.upheld + k.Upheld, e.invalid + k.Invalid, e.undecided + k.Undecided}
	}
	for kind, e := range count {
		s.Set(metrics.Challenges, float64(e.upheld), kind, "upheld")
		s.Set(metrics.Challenges, float64(e.invalid), kind, "invalid")
		s.Set(metrics.Challenges, float64(e.undecided), kind, "undecided")
	}
	s.Set(metrics.CourtWaiting, float64(c.Waiting))
	s.Set(metrics.CourtBusy, float64(c.Busy))
	s.Set(metrics.VerdictsStated, float64(c.Stated))
	s.Set(metrics.VerdictsListed, float64(c.Listed))
	s.Set(metrics.VerdictsFalse, float64(c.False))
}

func (n *Node) readBackground(s *metrics.Scrape) {
	s.Set(metrics.BackgroundQueue, float64(len(n.background.jobs)), "rows")
	s.Set(metrics.BackgroundQueue, float64(len(n.heads.jobs)), "heads")
	s.Set(metrics.BackgroundQueue, float64(len(n.submits.jobs)), "batches")
}

// silentRounds is how far behind the others' newest vertex a member counts as silent: what lies below is never appended.
const silentRounds = 64

func (n *Node) readOrder(s *metrics.Scrape) {
	f, ok := n.Figures()
	if !ok {
		return
	}
	o, d := f.Order, f.Driver
	s.Set(metrics.OrderRound, float64(o.Round), "own")
	s.Set(metrics.OrderRound, float64(o.AcceptedRound), "accepted")
	s.Set(metrics.OrderRound, float64(o.DecidedRound), "decided")
	silent := 0
	for _, newest := range o.Newest {
		if newest+silentRounds < o.AcceptedRound {
			silent++
		}
	}
	s.Set(metrics.OrderSilent, float64(silent))
	s.Set(metrics.OrderSlots, float64(o.Counters.DirectCommit), "commit", "direct")
	s.Set(metrics.OrderSlots, float64(o.Counters.IndirectCommit), "commit", "indirect")
	s.Set(metrics.OrderSlots, float64(o.Counters.DirectSkip), "skip", "direct")
	s.Set(metrics.OrderSlots, float64(o.Counters.IndirectSkip), "skip", "indirect")
	s.Set(metrics.OrderVertices, float64(d.Vertices))
	s.Set(metrics.OrderRefused, float64(d.BadVertices), "check")
	s.Set(metrics.OrderRefused, float64(d.Rejected), "core")
	s.Set(metrics.OrderReleased, float64(d.Released))
	s.Set(metrics.OrderClosed, float64(d.Certified))
	s.Set(metrics.OrderWaiting, float64(o.WaitingTransactions))
	s.Set(metrics.OrderWaitingBytes, float64(o.WaitingBytes))
	s.Set(metrics.OrderIncomplete, float64(o.IncompleteBatches))
	s.Set(metrics.OrderMissing, float64(o.Missing))
	s.Flag(metrics.OrderCongested, o.Congested)
	s.Set(metrics.OrderEquivocators, float64(len(o.Equivocators)))
	s.Set(metrics.OrderFetches, float64(d.Fetches-min(d.FetchesFailed, d.Fetches)), "answered")
	s.Set(metrics.OrderFetches, float64(d.FetchesFailed), "failed")
	s.Set(metrics.OrderCatchUps, float64(d.CatchUps))
	s.Set(metrics.OrderPushesLost, float64(d.PushesLost), "out")
	s.Set(metrics.OrderPushesLost, float64(d.PushesDropped), "in")
	s.Set(metrics.OrderSyncs, float64(f.Fsyncs))
}
