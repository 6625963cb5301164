package twins

import (
	"fmt"
	"slices"
)

// maxParts is into how many parts a partition splits the nodes at most.
const maxParts = 3

// Partition gives every node its part, as a digit each: nodes 0..f-1 are members with a twin, f..n-1 those without, and
// n+i is the twin of i. The first node is in part 0, and a part is named after all lower ones: so equal partitions are
// equal strings.
type Partition string

// partitions lists all partitions of so many nodes, from the one without a cut on.
func partitions(nodes int) []Partition {
	var out []Partition
	digits := make([]byte, nodes)
	var fill func(at int, parts byte)
	fill = func(at int, parts byte) {
		if at == nodes {
			out = append(out, Partition(digits))
			return
		}
		for d := byte(0); d <= min(parts, maxParts-1); d++ {
			digits[at] = '0' + d
			fill(at+1, max(parts, d+1))
		}
	}
	fill(0, 0)
	return out
}

// check returns what is wrong with the partition's spelling.
func (p Partition) check(nodes int) error {
	parts := byte('0')
	for i := range len(p) {
		if p[i] < '0' || p[i] > parts || p[i] >= '0'+maxParts {
			return fmt.Errorf("partition %q: node %d is in no part, or parts are not named in order", p, i)
		}
		if p[i] == parts {
			parts++
		}
	}
	if len(p) != nodes {
		return fmt.Errorf("partition %q has %d nodes, want %d", p, len(p), nodes)
	}
	return nil
}

// renamed moves every node i to place rename[i], and names the parts anew.
func (p Partition) renamed(rename []int) Partition {
	moved := make([]byte, len(p))
	for i := range len(p) {
		moved[rename[i]] = p[i]
	}
	var names [maxParts]byte
	next := byte('0')
	for i, d := range moved {
		if names[d-'0'] == 0 {
			names[d-'0'] = next
			next++
		}
		moved[i] = names[d-'0']
	}
	return Partition(moved)
}

// renamings lists the permutations of nodes under which scenarios are alike.
func renamings(members, twins int) [][]int {
	var out [][]int
	for _, pairs := range permutations(twins) {
		for swapped := range 1 << twins {
			for _, plain := range permutations(members - twins) {
				r := make([]int, members+twins)
				for i, to := range pairs {
					r[i], r[members+i] = to, members+to
					if swapped>>i&1 == 1 {
						r[i], r[members+i] = r[members+i], r[i]
					}
				}
				for i, to := range plain {
					r[twins+i] = twins + to
				}
				out = append(out, r)
			}
		}
	}
	return out
}

// permutations lists all orders of 0..n-1.
func permutations(n int) [][]int {
	if n == 0 {
		return [][]int{{}}
	}
	var out [][]int
	for _, shorter := range permutations(n - 1) {
		for at := range n {
			out = append(out, slices.Insert(slices.Clone(shorter), at, n-1))
		}
	}
	return out
}
