package main

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/etherscale/bedrock/node"
)

// How often catching up is looked at, and how often it is told where no terminal shows a bar.
const (
	catchUpLook = 500 * time.Millisecond
	catchUpTell = 10 * time.Second
)

// showCatchUp shows how a node joins: as a bar on a terminal, else as a line of the log every ten seconds. It ends when the node is
// up to date for the first time.
func showCatchUp(ctx context.Context, out io.Writer, log *slog.Logger, n *node.Node) {
	tick := time.NewTicker(catchUpLook)
	defer tick.Stop()
	b := bar{out: out}
	told := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			s, words, _, _ := n.Joining()
			switch {
			case s.Stage == node.StageDone:
				return
			case isTerminal(out) && s.Total > 0:
				b.draw(min(s.Done, s.Total-1), s.Total, words+"   ")
			case !isTerminal(out) && now.Sub(told) >= catchUpTell:
				told = now
				log.Info("catching up", "stage", s.Stage, "done", s.Done, "total", s.Total, "how", words)
			}
		}
	}
}
