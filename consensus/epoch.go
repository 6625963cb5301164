package consensus

import (
	"errors"
	"slices"
	"sort"

	"github.com/etherscale/bedrock/types"
)

const (
	// CommitteeLookback is how many blocks before an epoch's last one the state lies from which the next committee is
	// read: execution then has that long before it holds up the last header.
	CommitteeLookback = 8
	// minCommittee is the size below which members are not left out: with 3 members none may fail.
	minCommittee = 4
)

// ErrRuleVersion says that the epoch's rules are newer than this program: it must be updated, and orders nothing until then.
var ErrRuleVersion = errors.New("the epoch follows rules that this version does not know")

// epochEnd gathers what the epoch's last header says, a function of the committed sequence up to the vertex after which
// the last block closed and of the one NextEpoch input.
type epochEnd struct {
	last      types.Height // of the epoch; 0: it does not end
	half      types.Height // with this height closed the second half begins
	rewards   []uint64     // by member: sequenced vertices while it signed headers, without second twins
	active    []bool       // by member: such a vertex in the second half
	announced []uint64     // by member: rule version in its newest such vertex
	input     *NextEpoch
}

func newEpochEnd(cfg *Config) epochEnd {
	n := cfg.Committee.Len()
	e := epochEnd{rewards: make([]uint64, n), active: make([]bool, n), announced: make([]uint64, n)}
	if length := types.Height(cfg.Rules.EpochLength); length > 0 {
		e.last = (cfg.Parent.Height/length + 1) * length
		e.half = cfg.Parent.Height + 1 + length/2
	}
	return e
}

// ended reports whether the epoch's last block is closed: from there on nothing is ordered.
func (c *Core) ended() bool { return c.epoch.last > 0 && c.certs.closed >= c.epoch.last }

// count takes the next vertex of the sequence, with the height closed before it. signs: its author signs headers.
func (e *epochEnd) count(v *types.Vertex, closed types.Height, signs bool) {
	a := v.Author()
	if signs {
		e.rewards[a]++
	}
	e.announced[a] = v.Body().RuleVersion
	if closed >= e.half {
		e.active[a] = true
	}
}

// askNextEpoch asks for the next committee once the state that decides it is certified.
func (c *Core) askNextEpoch() {
	e := &c.epoch
	if e.last > 0 && e.input == nil && c.certs.done+CommitteeLookback >= e.last {
		c.fx.AskNextEpoch = e.last - CommitteeLookback
	}
}

// nextEpoch takes the answer, once; what it decides is in the last header.
func (c *Core) nextEpoch(in NextEpoch) {
	if c.epoch.input != nil || c.epoch.last == 0 {
		return
	}
	c.epoch.input = &in
	c.buildHeaders()
}

// endOf is what the last header says.
func (c *Core) endOf() *types.EpochEnd {
	e := &c.epoch
	return &types.EpochEnd{
		Committee: c.nextCommittee(), Rewards: append([]uint64(nil), e.rewards...),
		SettledHeight: e.input.SettledHeight, SettledClaim: e.input.SettledClaim,
		RuleVersion: e.ruleVersion(c.cfg.Committee, c.cfg.rulesInForce()),
	}
}

// nextCommittee is what the state says, without those whose bond verdicts took after it was read, if 4 are left, and without
// members of this committee that had nothing sequenced in the second half. Where fewer than 4 are left then, or what the
// state says is no committee, the old one stays. Taken for what the state says, the answer gives itself again: auditors, who
// have no state, rely on that.
func (c *Core) nextCommittee() []types.CommitteeMember {
	if _, err := types.NewCommittee(c.epoch.input.Committee); err != nil {
		c.counters.CommitteesRefused++
		return c.cfg.Committee.Members()
	}
	var next []types.CommitteeMember
	for _, m := range c.unconvicted(c.epoch.input.Committee) {
		if i, old := c.cfg.Committee.Index(m.Key); !old || c.epoch.active[i] {
			next = append(next, m)
		}
	}
	if len(next) < minCommittee {
		return c.cfg.Committee.Members()
	}
	return next
}

// unconvicted leaves out those on whom a block above the one whose state named them lists a verdict, if enough are left.
func (c *Core) unconvicted(named []types.CommitteeMember) []types.CommitteeMember {
	read := c.epoch.last - CommitteeLookback
	left := slices.DeleteFunc(slices.Clone(named), func(m types.CommitteeMember) bool { return c.verdicts.accusedAbove(read, m.Key) })
	if len(left) < minCommittee {
		return named
	}
	return left
}

// ruleVersion is the highest version that members with a quorum of stake announced, and never below the one in force.
func (e *epochEnd) ruleVersion(committee *types.Committee, current uint64) uint64 {
	members := make([]types.Member, committee.Len())
	for i := range members {
		members[i] = types.Member(i)
	}
	sort.SliceStable(members, func(i, j int) bool { return e.announced[members[i]] > e.announced[members[j]] })
	var stake types.Stake
	for _, m := range members {
		if stake += committee.Stake(m); stake >= committee.Quorum() {
			return max(current, e.announced[m])
		}
	}
	return current
}

// Unordered lists the batches whose bodies are here and that are not wholly in a block of this epoch: first what was
// released, in order, then the others by the time they were received. The next epoch's core begins with them. It is
// meant for the time after the last block closed.
func (c *Core) Unordered() []types.BatchID {
	var out []types.BatchID
	listed := make(map[types.BatchID]bool)
	for _, q := range c.blocks.queue {
		if !listed[q.ref.Batch] {
			listed[q.ref.Batch] = true
			out = append(out, q.ref.Batch)
		}
	}
	released := len(out)
	for id := range c.batches {
		if !listed[id] {
			out = append(out, id)
		}
	}
	rest := out[released:]
	sort.Slice(rest, func(i, j int) bool {
		a, b := c.batches[rest[i]], c.batches[rest[j]]
		return a.heldAt < b.heldAt || a.heldAt == b.heldAt && string(a.id[:]) < string(b.id[:])
	})
	return out
}
