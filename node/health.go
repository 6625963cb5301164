package node

import (
	"context"
	"fmt"
	"time"

	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/sampling"
	"github.com/etherscale/bedrock/types"
)

// Bounds of readiness. Heartbeats make a header every 10 s at least; who waits for execution or a sample longer than so many
// blocks is catching up.
const (
	freshHead     = 30 * time.Second
	executedNear  = 16
	sampledWithin = 32
)

var _ rpc.Health = (*service)(nil)

// Ready implements rpc.Health.
func (s *service) Ready(context.Context) rpc.Readiness { return s.n.readiness() }

// readiness is that the head is fresh and contradicted by nothing, and that the node has executed and sampled up to near it,
// as far as its role does either; and what is raised of the health codes.
func (n *Node) readiness() rpc.Readiness {
	head := n.chain.Head().Header
	out := rpc.Readiness{Ready: true, Health: []rpc.Ailing{}}
	check := func(name string, ok bool, format string, args ...any) {
		out.Checks = append(out.Checks, rpc.Check{Name: name, OK: ok, Detail: fmt.Sprintf(format, args...)})
		out.Ready = out.Ready && ok
	}
	age := time.Since(head.Time.Std())
	check("head", age <= freshHead, "certified block %d is %.1f s old, at most %.0f", head.Height, age.Seconds(), freshHead.Seconds())
	if s, words, _, _ := n.Joining(); s.Stage != StageDone {
		check("joined", false, "%s", words)
	}
	if stopped := n.stopped(); stopped != nil {
		check("sound", false, "stopped at block %d: %s", stopped.Height, stopped.Kind)
	} else {
		err := n.chain.Err()
		check("sound", err == nil, "%s", sound(err))
	}
	if wrong := n.CourtStats().False; wrong > 0 { // no fault of this node's, and nothing it tells rests on it
		out.Checks = append(out.Checks, rpc.Check{Name: "verdicts", OK: true,
			Detail: fmt.Sprintf("%d verdicts in certified headers are false: a quorum took bonds without a reason (`bedrock fraud list --false`)", wrong)})
	}
	if n.exec != nil {
		done := n.exec.Height()
		check("executed", done+executedNear >= head.Height, "executed %d of %d blocks, at most %d behind", done, head.Height, executedNear)
	}
	if n.sampling != nil {
		at, ok := n.newestSample(head.Height)
		check("sampled", ok, "newest block found available: %d of %d, at most %d behind", at, head.Height, sampledWithin)
	}
	for _, state := range n.health.Shown() {
		out.Health = append(out.Health, rpc.Ailing{Code: string(state.ID), Severity: string(state.Severity), Title: state.Title,
			Detail: state.Detail, Next: state.Next, Since: state.Since, Doc: state.Doc()})
	}
	return out
}

func sound(err error) string {
	if err != nil {
		return err.Error()
	}
	return "nothing contradicts the chain"
}

// newestSample is the newest block near the head that this node itself found available.
func (n *Node) newestSample(head types.Height) (types.Height, bool) {
	for h := head; h > 0 && h+sampledWithin > head; h-- {
		if r, ok := n.sampling.Sampling(h); ok && r.Verdict == sampling.Available {
			return h, true
		}
	}
	return n.sampled(), false
}
