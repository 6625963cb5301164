package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/etherscale/bedrock/chain"
	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/node/health"
)

// Timing of the look at the node's own health. Each look costs some microseconds; what has to ask the state waits longer.
const (
	conditionsEvery = 5 * time.Second
	stateLooks      = 6 // looks between two at what the executed state says
)

// Thresholds of conditions.
const (
	// clockBehind and clockAhead are how far the clock may seem to be off: a block from the future is none, and the fastest of
	// sixteen comes within seconds also on a full line, or within the 10 s of a heartbeat in a network at rest.
	clockBehind, clockAhead = -time.Second, 15 * time.Second
	// leastPurse pays for a few of what a node posts: in wei, for this much gas at the base fee.
	leastPurseGas = 1_000_000
)

// condition is a health code that a look at the node raises or clears: raised with the words that it returns, cleared
// without.
type condition struct {
	code  health.ID
	words func() string
}

// conditions are those of the role.
func (n *Node) conditions() []condition {
	list := []condition{
		{health.NoPeers, n.lacksPeers}, {health.NoNewBlock, n.lacksBlocks}, {health.Corrupt, n.isStopped}, {health.RulesNewer, n.isOutdated}, {health.OldVersion, n.isOld},
		{health.CheckpointOld, n.growsOld}, {health.ClockSkew, n.clockIsOff}, {health.FalseVerdict, n.sawFalseVerdict},
		{health.DiskFilling, n.fillsDisk}, {health.DiskFull, n.hasNoDisk}, {health.MemoryTight, n.lacksMemory},
	}
	if n.cfg.Role != config.Light { // nobody needs to reach it
		list = append(list, n.reachConditions()...)
	}
	if n.exec != nil {
		list = append(list, condition{health.Pruned, n.gaveUpHistory}, condition{health.Behind, n.isBehind}, condition{health.ProverAbsent, n.lacksProver})
	}
	if n.sampling != nil {
		list = append(list, condition{health.NotSampled, n.lacksSample}, condition{health.Unavailable, n.lacksData})
	}
	if n.cfg.Role != config.Bootstrap && n.cfg.Role != config.Light {
		list = append(list, condition{health.NotSigning, n.isSilent})
	}
	if n.order != nil {
		list = append(list, condition{health.Convicted, n.isConvicted})
	}
	if n.ready != nil {
		list = append(list, condition{health.NotReady, n.ready.why})
	}
	return list
}

// stateConditions are those that read the executed state.
func (n *Node) stateConditions() []condition {
	var list []condition
	if n.account != nil && (n.cfg.Role == config.Prover || n.cfg.Role == config.Sequencer) {
		list = append(list, condition{health.OutOfGas, n.cannotPay})
	}
	if n.exec != nil && n.cfg.Genesis.Bonding != nil {
		list = append(list, condition{health.BondSlashed, n.isSlashed})
	}
	return list
}

// watchHealth looks at the node again and again until ctx ends.
func (n *Node) watchHealth(ctx context.Context) error {
	list, state := n.conditions(), n.stateConditions()
	tick := time.NewTicker(conditionsEvery)
	defer tick.Stop()
	var said []health.State
	for looks := 0; ; looks++ {
		n.look(list)
		n.Joining() // estimates need looks at regular times
		n.meter.noteLine(n.host.Traffic())
		if looks%stateLooks == 0 {
			n.look(state)
		}
		said = n.sayHealth(said)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// sayHealth logs what is shown now and was not before, and what is over. It returns what is shown.
func (n *Node) sayHealth(before []health.State) []health.State {
	shown := n.health.Shown()
	for _, s := range shown {
		if among(before, s.ID) {
			continue
		}
		level := slog.LevelInfo
		if s.Severity != health.Info {
			level = slog.LevelWarn
		}
		n.log.Log(context.Background(), level, s.Title, "code", s.ID, "detail", s.Detail, "next", s.Next)
	}
	for _, s := range before {
		if !among(shown, s.ID) {
			n.log.Info("over: "+s.Title, "code", s.ID, "after", time.Since(s.Since).Round(time.Second))
		}
	}
	return shown
}

func among(states []health.State, id health.ID) bool {
	return slices.ContainsFunc(states, func(s health.State) bool { return s.ID == id })
}

func (n *Node) look(list []condition) {
	for _, c := range list {
		if words := c.words(); words != "" {
			n.health.Set(c.code, words)
		} else {
			n.health.Clear(c.code)
		}
	}
}

// lacksPeers: a node that others join by may be the first, and alone.
func (n *Node) lacksPeers() string {
	if len(n.host.Network().Peers()) > 0 || len(n.cfg.Bootstrap) == 0 {
		return ""
	}
	return fmt.Sprintf("connected to nobody; nodes to join by: %s", strings.Join(shortened(n.cfg.Bootstrap, 3), ", "))
}

// shortened are the first few of a list, and how many more there are.
func shortened(list []string, most int) []string {
	if len(list) <= most {
		return list
	}
	return append(append([]string{}, list[:most]...), fmt.Sprintf("and %d more", len(list)-most))
}

// lacksBlocks goes by when blocks came, not by their times: the clock may be wrong.
func (n *Node) lacksBlocks() string {
	head := n.chain.Head().Header.Height
	silence := n.meter.silence(head)
	if silence <= freshHead || n.cfg.Role == config.Bootstrap && head == 0 {
		return ""
	}
	return fmt.Sprintf("block %d came %s ago, and none since", head, silence.Round(time.Second))
}

func (n *Node) isStopped() string {
	if s := n.stopped(); s != nil {
		return s.Reason
	}
	return ""
}

func (n *Node) isOutdated() string {
	if err := n.chain.Err(); errors.Is(err, chain.ErrRuleVersion) || errors.Is(err, consensus.ErrRuleVersion) {
		return err.Error()
	}
	return ""
}

// growsOld warns when half of the time is over for which what the node knows can be trusted.
func (n *Node) growsOld() string {
	head := n.chain.Head().Header
	age, bonded := time.Since(head.Time.Std()), microseconds(n.cfg.Genesis.UnbondingDelay)
	if bonded == 0 || age <= bonded/2 {
		return ""
	}
	return fmt.Sprintf("block %d is %s old; from %s on it cannot be followed on from", head.Height, age.Round(time.Second), bonded)
}

func (n *Node) clockIsOff() string {
	offset, ok := n.meter.clockOffset()
	switch {
	case !ok || offset >= clockBehind && offset <= clockAhead:
		return ""
	case offset < 0:
		return fmt.Sprintf("blocks come %.1f s before their time: this clock is at least that much slow", -offset.Seconds())
	}
	return fmt.Sprintf("the freshest of the newest blocks was %.1f s old when it came: this clock is about that much fast, or the line is very slow", offset.Seconds())
}

func (n *Node) sawFalseVerdict() string {
	if wrong := n.CourtStats().False; wrong > 0 {
		return fmt.Sprintf("%d verdicts in certified headers are false", wrong)
	}
	return ""
}

func (n *Node) isBehind() string {
	done, head := n.exec.Height(), n.chain.Head().Header.Height
	if done+executedNear >= head {
		return ""
	}
	return fmt.Sprintf("executed %d of %d blocks", done, head)
}

func (n *Node) lacksProver() string {
	if n.cfg.Genesis.Bonding == nil {
		return "" // nothing settles there, and nothing is wrong
	}
	return n.unsettled()
}

func (n *Node) lacksSample() string {
	head := n.chain.Head().Header.Height
	at, ok := n.newestSample(head)
	if ok || head == 0 {
		return ""
	}
	return fmt.Sprintf("the newest block found available is %d of %d", at, head)
}

func (n *Node) lacksData() string {
	n.meter.mu.Lock()
	defer n.meter.mu.Unlock()
	if n.meter.stalled == 0 {
		return ""
	}
	return fmt.Sprintf("block %d: too few of its rows came", n.meter.stalled)
}

// silentAfter is how many rounds a member's own newest vertex may be behind one that an honest member has reached.
const silentAfter = silentRounds

// isSilent compares the own newest vertex with the others'. Who has a seat and does not run as a sequencer is silent, too.
func (n *Node) isSilent() string {
	epoch := n.chain.Epoch()
	if _, member := n.placeIn(epoch); !member {
		return ""
	}
	if n.order == nil {
		return fmt.Sprintf("this key is in the committee of epoch %d, and the node runs as a %s: `bedrock run --role sequencer`", epoch, n.cfg.Role)
	}
	seq, _, ok := n.order.Current()
	if !ok {
		return fmt.Sprintf("ordering in epoch %d has not begun here", epoch)
	}
	return silentWords(seq.Status())
}

func silentWords(s consensus.Status) string {
	if s.Ended || s.HeardRound <= s.Round+silentAfter {
		return ""
	}
	return fmt.Sprintf("own newest vertex in round %d, others are in round %d", s.Round, s.HeardRound)
}

func (n *Node) isConvicted() string {
	if seq, _, ok := n.order.Current(); ok {
		return convictedWords(seq.Status())
	}
	return ""
}

func convictedWords(s consensus.Status) string {
	if !s.Convicted {
		return ""
	}
	return "two vertices of one round bear its signature"
}

// cannotPay is for those whose duty is to post.
func (n *Node) cannotPay() string {
	address := n.account.Address()
	balance, need := n.exec.Balance(address).ToBig(), leastPurse(n.exec.BaseFee())
	if balance.Cmp(need) >= 0 {
		return ""
	}
	return fmt.Sprintf("account 0x%x has %.6f ether; %.6f pay for what it posts next", address, inEther(balance), inEther(need))
}

func (n *Node) isSlashed() string {
	bond, err := n.exec.Bond(n.key)
	if err == nil && bond.Status == execution.BondSlashed {
		return "the bond of this key is slashed"
	}
	return ""
}
