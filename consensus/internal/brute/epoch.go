package brute

import "github.com/etherscale/bedrock/types"

// End is what an epoch's last header says of its members.
type End struct {
	Rewards   []uint64
	Committee []types.CommitteeMember
	Rules     uint64
}

// EpochEnd counts over the sequence up to the vertex after which the last of the blocks closed: headers are the blocks' digests,
// from height 1 on, named is the next committee as the state has it, rules the version in force.
func EpochEnd(s Setting, limits Limits, appended []Appended, blocks []Block, headers []types.Hash, named []types.CommitteeMember, rules uint64) End {
	members := s.Committee.Members()
	var closed []Closed
	for i, b := range blocks {
		closed = append(closed, Closed{b.After, headers[i]})
	}
	signing := Signing(s.Committee, 0, appended, closed)
	end := End{Rewards: make([]uint64, len(members)), Rules: rules}
	newest := make([]uint64, len(members))
	late := make([]bool, len(members))
	for i, a := range appended[:blocks[limits.EpochLength-1].After+1] {
		if secondTwin(appended[:i], a.Vertex) {
			continue
		}
		m := a.Vertex.Author()
		if signing[i] {
			end.Rewards[m]++
		}
		newest[m] = a.Vertex.Body().RuleVersion
		late[m] = late[m] || closedBefore(blocks, i) >= 1+int(limits.EpochLength/2)
	}
	if kept := withoutAccused(named, blocks[limits.EpochLength-8:limits.EpochLength]); len(kept) >= 4 {
		named = kept
	}
	for _, m := range named {
		at := indexOf(members, m.Key)
		if at < 0 || late[at] {
			end.Committee = append(end.Committee, m)
		}
	}
	if len(end.Committee) < 4 {
		end.Committee = members
	}
	for _, version := range newest {
		var stake types.Stake
		for m, announced := range newest {
			if announced >= version {
				stake += members[m].Stake
			}
		}
		if stake >= s.Committee.Quorum() {
			end.Rules = max(end.Rules, version)
		}
	}
	return end
}

// withoutAccused leaves out those on whom the blocks list a verdict.
func withoutAccused(members []types.CommitteeMember, blocks []Block) (out []types.CommitteeMember) {
	for _, m := range members {
		accused := false
		for _, b := range blocks {
			for _, v := range b.Verdicts {
				accused = accused || v.Accused == m.Key
			}
		}
		if !accused {
			out = append(out, m)
		}
	}
	return out
}

func secondTwin(before []Appended, v *types.Vertex) bool {
	for _, b := range before {
		if b.Vertex.Author() == v.Author() && b.Vertex.Round() == v.Round() {
			return true
		}
	}
	return false
}

// closedBefore is how many blocks closed after vertices before index i.
func closedBefore(blocks []Block, i int) (n int) {
	for _, b := range blocks {
		if b.After < i {
			n++
		}
	}
	return n
}

func indexOf(members []types.CommitteeMember, key types.PublicKey) int {
	for i, m := range members {
		if m.Key == key {
			return i
		}
	}
	return -1
}
