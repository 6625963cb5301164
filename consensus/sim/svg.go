package sim

import (
	"fmt"
	"sort"
	"strings"

	"github.com/etherscale/bedrock/types"
)

// Measures of the drawing in pixels. Twins share a cell.
const (
	svgCellWidth  = 110
	svgCellHeight = 70
	svgBoxHeight  = 34
	svgMargin     = 40
	svgRounds     = 40 // of the last rounds
)

// svgBox is where a vertex is drawn.
type svgBox struct {
	v          *types.Vertex
	x, y, wide int
	twin       bool
}

// SVG draws the last rounds of the last epoch that honest nodes accepted: a row a round, newest above, a column a member. Green: its slot's
// commit appended vertices; light green: it is in the sequence; white: it is not. A red border: it has a twin; a dashed
// one: its author is a liar. Lines go to parents, dotted ones to weak parents. It needs no program but a browser.
func (r *Result) SVG() string {
	if r.world == nil {
		return ""
	}
	e := r.world.newest()
	boxes, low, top := e.boxes()
	anchors, in := map[types.Hash]bool{}, map[types.Hash]bool{}
	for _, a := range e.truth.appended {
		anchors[a.Slot.Digest], in[a.Vertex.Digest] = true, true
	}
	width, height := 2*svgMargin+e.committee.Len()*svgCellWidth, 2*svgMargin+int(top-low+1)*svgCellHeight
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="monospace" font-size="10">`+"\n", width, height)
	for m := range e.committee.Len() {
		fmt.Fprintf(&b, `<text x="%d" y="20">member %d</text>`+"\n", svgMargin+m*svgCellWidth, m)
	}
	for rd := low; rd <= top; rd++ {
		fmt.Fprintf(&b, `<text x="2" y="%d">%d</text>`+"\n", svgRow(rd, top)+svgBoxHeight/2, rd)
	}
	vertices := e.sortedAccepted(low)
	for _, v := range vertices {
		boxes[v.Digest()].drawParents(&b, boxes)
	}
	for _, v := range vertices {
		box := boxes[v.Digest()]
		fill := "white"
		switch {
		case anchors[v.Digest()]:
			fill = "#7fce7f"
		case in[v.Digest()]:
			fill = "#d8f2d8"
		}
		box.draw(&b, fill, !e.honestMember(v.Author()))
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func svgRow(r, top types.Round) int { return svgMargin + int(top-r)*svgCellHeight }

// sortedAccepted are the vertices from the round on, by round, author and digest.
func (e *era) sortedAccepted(low types.Round) []*types.Vertex {
	all, _ := e.accepted()
	var out []*types.Vertex
	for _, v := range all {
		if v.Round() >= low {
			out = append(out, v)
		}
	}
	sort.Slice(out, func(i, j int) bool {
		a, b := out[i], out[j]
		if a.Round() != b.Round() {
			return a.Round() < b.Round()
		}
		if a.Author() != b.Author() {
			return a.Author() < b.Author()
		}
		da, db := a.Digest(), b.Digest()
		return string(da[:]) < string(db[:])
	})
	return out
}

// boxes places the vertices of the last rounds.
func (e *era) boxes() (boxes map[types.Hash]*svgBox, low, top types.Round) {
	_, top = e.accepted()
	low = 1
	if top > svgRounds {
		low = top - svgRounds + 1
	}
	boxes = map[types.Hash]*svgBox{}
	vertices := e.sortedAccepted(low)
	for i := 0; i < len(vertices); {
		end := i + 1
		for end < len(vertices) && vertices[end].Round() == vertices[i].Round() && vertices[end].Author() == vertices[i].Author() {
			end++
		}
		wide := (svgCellWidth - 20) / (end - i)
		for k, v := range vertices[i:end] {
			boxes[v.Digest()] = &svgBox{v: v, x: svgMargin + int(v.Author())*svgCellWidth + k*wide, y: svgRow(v.Round(), top),
				wide: wide - 2, twin: end-i > 1}
		}
		i = end
	}
	return boxes, low, top
}

func (x *svgBox) drawParents(b *strings.Builder, boxes map[types.Hash]*svgBox) {
	line := func(p types.VertexRef, dash string) {
		if to := boxes[p.Digest]; to != nil {
			fmt.Fprintf(b, `<line x1="%d" y1="%d" x2="%d" y2="%d" stroke="#999" stroke-width="0.6"%s/>`+"\n",
				x.x+x.wide/2, x.y+svgBoxHeight, to.x+to.wide/2, to.y, dash)
		}
	}
	for _, p := range x.v.StrongParents() {
		line(p, "")
	}
	for _, p := range x.v.Body().Weak {
		line(p, ` stroke-dasharray="2,2"`)
	}
}

func (x *svgBox) draw(b *strings.Builder, fill string, liar bool) {
	border := `stroke="black"`
	if x.twin {
		border = `stroke="red" stroke-width="2"`
	}
	if liar {
		border += ` stroke-dasharray="5,3"`
	}
	digest := x.v.Digest()
	fmt.Fprintf(b, `<g><title>member %d round %d, %x, %d receipts, %.3f ms</title><rect x="%d" y="%d" width="%d" height="%d" fill="%s" %s/>`,
		x.v.Author(), x.v.Round(), digest[:8], len(x.v.Body().Receipts), float64(x.v.Time()-begin)/1000, x.x, x.y, x.wide, svgBoxHeight, fill, border)
	fmt.Fprintf(b, `<text x="%d" y="%d">%x</text></g>`+"\n", x.x+3, x.y+14, digest[:min(4, x.wide/14)])
}
