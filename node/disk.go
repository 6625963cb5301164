package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// Shares of the disk budget. Rows and bodies lie in files together, of which up to three tenths may be garbage for some minutes.
// What is left is for the state, headers, a sequencer's vertex log, and what a compaction writes before it removes.
const (
	rowShare     = 0.30
	bodyShare    = 0.10
	witnessShare = 0.10
	// diskFixed is what the database takes however little it holds: the logs of what was written last, old ones kept to be written
	// over, and files that a compaction has written and not put in place.
	diskFixed = 64 << 20
)

// diskShare is a share of what a budget leaves for data.
func diskShare(budget int64, share float64) int64 {
	return shareOf(max(0, budget-diskFixed), share)
}

const (
	// diskRoomy is the use from which history is pruned. The node stops while diskMargin, or diskMarginLeast bytes, are left: what
	// the database writes between two looks, its log and a compaction's output above all.
	diskRoomy       = 0.65
	diskMargin      = 0.04
	diskMarginLeast = 48 << 20
	// historyKept is how many of the newest blocks keep their transactions and receipts, however little disk there is.
	historyKept = 1024
	// unsettledKept is the same for blocks that nobody settles.
	unsettledKept = 8 * historyKept
	// headersKept is how many of the newest headers a light client keeps, however little disk there is: some 25 MB.
	headersKept = 16 * historyKept
	// pruneRounds bounds the history pruned at one look.
	pruneRounds = 8
	// diskLook and diskLookNear bound the pause between two looks; between them it is as long as mostWritten bytes a second take to
	// where room has to be made.
	diskLook     = 30 * time.Second
	diskLookNear = 200 * time.Millisecond
	mostWritten  = 64 << 20
	// diskFresh is for how long others are told what a look has found.
	diskFresh = 5 * time.Second
	// diskEased is the use below which a node takes in again what it kept out while disk was short, and shortPatience how long it
	// keeps it out: by then all that can be given back was.
	diskEased     = 0.60
	shortPatience = 2 * time.Minute
)

// ErrDiskBudget says that what the node must keep does not fit into its disk budget.
var ErrDiskBudget = errors.New("the data does not fit into the disk budget")

// DiskUse is what the data directory takes, in bytes.
type DiskUse struct {
	Budget int64            `json:"budget"` // 0: none
	Used   int64            `json:"used"`
	Parts  map[string]int64 `json:"parts"` // by folder of the data directory
}

// diskLooked is what the last look found.
type diskLooked struct {
	mu  sync.Mutex
	at  time.Time
	use DiskUse
}

// Disk is what the node's data takes, as of at most diskFresh ago.
func (n *Node) Disk() (DiskUse, error) {
	n.diskLooked.mu.Lock()
	defer n.diskLooked.mu.Unlock()
	if time.Since(n.diskLooked.at) < diskFresh {
		return n.diskLooked.use, nil
	}
	use, err := n.measureDisk()
	if err == nil {
		n.diskLooked.at, n.diskLooked.use = time.Now(), use
	}
	return use, err
}

// measureDisk walks the data directory.
func (n *Node) measureDisk() (DiskUse, error) {
	use := DiskUse{Budget: n.cfg.Disk, Parts: make(map[string]int64)}
	folders, err := os.ReadDir(n.cfg.Data)
	if err != nil {
		return use, fmt.Errorf("disk use: %w", err)
	}
	for _, f := range folders {
		bytes, err := folderBytes(filepath.Join(n.cfg.Data, f.Name()))
		if err != nil {
			return use, fmt.Errorf("disk use: %w", err)
		}
		use.Parts[f.Name()] = bytes
		use.Used += bytes
	}
	return use, nil
}

// folderBytes adds up the files below a path. Files that vanish meanwhile take nothing.
func folderBytes(path string) (total int64, err error) {
	err = filepath.WalkDir(path, func(_ string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			var info fs.FileInfo
			if info, err = entry.Info(); err == nil {
				total += info.Size()
			}
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	return total, err
}

// diskKeeper holds the data directory to its budget. Rows, bodies and witnesses have shares of their own and keep to them; what
// grows beside them is looked at often. Past two thirds of the budget history goes, oldest first, and until its disk is given back
// the node takes in less: no rows, and no blocks to execute. When nothing is left to go, it stops before it is past the budget:
// cleanly, with all that it acknowledged.
type diskKeeper struct {
	n      *Node
	budget int64

	mu       sync.Mutex
	bodies   int64 // their budget now
	pruned   int64 // use after the last pruning: less than a little more is not worth another
	compacts sync.WaitGroup
	busy     bool

	short time.Time // since when the node takes in less; zero: it does not. Owned by run
}

func newDiskKeeper(n *Node) *diskKeeper {
	return &diskKeeper{n: n, budget: n.cfg.Disk, bodies: diskShare(n.cfg.Disk, bodyShare)}
}

func (k *diskKeeper) run(ctx context.Context) error {
	defer k.compacts.Wait()
	for ctx.Err() == nil {
		use, err := k.n.measureDisk()
		if err != nil {
			return err
		}
		if use.Used > k.budget-max(shareOf(k.budget, diskMargin), diskMarginLeast) {
			return fmt.Errorf("%w: %d of %d MiB are in use, and nothing more can go; give it more with --disk", ErrDiskBudget, use.Used>>20, k.budget>>20)
		}
		if err := k.releaseBodies(); err != nil {
			return err
		}
		if use.Used > shareOf(k.budget, diskRoomy) {
			k.makeRoom(ctx, use.Used)
		}
		k.takeLess(use.Used)
		select {
		case <-ctx.Done():
		case <-time.After(k.pause(use.Used)):
		}
	}
	return nil
}

// pause is the time until the next look: more cannot have been written until then than there is room for.
func (k *diskKeeper) pause(used int64) time.Duration {
	left := max(0, shareOf(k.budget, diskRoomy)-used) / 2
	return min(max(time.Duration(float64(left)/mostWritten*float64(time.Second)), diskLookNear), diskLook)
}

// takeLess keeps out what would fill the disk faster than it is given back.
func (k *diskKeeper) takeLess(used int64) {
	full := used > shareOf(k.budget, diskRoomy)
	switch {
	case full && k.short.IsZero():
		k.short = time.Now()
		k.n.log.Info("disk is short: no rows are taken and blocks wait until some is given back", "used_mib", used>>20, "budget_mib", k.budget>>20)
		k.n.dht.TakeRows(false)
		k.n.chain.PauseBodies(true)
	case !k.short.IsZero() && used < shareOf(k.budget, diskEased):
		k.short = time.Time{}
		k.n.log.Info("disk is no longer short")
		k.setBodies(diskShare(k.budget, bodyShare))
		k.n.dht.TakeRows(true)
		k.n.chain.PauseBodies(false)
	case !k.short.IsZero():
		// What is left may all be needed: blocks wait and come in turns, and rows are taken where they fit.
		waiting := time.Since(k.short)/shortPatience%2 == 0
		k.n.chain.PauseBodies(full && waiting)
		k.n.dht.TakeRows(!full && !waiting)
	}
	k.n.store.Press(full)
}

// releaseBodies lets go of bodies past their share. Execution does so for itself, seldom; where nothing is executed nobody needs a
// body a second time.
func (k *diskKeeper) releaseBodies() error {
	if k.n.exec != nil {
		return k.n.chain.ReleaseBodies(k.n.exec.Durable())
	}
	return k.n.chain.ReleaseBodies(k.n.chain.BodiesHead())
}

// makeRoom drops history and begins to give its disk back, unless it did so a moment ago.
func (k *diskKeeper) makeRoom(ctx context.Context, used int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.busy || used < k.pruned+k.budget/100 {
		return
	}
	dropped, err := k.dropHistory()
	if err != nil {
		k.n.log.Warn("history is not pruned", "error", err)
		return
	}
	k.busy, k.pruned = true, used
	k.compacts.Go(func() {
		err := k.compact(ctx, dropped > 0)
		k.mu.Lock()
		defer k.mu.Unlock()
		k.busy = false
		if use, lost := k.n.measureDisk(); lost == nil {
			k.pruned = use.Used
		}
		if err != nil && ctx.Err() == nil {
			k.n.log.Warn("disk is not given back", "error", err)
		}
	})
}

// setBodies is called by run alone.
func (k *diskKeeper) setBodies(budget int64) {
	k.bodies = max(budget, 1)
	k.n.chain.SetBodyBudget(uint64(k.bodies))
}

// dropHistory prunes bodies, and the transactions and receipts of old blocks; it returns how many of the latter.
func (k *diskKeeper) dropHistory() (dropped types.Height, err error) {
	n := k.n
	k.setBodies(k.bodies / 2)
	if err := k.releaseBodies(); err != nil {
		return 0, err
	}
	if n.exec == nil {
		return 0, k.dropHeaders(headersKept)
	}
	before := n.exec.Pruned()
	head := n.exec.Height()
	if head <= historyKept {
		return 0, nil
	}
	// What is not settled yet is needed: by who asserts, and by who is asked about it. Where nothing settles that ends some time.
	limit := min(head-historyKept, max(n.settled(), head-min(head, unsettledKept)))
	reached := before
	for range pruneRounds {
		next, err := n.exec.PruneHistory(limit)
		if err != nil {
			return reached - before, err
		}
		if next == reached {
			break
		}
		reached = next
	}
	if reached > before {
		n.log.Info("disk is short: transactions and receipts of old blocks were dropped", "up_to", reached)
	}
	return reached - before, nil
}

// dropHeaders drops the headers of a light client, which keeps nothing else, but for the newest. Others serve them to newcomers, and
// keep them all.
func (k *diskKeeper) dropHeaders(kept types.Height) error {
	n := k.n
	head := n.Head()
	if n.cfg.Role != config.Light || head <= kept {
		return nil
	}
	limit := head - kept
	if n.proofs != nil {
		limit = min(limit, n.settled()) // what has not settled is still asked about
	}
	before := n.chain.First()
	for range pruneRounds {
		first, err := n.chain.ForgetHeaders(limit)
		if err != nil {
			return err
		}
		if first > limit {
			break
		}
	}
	if first := n.chain.First(); first > before {
		n.log.Info("disk is short: old headers were dropped", "up_to", first-1)
	}
	return nil
}

func (k *diskKeeper) compact(ctx context.Context, history bool) error {
	// Rows lie in a space of twice and more the size: to rewrite it would take the room that is short. The database does that
	// itself, piece by piece.
	spaces := []store.Space{store.SpaceBodies, store.SpaceOpenings}
	if k.n.cfg.Role == config.Light {
		spaces = append(spaces, store.SpaceHeaders, store.SpaceCommitments)
	}
	for _, space := range spaces {
		if err := k.n.store.Compact(ctx, space); err != nil {
			return err
		}
	}
	if !history {
		return nil
	}
	return k.n.exec.CompactHistory()
}
