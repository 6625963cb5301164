package sim

import (
	"fmt"
	"strings"

	"github.com/etherscale/bedrock/types"
)

// dotRounds is how many of the last rounds a drawing shows.
const dotRounds = 12

// Events are the last events of the run, oldest first, one a line.
func (r *Result) Events() []string {
	if r.world == nil {
		return nil
	}
	return r.world.trace.lines(begin)
}

// DOT draws the last rounds of the last epoch that honest nodes accepted, for Graphviz: a column a member, filled when the vertex is in
// the committed sequence, dashed when its author is a liar, double when it has a twin.
func (r *Result) DOT() string {
	if r.world == nil {
		return ""
	}
	w := r.world
	e := w.newest()
	vertices, top := e.accepted()
	in := map[types.Hash]bool{}
	for _, a := range e.truth.appended {
		in[a.Vertex.Digest] = true
	}
	var b strings.Builder
	b.WriteString("digraph dag {\n  rankdir=BT; node [shape=box, fontname=monospace, fontsize=10];\n")
	for _, v := range vertices {
		if v.Round()+dotRounds <= top {
			continue
		}
		style := "solid"
		if !e.honestMember(v.Author()) {
			style = "dashed"
		}
		if in[v.Digest()] {
			style += ",filled"
		}
		fmt.Fprintf(&b, "  \"%x\" [label=\"m%d r%d\\n%d receipts\\n%.3f ms\", style=%q];\n", v.Digest(), v.Author(), v.Round(),
			len(v.Body().Receipts), float64(v.Time()-begin)/1000, style)
		for _, p := range v.StrongParents() {
			if p.Round+dotRounds > top {
				fmt.Fprintf(&b, "  \"%x\" -> \"%x\";\n", v.Digest(), p.Digest)
			}
		}
		for _, p := range v.Body().Weak {
			if p.Round+dotRounds > top {
				fmt.Fprintf(&b, "  \"%x\" -> \"%x\" [style=dotted];\n", v.Digest(), p.Digest)
			}
		}
	}
	b.WriteString("}\n")
	return b.String()
}

// accepted are the vertices in honest logs, each once, and their highest round.
func (e *era) accepted() (out []*types.Vertex, top types.Round) {
	seen := map[types.Hash]bool{}
	for _, n := range e.nodes {
		if !n.honest || n.disk == nil {
			continue
		}
		for _, v := range n.disk.order {
			if !seen[v.Digest()] {
				seen[v.Digest()] = true
				out = append(out, v)
				top = max(top, v.Round())
			}
		}
	}
	return out, top
}
