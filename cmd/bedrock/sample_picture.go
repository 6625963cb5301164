package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/rpc"
)

// shapeOf is K and n of a block of so many bytes; zero for a length that no block has.
func shapeOf(length uint64) (dataRows, rows int) {
	p, err := coding.ParamsFor(length)
	if err != nil {
		return 0, 0
	}
	return p.K, p.N
}

// usesColor reports whether out is a terminal whose owner wants colors (no-color.org).
func usesColor(out io.Writer) bool {
	_, plain := os.LookupEnv("NO_COLOR")
	return !plain && os.Getenv("TERM") != "dumb" && isTerminal(out)
}

// The signs of the picture, each in its color. One sign stands for one row, or for several of a large block: then the last
// of these that one of them has.
var signs = []struct {
	sign    byte
	color   int // ANSI
	meaning string
}{
	{'.', 90, "not asked for"},
	{'-', 33, "asked for, did not come"},
	{'#', 32, "came"},
	{'M', 36, "came from a member of the committee, which keeps whole blocks"},
}

const (
	signAsked  = 1
	signCame   = 2
	signMember = 3
)

// picture is the widest grid that fits a terminal: pictureWidth rows of the block a line, pictureLines lines at most.
const (
	pictureWidth = 64
	pictureLines = 16
)

// print writes the report for people.
func (r *sampleReport) print(out io.Writer, color bool) {
	fmt.Fprintf(out, "block %d: %s\n", r.Height, samplingText(r.Sampling))
	if r.Stale {
		fmt.Fprintln(out, "  the node is stale: no certified header came to it for a while, so there may be newer blocks that it does not know")
	}
	fmt.Fprintf(out, "  rows asked  %s\n", rowList(r.Indices))
	if r.Asked == 0 || r.Rows == 0 {
		return
	}
	fmt.Fprintf(out, "  rows        %d, any %d of them rebuild the block; the first %d are the data\n", r.Rows, r.DataRows, r.DataRows)
	if r.Took > 0 {
		fmt.Fprintf(out, "  verdict     after %.0f ms\n", r.Took)
	}
	r.printGrid(out, color)
	r.printAnswers(out)
}

// printGrid draws the rows of the block, line by line, and says what the signs mean.
func (r *sampleReport) printGrid(out io.Writer, color bool) {
	cell := max(1, r.Rows/(pictureWidth*pictureLines))
	cells := make([]int, (r.Rows+cell-1)/cell)
	mark := func(row, sign int) {
		if row/cell < len(cells) {
			cells[row/cell] = max(cells[row/cell], sign)
		}
	}
	for _, i := range r.Indices {
		mark(i, signAsked)
	}
	for _, a := range r.Answers {
		sign := signCame
		if a.Member {
			sign = signMember
		}
		mark(int(a.Row), sign)
	}
	seen := make([]bool, len(signs))
	fmt.Fprintln(out)
	for at := 0; at < len(cells); at += pictureWidth {
		line := cells[at:min(at+pictureWidth, len(cells))]
		fmt.Fprintf(out, "  %6d %s\n", at*cell, paint(line, color))
		for _, sign := range line {
			seen[sign] = true
		}
	}
	fmt.Fprintln(out)
	for i, s := range signs {
		if !seen[i] {
			continue
		}
		meaning := s.meaning
		if i == signAsked && r.Verdict == rpc.VerdictAvailable {
			meaning = "asked for, not waited for: enough others came"
		}
		fmt.Fprintf(out, "  %s  %s\n", paint([]int{i}, color), meaning)
	}
	if cell > 1 {
		fmt.Fprintf(out, "  one sign is %d rows\n", cell)
	}
}

// paint spells cells, each run of one sign with one change of color.
func paint(cells []int, color bool) string {
	var b strings.Builder
	for i, c := range cells {
		if color && (i == 0 || cells[i-1] != c) {
			fmt.Fprintf(&b, "\x1b[%dm", signs[c].color)
		}
		b.WriteByte(signs[c].sign)
	}
	if color && len(cells) > 0 {
		b.WriteString("\x1b[0m")
	}
	return b.String()
}

// printAnswers lists who gave which row after how long.
func (r *sampleReport) printAnswers(out io.Writer) {
	if len(r.Answers) == 0 {
		return
	}
	fmt.Fprintf(out, "\n  %6s  %8s  from\n", "row", "after ms")
	members := 0
	for _, a := range r.Answers {
		who := a.Peer
		if a.Member {
			who += " (member)"
			members++
		}
		fmt.Fprintf(out, "  %6d  %8.1f  %s\n", a.Row, a.Ms, who)
	}
	if members > 0 && r.Verdict == rpc.VerdictAvailable {
		fmt.Fprintf(out, "  %d of %d rows came from members: they show that the data can be had, not that others hold it\n", members, len(r.Answers))
	}
}
