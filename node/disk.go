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

	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// Shares of the disk budget. Rows and bodies lie in files together, of which up to three tenths may be garbage for some minutes.
// What is left is for the state, headers, a sequencer's vertex log, and what a compaction writes before it removes.
const (
	rowShare     = 0.30
	bodyShare    = 0.10
	witnessShare = 0.10
)

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
	// pruneRounds bounds the history pruned at one look.
	pruneRounds = 8
	// diskLook and diskLookNear are the pauses between two looks: far from the budget and near it.
	diskLook     = 2 * time.Second
	diskLookNear = 200 * time.Millisecond
)

// ErrDiskBudget says that what the node must keep does not fit into its disk budget.
var ErrDiskBudget = errors.New("the data does not fit into the disk budget")

// DiskUse is what the data directory takes, in bytes.
type DiskUse struct {
	Budget int64            `json:"budget"` // 0: none
	Used   int64            `json:"used"`
	Parts  map[string]int64 `json:"parts"` // by folder of the data directory
}

// Disk is what the node's data takes now.
func (n *Node) Disk() (DiskUse, error) {
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
// grows beside them is looked at often. Past three quarters of the budget history goes, oldest first. When nothing is left to
// go, the node stops before it is past the budget: cleanly, with all that it acknowledged.
type diskKeeper struct {
	n      *Node
	budget int64

	mu       sync.Mutex
	bodies   int64 // their budget now
	pruned   int64 // use after the last pruning: less than a little more is not worth another
	compacts sync.WaitGroup
	busy     bool
}

func newDiskKeeper(n *Node) *diskKeeper {
	return &diskKeeper{n: n, budget: n.cfg.Disk, bodies: shareOf(n.cfg.Disk, bodyShare)}
}

func (k *diskKeeper) run(ctx context.Context) error {
	defer k.compacts.Wait()
	for ctx.Err() == nil {
		use, err := k.n.Disk()
		if err != nil {
			return err
		}
		pause := diskLook
		if use.Used > shareOf(k.budget, diskRoomy)/2 {
			pause = diskLookNear
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
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	return nil
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
		if use, lost := k.n.Disk(); lost == nil {
			k.pruned = use.Used
		}
		if err != nil && ctx.Err() == nil {
			k.n.log.Warn("disk is not given back", "error", err)
		}
	})
}

// dropHistory prunes bodies, and the transactions and receipts of old blocks; it returns how many of the latter.
func (k *diskKeeper) dropHistory() (dropped types.Height, err error) {
	n := k.n
	k.bodies /= 2
	n.chain.SetBodyBudget(uint64(max(k.bodies, 1)))
	if err := k.releaseBodies(); err != nil || n.exec == nil {
		return 0, err
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

func (k *diskKeeper) compact(ctx context.Context, history bool) error {
	// Rows lie in a space of twice and more the size: to rewrite it would take the room that is short. The database does that
	// itself, piece by piece.
	for _, space := range []store.Space{store.SpaceBodies, store.SpaceOpenings} {
		if err := k.n.store.Compact(ctx, space); err != nil {
			return err
		}
	}
	if !history {
		return nil
	}
	return k.n.exec.CompactHistory()
}
