package sampling

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"github.com/etherscale/bedrock/coding"
)

// DecodeK is the largest K for which the sample is the whole block: K correct rows, decoded.
const DecodeK = 64

// Rule is a threshold: available if Accept of Samples rows were answered.
type Rule struct{ Samples, Accept int }

// Rules are tried in order on a growing set of rows: the second asks for more only if the first did not pass.
type Rules [2]Rule

// Default tolerates silence; Strict also proves that the block decodes alike for everybody.
var (
	Default = Rules{{33, 28}, {44, 34}}
	Strict  = Rules{{59, 59}, {92, 87}}
)

// passed returns which rule (0 or 1) the answers satisfy; answered tells about each of the drawn rows in their order.
func (r Rules) passed(answered []bool) (stage int, ok bool) {
	for stage, rule := range r {
		if count(answered[:min(rule.Samples, len(answered))]) >= rule.Accept {
			return stage, true
		}
	}
	return 0, false
}

func count(marks []bool) int {
	n := 0
	for _, m := range marks {
		if m {
			n++
		}
	}
	return n
}

// draw takes the rows to sample from a block of shape p, in the order they are asked. chance must be unpredictable.
func (r Rules) draw(chance io.Reader, p coding.Params) ([]uint32, error) {
	return drawDistinct(chance, p.N, min(r[1].Samples, p.N))
}

// drawMore continues a draw for rules that ask for fewer rows: the whole is as if drawn at once.
func (r Rules) drawMore(chance io.Reader, p coding.Params, drawn []uint32) ([]uint32, error) {
	out, seen := slices.Clone(drawn), make(map[uint32]bool)
	for _, i := range drawn {
		seen[i] = true
	}
	for want := min(r[1].Samples, p.N); len(out) < want; {
		i, err := uniform(chance, uint32(p.N))
		if err != nil {
			return nil, err
		}
		if !seen[i] {
			seen[i] = true
			out = append(out, i)
		}
	}
	return out, nil
}

// drawDistinct draws count distinct numbers below n, all such sequences alike: the first steps of a Fisher-Yates shuffle.
func drawDistinct(chance io.Reader, n, count int) ([]uint32, error) {
	moved := make(map[uint32]uint32) // what lies at a position, if not its own number
	at := func(i uint32) uint32 {
		if v, ok := moved[i]; ok {
			return v
		}
		return i
	}
	out := make([]uint32, count)
	for i := range out {
		below, err := uniform(chance, uint32(n-i))
		if err != nil {
			return nil, err
		}
		j := uint32(i) + below
		out[i] = at(j)
		moved[j] = at(uint32(i))
	}
	return out, nil
}

// uniform draws a number below n without bias, by rejection.
func uniform(chance io.Reader, n uint32) (uint32, error) {
	limit := (uint64(1) << 32) / uint64(n) * uint64(n)
	for {
		var b [4]byte
		if _, err := io.ReadFull(chance, b[:]); err != nil {
			return 0, fmt.Errorf("sampling: draw rows: %w", err)
		}
		if v := uint64(binary.LittleEndian.Uint32(b[:])); v < limit {
			return uint32(v % uint64(n)), nil
		}
	}
}
