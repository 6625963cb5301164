package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/fraud"
	"github.com/etherscale/bedrock/types"
)

const (
	// defaultSnapshotGap is how many blocks a snapshot of the state must save to be fetched: executing so many takes minutes.
	defaultSnapshotGap = 2048
	// restoreWorkers is how many pieces of a snapshot, of 256 KiB at most, are asked for at once.
	restoreWorkers = 12
	// restorePatience is how long no piece comes until the snapshot is given up.
	restorePatience = time.Minute
	// stuckAfter is how long no body comes until a snapshot is tried again: bodies that everybody pruned come from nobody.
	stuckAfter = 30 * time.Second
	joinEvery  = time.Second
	// rootTries is how often peers, others each time, are asked what names the settled state.
	rootTries = 5
	// restoreTellEvery is how often the log says how far the state is fetched.
	restoreTellEvery = 10 * time.Second
)

// lateJoin decides once whether the state is executed from where this node is, or fetched from peers; and again when bodies
// stop coming. It belongs to the goroutine that executes.
type lateJoin struct {
	n       *Node
	decided bool
	bodies  types.Height  // when looked at last
	since   time.Time     // when bodies moved
	check   *types.Header // the epoch's end whose settled state was restored, until that is confirmed
}

// joinsLate reports whether this node may begin with a snapshot: it executes, and there are settled states.
func (n *Node) joinsLate() bool {
	return n.cfg.Role.Executes() && n.cfg.Genesis.Payload == types.PayloadEthereum && n.cfg.Genesis.Bonding != nil
}

func (n *Node) snapshotGap() types.Height {
	if n.cfg.SnapshotGap > 0 {
		return types.Height(n.cfg.SnapshotGap)
	}
	return defaultSnapshotGap
}

// step looks whether a snapshot should be fetched now, and does it.
func (j *lateJoin) step(ctx context.Context) error {
	n := j.n
	if !n.joinsLate() {
		n.chain.FetchBodies()
		return nil
	}
	if !j.decided {
		return j.decide(ctx)
	}
	bodies, head := n.chain.BodiesHead(), n.chain.Head().Header.Height
	if bodies != j.bodies || bodies == head {
		j.bodies, j.since = bodies, time.Now()
		return nil
	}
	if time.Since(j.since) < stuckAfter || n.exec.Height() < bodies {
		return nil
	}
	j.since = time.Now()
	return j.fetch(ctx, 1)
}

// decide waits until the headers are here, where they may be many.
func (j *lateJoin) decide(ctx context.Context) error {
	n := j.n
	own := n.exec.HeadHeader()
	age := time.Since(own.Time.Std())
	far := age > min(time.Duration(n.snapshotGap())*microseconds(n.cfg.Genesis.BlockInterval), microseconds(n.cfg.Genesis.Retention))
	if far && !j.seesHead() {
		return nil
	}
	j.decided, j.since = true, time.Now()
	defer n.chain.FetchBodies()
	if head := n.chain.Head().Header.Height; head > n.exec.Height()+executedNear {
		n.log.Info("joining behind the newest block", "executed", n.exec.Height(), "newest", head, "fetch_state_from", n.exec.Height()+j.gap())
	}
	return j.fetch(ctx, j.gap())
}

// gap is how many blocks a snapshot must save: any, where the next bodies are older than the network keeps them.
func (j *lateJoin) gap() types.Height {
	n := j.n
	next, ok := n.chain.Header(n.exec.Height() + 1)
	if ok && next.Header.Time+types.Time(n.cfg.Genesis.Retention) < n.chain.Head().Header.Time {
		return 1
	}
	return n.snapshotGap()
}

// levelPatience is how long peers must have had nothing newer than a head that is old: the first to answer may be behind.
const levelPatience = 10 * time.Second

// seesHead reports whether the headers that peers have are here.
func (j *lateJoin) seesHead() bool {
	n := j.n
	if !n.chain.IsLevel() {
		return false
	}
	head := n.chain.Head().Header
	return time.Since(head.Time.Std()) < max(4*microseconds(n.cfg.Genesis.Heartbeat), levelPatience) || n.chain.LevelFor() > levelPatience
}

// fetch gets the newest settled state from peers if it saves so many blocks. That it cannot be had is no error: then blocks
// are executed.
func (j *lateJoin) fetch(ctx context.Context, gap types.Height) error {
	n := j.n
	end, ok := n.newestEnd(n.chain.Head().Header.Height)
	if !ok || end.Next.SettledHeight < n.exec.Height()+gap {
		return nil
	}
	err := j.restore(ctx, end)
	var local *localFault
	if errors.As(err, &local) || ctx.Err() != nil {
		return errors.Join(err, ctx.Err())
	}
	if err != nil {
		n.log.Info("no snapshot of the state could be had: blocks are executed instead", "from", n.exec.Height()+1, "reason", err)
	}
	return nil
}

// localFault is a failure of the own disk.
type localFault struct{ error }

func (j *lateJoin) restore(ctx context.Context, end types.Header) error {
	n, at := j.n, end.Next.SettledHeight
	roots, err := n.findRoots(ctx, end)
	if err != nil {
		return err
	}
	ch, ok := n.chain.Header(at)
	if !ok {
		return fmt.Errorf("header %d is not here", at)
	}
	target := execution.Target{Header: ch.Header, Claims: roots[0].Claims, Block: roots[0].Block}
	if stored, ok := n.exec.StoredTarget(); ok && stored.Header.Digest() == ch.Header.Digest() && stored.Root() == target.Root() {
		target = *stored // what others call the block may differ from last time; the state does not
	}
	r, err := n.exec.Restore(target)
	if err != nil {
		return err
	}
	n.log.Info("fetching the settled state from peers", "height", at, "root", target.Root())
	n.restoring.Store(r)
	defer n.restoring.Store(nil)
	if err := n.fetchPieces(ctx, r); err != nil {
		return err
	}
	if err := r.Finish(n.headerOf); err != nil {
		return &localFault{err}
	}
	j.check = &end
	return n.adopt(at)
}

// findRoots asks other peers for the settled state's names when the first ones have none: newcomers know newcomers.
func (n *Node) findRoots(ctx context.Context, end types.Header) (roots []execution.NamedState, err error) {
	for try := 1; ; try++ {
		if roots, err = n.settledRoots(ctx, end); err == nil || try == rootTries {
			return roots, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(joinEvery):
		}
	}
}

func (n *Node) headerOf(h types.Height) (types.Header, bool) {
	ch, ok := n.chain.Header(h)
	return ch.Header, ok
}

// adopt tells everybody that the state after a block is here.
func (n *Node) adopt(at types.Height) error {
	if err := n.chain.SkipBodies(at); err != nil {
		return &localFault{err}
	}
	n.log.Info("the settled state is here; blocks are executed from the next one on", "height", at)
	if n.pool != nil {
		n.pool.Executed(at, nil)
	}
	if n.account != nil {
		n.account.Executed()
	}
	if n.order != nil {
		n.order.Executed(at)
	}
	return nil
}

// fetchPieces asks peers for what is missing until the state is whole.
func (n *Node) fetchPieces(ctx context.Context, r *execution.Restoration) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(restoreWorkers)
	done := make(chan execution.Task, restoreWorkers)
	busy, moved := make(map[execution.Task]bool), time.Now()
	_, _, before := r.Progress()
	told := moved
	for !r.Whole() {
		for _, t := range r.Tasks(restoreWorkers-len(busy), busy) {
			busy[t] = true
			group.Go(func() error {
				err := n.fetchPiece(ctx, r, t)
				done <- t
				return err
			})
		}
		select {
		case <-ctx.Done():
			return group.Wait()
		case t := <-done:
			delete(busy, t)
		}
		share, accounts, bytes := r.Progress()
		if time.Since(told) > restoreTellEvery {
			told = time.Now()
			n.log.Info("fetching the settled state", "height", r.Height(), "percent", int(100*share), "accounts", accounts, "mib", bytes>>20)
		}
		if bytes != before {
			before, moved = bytes, time.Now()
		} else if time.Since(moved) > restorePatience {
			return errors.Join(fmt.Errorf("for %s no peer gave a piece of the snapshot", restorePatience), ctx.Err())
		}
	}
	return group.Wait()
}

// fetchPiece asks for one piece; only failures of the own disk are errors.
func (n *Node) fetchPiece(ctx context.Context, r *execution.Restoration, t execution.Task) error {
	var failure error
	err := n.gossip.SnapshotPiece(ctx, r.Request(t), func(answer []byte) error {
		err := r.Add(t, answer)
		if errors.Is(err, execution.ErrTarget) {
			return nil // two peers answered
		}
		if err != nil && !errors.Is(err, types.ErrUnproven) && !errors.Is(err, types.ErrMalformed) {
			failure = &localFault{err}
		}
		return err
	})
	if failure != nil {
		return failure
	}
	if err != nil && ctx.Err() == nil {
		n.log.Debug("piece of the snapshot not fetched", "kind", t.Kind, "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(joinEvery):
		}
	}
	return nil
}

// settle begins to follow assertions at the restored block once its state shows which value of it is settled: peers named the
// claims before the last one, and the bonding contract, in the state that the epoch's end speaks of, knows better.
func (j *lateJoin) settle(ctx context.Context, executed types.Height) {
	n := j.n
	if j.check == nil || executed != j.check.Height-execution.CommitteeLookback && executed < j.check.Height {
		return
	}
	at := j.check.Next.SettledHeight
	if executed == j.check.Height-execution.CommitteeLookback {
		value, err := n.exec.SettledValue(at)
		if err != nil {
			n.log.Warn("the settled value is not read from the restored state", "error", err)
		} else if err := j.correct(ctx, at, value); err != nil {
			n.log.Error("what names the restored block is not what the bonding contract knows: nothing settles here until the next start", "height", at, "error", err)
			j.check = nil
			return
		}
	}
	j.check = nil
	if n.proofs != nil {
		n.proofs.beginAt(at)
	}
}

// correct holds the claims that peers named for the restored block against the settled value, and asks again for those that fit.
func (j *lateJoin) correct(ctx context.Context, at types.Height, value types.Hash) error {
	n := j.n
	header, err := n.exec.Header(at)
	if err != nil {
		return err
	}
	digest := header.Digest()
	own, err := n.exec.Claims(at)
	if err != nil {
		return err
	}
	if types.Hash(fraud.ValueOf(at, digest, own)) == value {
		return nil
	}
	roots, err := n.settledRoots(ctx, *j.check)
	if err != nil {
		return err
	}
	for _, root := range roots {
		if types.Hash(fraud.ValueOf(at, digest, root.Claims)) == value {
			return n.exec.ReplaceClaims(at, root.Claims)
		}
	}
	return errNoRoot
}
