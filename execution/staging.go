package execution

import (
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/rawdb"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/ethdb"

	"github.com/etherscale/bedrock/types"
)

// staged is what one piece brings: its leaves, the tasks that follow from it, and how far its task came, in one write.
type staged struct {
	r     *Restoration
	task  Task
	batch ethdb.Batch
	tasks []Task
	err   error
}

func (r *Restoration) stage(t Task) *staged {
	return &staged{r: r, task: t, batch: r.chain.disk.NewBatch()}
}

func stagedAccountKey(owner types.Hash) []byte {
	return append([]byte(keyStagedState+"a"), owner[:]...)
}

func stagedSlotKey(owner, slot types.Hash) []byte {
	return append(append([]byte(keyStagedState+"o"), owner[:]...), slot[:]...)
}

func (s *staged) put(key, value []byte) {
	if s.err == nil {
		s.err = s.batch.Put(key, value)
	}
}

func (s *staged) account(a *checkedAccount) {
	s.put(stagedAccountKey(a.Key), a.Value)
	if hash := common.BytesToHash(a.state.CodeHash); hash != ethtypes.EmptyCodeHash {
		if len(a.Code) > 0 {
			rawdb.WriteCode(s.batch, hash, a.Code)
		} else if !rawdb.HasCode(s.r.chain.disk, hash) {
			s.tasks = append(s.tasks, Task{Kind: types.SnapshotCode, Owner: types.Hash(hash)})
		}
	}
	if a.state.Root == ethtypes.EmptyRootHash {
		return
	}
	if len(a.Slots) > 0 {
		s.slots(a.Key, a.Slots)
		return
	}
	s.tasks = append(s.tasks, Task{Kind: types.SnapshotStorage, Owner: a.Key, root: a.state.Root})
}

func (s *staged) slots(owner types.Hash, slots []types.SnapshotSlot) {
	for i := range slots {
		s.put(stagedSlotKey(owner, slots[i].Key), slots[i].Value)
	}
}

// commit writes the piece, and moves its task behind the last key, or ends it. A task that was moved meanwhile is left alone.
func (s *staged) commit(last types.Hash, done bool, accounts, bytes int) error {
	next := s.task
	if !done {
		var more bool
		if next.Start, more = successor(last); !more {
			done = true
		}
	}
	if done {
		if err := s.batch.Delete(s.task.key()); err != nil {
			return err
		}
	} else {
		s.put(next.key(), next.value())
	}
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	if s.r.tasks[s.task.name()] != s.task {
		return ErrTarget
	}
	for _, t := range s.tasks {
		s.put(t.key(), t.value())
	}
	if s.err != nil {
		return s.err
	}
	if err := s.batch.Write(); err != nil {
		return err
	}
	if delete(s.r.tasks, s.task.name()); !done {
		s.r.tasks[next.name()] = next
	}
	for _, t := range s.tasks {
		s.r.tasks[t.name()] = t
	}
	s.r.accounts += uint64(accounts)
	s.r.bytes += uint64(bytes)
	return nil
}
