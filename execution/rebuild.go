package execution

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/rawdb"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/ethdb"
	"github.com/ethereum/go-ethereum/trie"

	"github.com/etherscale/bedrock/types"
)

// hashWindow is how many headers below a block BLOCKHASH may ask for.
const hashWindow = 256

// rebuildBatch is when what was built is written, in bytes.
const rebuildBatch = 4 << 20

// Finish makes the collected state the chain's: from here on blocks are executed on it. headers gives certified headers
// below the target, which execution looks up. It belongs to the goroutine that calls Apply. A crash in the middle is
// completed at Open.
func (r *Restoration) Finish(headers func(types.Height) (types.Header, bool)) error {
	if !r.Whole() {
		return fmt.Errorf("state of block %d is not whole: %w", r.Height(), ErrGap)
	}
	batch := r.chain.disk.NewBatch()
	low := types.Height(0)
	if r.Height() > hashWindow {
		low = r.Height() - hashWindow
	}
	for h := low; h < r.Height(); h++ {
		header, ok := headers(h)
		if !ok {
			return fmt.Errorf("header %d: %w", h, ErrUnknown)
		}
		if err := batch.Put(heightKey(keyHeader, h), header.Encode()); err != nil {
			return err
		}
	}
	if err := batch.Put([]byte(keyRestoreReady), []byte{1}); err != nil {
		return err
	}
	if err := batch.Write(); err != nil {
		return err
	}
	if err := r.chain.disk.SyncKeyValue(); err != nil {
		return err
	}
	return r.chain.finishRestore(&r.target)
}

// resumeRestore completes what a crash interrupted after everything was collected.
func (c *Chain) resumeRestore() error {
	ready, err := c.disk.Has([]byte(keyRestoreReady))
	if err != nil || !ready {
		return err
	}
	target, ok := c.StoredTarget()
	if !ok {
		return fmt.Errorf("state that is being restored is not named: %w: delete the state directory to rebuild it", ErrRecovery)
	}
	return c.finishRestore(target)
}

// finishRestore replaces the state. Every step may be repeated.
func (c *Chain) finishRestore(target *Target) error {
	c.config.Logger.Info("building the state that was fetched", "height", target.Header.Height)
	if err := c.tdb.Disable(); err != nil {
		return fmt.Errorf("replace state: %w", err)
	}
	for _, prefix := range [][]byte{rawdb.TrieNodeAccountPrefix, rawdb.TrieNodeStoragePrefix} {
		if err := c.disk.DeleteRange(prefix, []byte{prefix[0] + 1}); err != nil {
			return fmt.Errorf("replace state: %w", err)
		}
	}
	b := &rebuilder{disk: c.disk, batch: c.disk.NewBatch()}
	if err := b.accounts(target.Root()); err != nil {
		return fmt.Errorf("build state of block %d: %w", target.Header.Height, err)
	}
	if err := c.writeTarget(b.batch, target); err != nil {
		return err
	}
	if err := c.tdb.Enable(target.Root()); err != nil {
		return fmt.Errorf("replace state: %w", err)
	}
	if err := c.disk.SyncKeyValue(); err != nil {
		return err
	}
	last := target.Claims[len(target.Claims)-1]
	c.first.Store(uint64(target.Header.Height))
	c.setHead(&head{header: target.Header, claim: last, block: target.Block})
	c.signal()
	return c.dropStaged()
}

// writeTarget stores the records of the block whose state was restored.
func (c *Chain) writeTarget(batch ethdb.Batch, target *Target) error {
	height, hash := target.Header.Height, target.Block.Hash()
	rawdb.WriteHeader(batch, target.Block)
	rawdb.WriteCanonicalHash(batch, hash, uint64(height))
	rawdb.WriteHeadHeaderHash(batch, hash)
	rawdb.WriteHeadBlockHash(batch, hash)
	rawdb.WriteHeadFastBlockHash(batch, hash)
	for key, value := range map[string][]byte{
		string(heightKey(keyHeader, height)): target.Header.Encode(),
		string(heightKey(keyClaims, height)): EncodeClaims(target.Claims),
		keyFirst:                             heightKey("", height),
	} {
		if err := batch.Put([]byte(key), value); err != nil {
			return err
		}
	}
	return batch.Write()
}

// rebuilder makes the tries of the staged leaves.
type rebuilder struct {
	disk  ethdb.Database
	batch ethdb.Batch
}

func (b *rebuilder) flush() error {
	if b.batch.ValueSize() < rebuildBatch {
		return nil
	}
	err := b.batch.Write()
	b.batch.Reset()
	return err
}

func (b *rebuilder) accounts(want common.Hash) error {
	t := trie.NewStackTrie(func(path []byte, _ common.Hash, blob []byte) { rawdb.WriteAccountTrieNode(b.batch, path, blob) })
	prefix := []byte(keyStagedState + "a")
	it := b.disk.NewIterator(prefix, nil)
	defer it.Release()
	for it.Next() {
		owner, value := types.Hash(it.Key()[len(prefix):]), common.CopyBytes(it.Value())
		account, err := decodeAccount(value)
		if err != nil {
			return err
		}
		if account.Root != ethtypes.EmptyRootHash {
			if err := b.storage(owner, account.Root); err != nil {
				return err
			}
		}
		if err := t.Update(owner[:], value); err != nil {
			return err
		}
		if err := b.flush(); err != nil {
			return err
		}
	}
	if err := it.Error(); err != nil {
		return err
	}
	if got := t.Hash(); got != want {
		return fmt.Errorf("its root is %s, settled is %s: %w: delete the state directory to rebuild it", got, want, ErrRecovery)
	}
	return nil
}

func (b *rebuilder) storage(owner types.Hash, want common.Hash) error {
	t := trie.NewStackTrie(func(path []byte, _ common.Hash, blob []byte) {
		rawdb.WriteStorageTrieNode(b.batch, common.Hash(owner), path, blob)
	})
	prefix := append([]byte(keyStagedState+"o"), owner[:]...)
	it := b.disk.NewIterator(prefix, nil)
	defer it.Release()
	for it.Next() {
		if err := t.Update(it.Key()[len(prefix):], common.CopyBytes(it.Value())); err != nil {
			return err
		}
		if err := b.flush(); err != nil {
			return err
		}
	}
	if err := it.Error(); err != nil {
		return err
	}
	if got := t.Hash(); got != want {
		return fmt.Errorf("storage of %s has root %s, want %s: %w: delete the state directory to rebuild it", owner, got, want, ErrRecovery)
	}
	return nil
}

// First is the height whose state this chain began with: 0, or that of the snapshot it was restored from. Below it no block
// was executed here.
func (c *Chain) First() types.Height { return types.Height(c.first.Load()) }

// SettledValue is the value of a height that the bonding contract calls the newest settled one in the head's state; an error
// if it calls another height so.
func (c *Chain) SettledValue(at types.Height) (types.Hash, error) {
	h := c.head.Load()
	s, err := c.StateAt(h.claim.Root)
	if err != nil {
		return types.Hash{}, err
	}
	env := NewEnv(&c.rules, h.header, h.header, h.claim, c.digest)
	evm := vm.NewEVM(env.context(), s, c.chainConfig, vm.Config{})
	defer evm.Release()
	answer, err := env.view(evm, bondsABI().PackSettled())
	if err != nil {
		return types.Hash{}, err
	}
	settled, err := bondsABI().UnpackSettled(answer)
	if err != nil {
		return types.Hash{}, err
	}
	if types.Height(settled.Height) != at {
		return types.Hash{}, fmt.Errorf("the newest settled block is %d, not %d: %w", settled.Height, at, ErrUnknown)
	}
	return settled.Value, nil
}

// ReplaceClaims corrects the claims before the last of the block whose state was restored.
func (c *Chain) ReplaceClaims(at types.Height, claims []Claim) error {
	last, err := c.LastClaim(at)
	if err != nil {
		return err
	}
	if at != c.First() || len(claims) == 0 || claims[len(claims)-1] != last {
		return fmt.Errorf("claims of block %d: %w", at, ErrTarget)
	}
	return c.disk.Put(heightKey(keyClaims, at), EncodeClaims(claims))
}
