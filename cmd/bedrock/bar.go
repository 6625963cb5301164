package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// bar is a progress bar in one line of the terminal, drawn at most ten times a second.
type bar struct {
	out  io.Writer
	last time.Time
}

// draw shows how far the work is; what follows the numbers. The line ends with the work.
func (b *bar) draw(done, total uint64, what string) {
	const width = 40
	if time.Since(b.last) < 100*time.Millisecond && done < total {
		return
	}
	b.last = time.Now()
	full := int(done * width / max(total, 1))
	fmt.Fprintf(b.out, "\r[%s%s] %d/%d %s", strings.Repeat("#", full), strings.Repeat(".", width-full), done, total, what)
	if done == total {
		fmt.Fprintln(b.out)
	}
}
