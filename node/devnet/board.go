package devnet

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/etherscale/bedrock/fraud"
	"github.com/etherscale/bedrock/node"
	"github.com/etherscale/bedrock/types"
)

// row is what the swarm knows of one block.
type row struct {
	height    types.Height
	since     time.Time
	txs       int
	skipped   int
	executed  bool
	signers   int
	committee int
	empty     bool
	routine   bool // holds nothing of users: no prover need assert it
	published map[string]bool
	rows      int
	copies    int
	sampled   *node.Sampled
	asserters map[types.PublicKey]bool
	refuted   map[types.PublicKey]string
	verdicts  []types.Verdict // that the header lists: the bonds that the block took
}

// board puts the facts of all nodes together by height. It is owned by one goroutine.
type board struct {
	rows    map[types.Height]*row
	names   map[types.PublicKey]string // of all members of the plan
	payees  map[[20]byte]string        // and of their accounts
	lights  int
	provers int
	liar    types.PublicKey // of the dishonest prover, if there is one
	slashed bool            // that one is
	shown   types.Height    // rows up to here are final and were handed out
}

// newBoard begins after the block at the height shown.
func newBoard(names map[types.PublicKey]string, lights, provers int, shown types.Height) *board {
	return &board{rows: map[types.Height]*row{}, names: names, lights: lights, provers: provers, shown: shown}
}

// take notes one fact that a node told at a time.
func (b *board) take(name string, fact node.Fact, now time.Time) {
	switch f := fact.(type) {
	case node.Certified:
		r := b.row(f.Header.Height, now)
		if r == nil {
			return
		}
		r.signers, r.committee, r.empty = max(r.signers, f.Signers), f.Committee, f.Header.DataLength == 0
		r.verdicts = f.Header.Verdicts
		if !b.slashed && slices.ContainsFunc(r.verdicts, func(v types.Verdict) bool { return v.Accused == b.liar }) {
			b.slashed = true
			b.provers-- // it asserts nothing any more
		}
	case node.Executed:
		if r := b.row(f.Height, now); r != nil {
			r.executed, r.txs, r.skipped, r.routine = true, f.Transactions, f.Skipped, f.Routine
		}
	case node.Published:
		if r := b.row(f.Height, now); r != nil && !r.published[name] {
			r.published[name] = true
			r.rows += f.Rows
			r.copies += f.Stored
		}
	case node.Sampled:
		if r := b.row(f.Height, now); r != nil {
			r.sampled = &f
		}
	case node.Asserted:
		for h := f.From; h <= f.To && f.To-f.From < 10_000; h++ {
			if r := b.rows[h]; r != nil && h > b.shown {
				r.asserters[f.Prover] = true
			}
		}
	case node.Refuted:
		b.refute(name, f, now)
	}
}

// refute notes a refutation as the first node that told it saw it. The challenger itself did not need to verify.
func (b *board) refute(name string, f node.Refuted, now time.Time) {
	r := b.row(f.Height, now)
	if r == nil || r.refuted[f.Accused] != "" || f.Verify == 0 {
		return
	}
	r.refuted[f.Accused] = fmt.Sprintf("%s by %s after %d ms: %s; %s, checked by %s in %d ms", b.name(f.Accused), b.payee(f.Challenger),
		f.Took.Milliseconds(), strings.Join(f.Differences, ", "), size(f.Size), name, f.Verify.Milliseconds())
}

// payee names the node whose account a challenge pays.
func (b *board) payee(account [20]byte) string {
	if name, ok := b.payees[account]; ok {
		return name
	}
	return fmt.Sprintf("0x%x", account)
}

// row finds or makes the row of a height; nil when it was shown already.
func (b *board) row(h types.Height, now time.Time) *row {
	if h <= b.shown {
		return nil
	}
	r := b.rows[h]
	if r == nil {
		r = &row{height: h, since: now, published: map[string]bool{}, asserters: map[types.PublicKey]bool{}, refuted: map[types.PublicKey]string{}}
		b.rows[h] = r
	}
	return r
}

// settle hands out, in order of height, the lines that will not change any more: complete, or older than patience.
func (b *board) settle(now time.Time, patience time.Duration) []string {
	var lines []string
	for len(b.rows) > 0 {
		r := b.rows[b.shown+1]
		switch {
		case r == nil && b.oldest(now) < patience:
			return lines
		case r == nil: // its facts were lost to a full channel
			b.shown++
			continue
		case !b.complete(r) && now.Sub(r.since) < patience:
			return lines
		}
		lines = append(lines, b.line(r))
		delete(b.rows, r.height)
		b.shown++
	}
	return lines
}

// oldest is for how long the first of the unfinished rows has been known.
func (b *board) oldest(now time.Time) time.Duration {
	var age time.Duration
	for _, r := range b.rows {
		age = max(age, now.Sub(r.since))
	}
	return age
}

// pending lists the lines that may still change, in order of height.
func (b *board) pending(most int) []string {
	var lines []string
	for h := b.shown + 1; len(lines) < most; h++ {
		r := b.rows[h]
		if r == nil {
			break
		}
		lines = append(lines, b.line(r))
	}
	return lines
}

func (b *board) complete(r *row) bool {
	sampled := b.lights == 0 || r.sampled != nil
	asserted := r.empty || r.routine || len(r.asserters) >= b.provers
	refuted := len(r.refuted) > 0 || !r.asserters[b.liar]
	return r.committee > 0 && r.executed && sampled && asserted && refuted
}

func (b *board) line(r *row) string {
	txs := "  ... txs"
	if r.executed {
		txs = fmt.Sprintf("%5d txs", r.txs)
	}
	text := fmt.Sprintf("%6d %s  certified %d of %d  rows %4dx%.1f  light %-19s %s", r.height, txs, r.signers, r.committee,
		r.rows, copies(r), lightVerdict(r.sampled), assertion(r))
	if r.skipped > 0 {
		text += fmt.Sprintf("  (%d skipped)", r.skipped)
	}
	for _, refuted := range r.refuted { // of one liar at most
		text += "\n         REFUTED " + refuted
	}
	for _, v := range r.verdicts {
		text += fmt.Sprintf("\n         SLASHED %s for a %s: a tenth of its bond to %s, the rest burned", b.name(v.Accused), fraud.Kind(v.Kind), b.payee(v.Payee))
	}
	return text
}

func copies(r *row) float64 {
	if r.rows == 0 {
		return 0
	}
	return float64(r.copies) / float64(r.rows)
}

func assertion(r *row) string {
	switch {
	case len(r.refuted) > 0:
		return fmt.Sprintf("asserted by %d, %d refuted", len(r.asserters), len(r.refuted))
	case len(r.asserters) > 0:
		return "asserted"
	case r.empty:
		return "empty"
	case r.routine:
		return "ledger's own"
	}
	return "not asserted"
}

// lightVerdict is the verdict with its confidence: what an unavailable block's chance to pass leaves of certainty.
func lightVerdict(s *node.Sampled) string {
	switch {
	case s == nil:
		return "..."
	case s.Asked > 0 && s.MissLog2 < 0:
		return fmt.Sprintf("%s 1-2^%.0f", s.Verdict, s.MissLog2)
	}
	return s.Verdict
}

func (b *board) name(key types.PublicKey) string {
	if name, ok := b.names[key]; ok {
		return name
	}
	return key.PeerID()
}

func size(n int) string {
	if n < 10_000 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%d KiB", n>>10)
}
