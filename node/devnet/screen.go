package devnet

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// patience is how long a block's line waits to become complete.
const patience = 6 * time.Second

// mostPending is how many unfinished lines are kept current at the bottom of a terminal.
const mostPending = 8

// screen prints finished lines and, on a terminal, keeps the unfinished ones current below them.
type screen struct {
	out      io.Writer
	terminal bool
	below    int // lines of the last redraw that may be overwritten
}

// banner says how to use the swarm.
func (s *screen) banner(r Ready) {
	fmt.Fprintf(s.out, "bedrock devnet: %s, chain id %d\n", strings.Join(counts(r.Nodes), ", "), r.ChainID)
	fmt.Fprintf(s.out, "\n  HTTP       %s\n  WebSocket  %s\n  a light client of your own, in another terminal:  bedrock light\n  the network file:  %s\n\n  Accounts, 10000 ether each (their keys are public: never send them anything of value)\n", r.RPC, r.WS, r.Network)
	for _, a := range r.Accounts {
		fmt.Fprintf(s.out, "  %s  %s\n", a.Address, a.PrivateKey)
	}
	fmt.Fprintf(s.out, "\n  An epoch has %d blocks; this committee stays (docs/checkpoints.md: how it changes). Ctrl-C stops it.\n\n", r.EpochLength)
}

func counts(nodes []NodeInfo) []string {
	var order []string
	n := map[string]int{}
	for _, info := range nodes {
		role := string(info.Role)
		if n[role] == 0 {
			order = append(order, role)
		}
		n[role]++
	}
	out := make([]string, len(order))
	for i, role := range order {
		plural := ""
		if n[role] > 1 {
			plural = "s"
		}
		out[i] = fmt.Sprintf("%d %s%s", n[role], role, plural)
	}
	return out
}

// draw prints what is final and redraws what is not.
func (s *screen) draw(b *board, now time.Time) {
	final := b.settle(now, patience)
	var text strings.Builder
	if s.below > 0 && s.terminal {
		fmt.Fprintf(&text, "\x1b[%dA\x1b[J", s.below)
		s.below = 0
	}
	for _, line := range final {
		text.WriteString(line + "\n")
	}
	if s.terminal {
		for _, line := range b.pending(mostPending) {
			first, _, _ := strings.Cut(line, "\n") // one row each, so that they can be redrawn
			text.WriteString(first + "\n")
			s.below++
		}
	}
	_, _ = io.WriteString(s.out, text.String())
}
