package twins

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
)

// Scenario is one run.
type Scenario struct {
	Members int `json:"members"` // 4 to 7; the largest faulty number of them have twins
	// Rounds are the partitions, in order.
	Rounds []Partition `json:"rounds"`
	// Seed draws the order of slots and of messages.
	Seed uint64 `json:"seed"`
}

// Validate returns all that is wrong with the scenario, joined.
func (s *Scenario) Validate() error {
	var problems []error
	if s.Members < MinMembers || s.Members > MaxMembers {
		problems = append(problems, fmt.Errorf("twins: %d members, want %d to %d", s.Members, MinMembers, MaxMembers))
	}
	if len(s.Rounds) > MaxRounds {
		problems = append(problems, fmt.Errorf("twins: %d rounds, want at most %d", len(s.Rounds), MaxRounds))
	}
	for _, p := range s.Rounds {
		if err := p.check(s.Members + doubled(s.Members)); err != nil {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

// Decode reads a scenario from JSON and checks it.
func Decode(text []byte) (Scenario, error) {
	var s Scenario
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return s, fmt.Errorf("twins: %w", err)
	}
	return s, s.Validate()
}

// Bounds of a scenario. With more members the renamings alone would not fit in memory.
const (
	MinMembers = 4
	MaxMembers = 7
	MaxRounds  = 64
)

// doubled is the largest number of members that may be faulty.
func doubled(members int) int { return (members - 1) / 3 }

// Space is all scenarios of so many members and rounds.
type Space struct {
	members, rounds int
	list            []Partition
	image           [][]uint16 // by renaming and partition: the renamed one
}

// NewSpace prepares the enumeration.
func NewSpace(members, rounds int) (*Space, error) {
	probe := Scenario{Members: members}
	if err := probe.Validate(); err != nil {
		return nil, err
	}
	if rounds < 1 || rounds > MaxRounds {
		return nil, fmt.Errorf("twins: %d rounds, want 1 to %d", rounds, MaxRounds)
	}
	s := &Space{members: members, rounds: rounds, list: partitions(members + doubled(members))}
	index := make(map[Partition]uint16, len(s.list))
	for i, p := range s.list {
		index[p] = uint16(i)
	}
	for _, r := range renamings(members, doubled(members)) {
		row := make([]uint16, len(s.list))
		for i, p := range s.list {
			row[i] = index[p.renamed(r)]
		}
		s.image = append(s.image, row)
	}
	return s, nil
}

// All yields every scenario once up to renaming: the first partition is the least of those alike, the next the least of
// those alike under the renamings that leave the first as it is, and so on.
func (s *Space) All() iter.Seq[Scenario] {
	return func(yield func(Scenario) bool) {
		all := make([]int, len(s.image))
		for i := range all {
			all[i] = i
		}
		number := uint64(0)
		s.extend(nil, all, func(rounds []uint16) bool {
			number++
			return yield(s.scenario(rounds, number))
		})
	}
}

// Count is how many scenarios All yields. It takes about as long as to list them.
func (s *Space) Count() (count uint64) {
	for range s.All() {
		count++
	}
	return count
}

// extend adds a partition to those chosen; fixing lists the renamings that leave them as they are.
func (s *Space) extend(chosen []uint16, fixing []int, yield func([]uint16) bool) bool {
	if len(chosen) == s.rounds {
		return yield(chosen)
	}
	for p := range s.list {
		var left []int
		least := true
		for _, r := range fixing {
			image := int(s.image[r][p])
			if image < p {
				least = false
				break
			}
			if image == p {
				left = append(left, r)
			}
		}
		if least && !s.extend(append(chosen, uint16(p)), left, yield) {
			return false
		}
	}
	return true
}

// Sample yields scenarios drawn at random, without end.
func (s *Space) Sample(seed uint64) iter.Seq[Scenario] {
	return func(yield func(Scenario) bool) {
		rng := rand.New(rand.NewPCG(seed, 0))
		rounds := make([]uint16, s.rounds)
		for {
			for i := range rounds {
				rounds[i] = uint16(rng.IntN(len(s.list)))
			}
			if !yield(s.scenario(rounds, rng.Uint64())) {
				return
			}
		}
	}
}

func (s *Space) scenario(rounds []uint16, seed uint64) Scenario {
	out := Scenario{Members: s.members, Seed: seed}
	for _, p := range rounds {
		out.Rounds = append(out.Rounds, s.list[p])
	}
	return out
}
