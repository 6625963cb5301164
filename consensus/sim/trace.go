package sim

import (
	"encoding/binary"
	"fmt"

	"github.com/etherscale/bedrock/types"
)

// keptEvents is how many of the last events a failure shows.
const keptEvents = 2000

// traced is one event as the trace remembers it.
type traced struct {
	at   types.Time
	node int
	what string
	ref  types.VertexRef
	info uint64
}

// trace hashes all events of a run and keeps the last ones.
type trace struct {
	sum    uint64
	events uint64
	last   []traced
	at     int
}

func newTrace() trace { return trace{sum: 14695981039346656037} }

func (t *trace) add(e traced) {
	t.events++
	var b [44]byte
	binary.LittleEndian.PutUint64(b[0:], uint64(e.at))
	binary.LittleEndian.PutUint32(b[8:], uint32(e.node))
	binary.LittleEndian.PutUint64(b[12:], uint64(e.ref.Round))
	binary.LittleEndian.PutUint64(b[20:], e.info)
	copy(b[28:], e.ref.Digest[:8])
	copy(b[36:], e.what)
	for _, x := range b {
		t.sum = (t.sum ^ uint64(x)) * 1099511628211
	}
	if len(t.last) < keptEvents {
		t.last = append(t.last, e)
		return
	}
	t.last[t.at] = e
	t.at = (t.at + 1) % keptEvents
}

// lines are the last events, oldest first.
func (t *trace) lines(start types.Time) []string {
	out := make([]string, 0, len(t.last))
	for i := range t.last {
		e := t.last[(t.at+i)%len(t.last)]
		line := fmt.Sprintf("%10.3f ms  node %-3d %s", float64(e.at-start)/1000, e.node, e.what)
		if e.ref.Round > 0 {
			line += fmt.Sprintf("  member %d round %d %x", e.ref.Author, e.ref.Round, e.ref.Digest[:4])
		}
		if e.info > 0 {
			line += fmt.Sprintf("  %d", e.info)
		}
		out = append(out, line)
	}
	return out
}
