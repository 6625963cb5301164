package execution

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/rawdb"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/ethereum/go-ethereum/trie"

	"github.com/etherscale/bedrock/types"
)

// A snapshot is the state after one settled block, cut into parts that each prove themselves against its root. It is made
// once and kept beside the state, so that serving it is reading a record, and every peer cuts the same parts.
const (
	keySnapshot     = "\xffbr-z" // + BE64 height + kind + owner + start: an encoded types.SnapshotPart
	keySnapshotDone = "\xffbr-y" // + BE64 height: an encoded types.SnapshotRoot; the snapshot is whole
	// keptSnapshots is how many are served: whoever began with one may finish when the next is made.
	keptSnapshots = 2
	// snapshotShare is which part of the disk for witnesses a snapshot may take at most; larger ones are not made.
	snapshotShare = 4
)

// ErrSnapshotSize says that a state is too large for a snapshot.
var ErrSnapshotSize = errors.New("state is too large for a snapshot")

// partitionOf is the upper end of the sixteenth of all keys that a key lies in; false for the last.
func partitionOf(key types.Hash) (end types.Hash, ok bool) {
	if key[0]>>4 == 15 {
		return end, false
	}
	end[0] = (key[0]>>4 + 1) << 4
	return end, true
}

// successor is the next key; false after the last.
func successor(key types.Hash) (types.Hash, bool) {
	for i := len(key) - 1; i >= 0; i-- {
		if key[i]++; key[i] != 0 {
			return key, true
		}
	}
	return key, false
}

func snapshotKey(height types.Height, kind types.SnapshotKind, owner, start types.Hash) []byte {
	key := append(heightKey(keySnapshot, height), byte(kind))
	return append(append(key, owner[:]...), start[:]...)
}

// Snapshot answers a request for a piece of a snapshot that is kept here.
func (c *Chain) Snapshot(r *types.SnapshotRequest) ([]byte, bool) {
	switch r.Kind {
	case types.SnapshotCode:
		code, err := c.Code(r.Owner)
		return code, err == nil
	case types.SnapshotBase:
		root, err := c.disk.Get(heightKey(keySnapshotDone, r.Height))
		return root, err == nil && len(root) > 0
	}
	if has, err := c.disk.Has(heightKey(keySnapshotDone, r.Height)); err != nil || !has {
		return nil, false
	}
	part, err := c.disk.Get(snapshotKey(r.Height, r.Kind, r.Owner, r.Start))
	return part, err == nil && len(part) > 0
}

// HasSnapshot reports whether the snapshot of a height is whole.
func (c *Chain) HasSnapshot(height types.Height) bool {
	has, err := c.disk.Has(heightKey(keySnapshotDone, height))
	return err == nil && has
}

// MakeSnapshot makes the snapshot of a height whose state can still be read, and drops those before the one before it. The
// state may move on meanwhile. Errors: ErrUnknown where the state is not kept any more, ErrSnapshotSize, ctx's.
func (c *Chain) MakeSnapshot(ctx context.Context, height types.Height) error {
	if c.HasSnapshot(height) {
		return nil
	}
	claims, err := c.Claims(height)
	if err != nil || len(claims) == 0 {
		return errors.Join(fmt.Errorf("snapshot of block %d: %w", height, ErrUnknown), err)
	}
	header := c.ethereumHeader(uint64(height))
	if header == nil {
		return fmt.Errorf("snapshot of block %d: %w", height, ErrUnknown)
	}
	if err := c.dropSnapshot(height); err != nil { // what a crash left of it
		return err
	}
	m := &snapshotMaker{chain: c, ctx: ctx, height: height, root: claims[len(claims)-1].Root}
	if err := m.run(); err != nil {
		return errors.Join(fmt.Errorf("snapshot of block %d: %w", height, err), c.dropSnapshot(height))
	}
	encoded, err := rlp.EncodeToBytes(header)
	if err != nil {
		return err
	}
	root := types.SnapshotRoot{Claims: EncodeClaims(claims), Header: encoded}
	if err := c.disk.Put(heightKey(keySnapshotDone, height), root.Encode()); err != nil {
		return err
	}
	return c.pruneSnapshots()
}

// pruneSnapshots keeps the newest.
func (c *Chain) pruneSnapshots() error {
	var heights []types.Height
	it := c.disk.NewIterator([]byte(keySnapshotDone), nil)
	for it.Next() {
		if key := it.Key(); len(key) == len(keySnapshotDone)+8 {
			heights = append(heights, types.Height(binary.BigEndian.Uint64(key[len(keySnapshotDone):])))
		}
	}
	it.Release()
	for ; len(heights) > keptSnapshots; heights = heights[1:] {
		if err := c.dropSnapshot(heights[0]); err != nil {
			return err
		}
	}
	return it.Error()
}

func (c *Chain) dropSnapshot(height types.Height) error {
	if err := c.disk.Delete(heightKey(keySnapshotDone, height)); err != nil {
		return err
	}
	return c.disk.DeleteRange(heightKey(keySnapshot, height), heightKey(keySnapshot, height+1))
}

// snapshotMaker cuts one state.
type snapshotMaker struct {
	chain  *Chain
	ctx    context.Context
	height types.Height
	root   common.Hash
	bytes  int64
}

func (m *snapshotMaker) run() error {
	for partition := range 16 {
		start := types.Hash{byte(partition << 4)}
		for more := true; more; {
			if err := m.ctx.Err(); err != nil {
				return err
			}
			var err error
			if start, more, err = m.accounts(start); err != nil {
				return err
			}
		}
	}
	return nil
}

// open opens a trie of the state anew: over a long time the newest state that it leans on moves.
func (m *snapshotMaker) open(id *trie.ID) (*trie.StateTrie, error) {
	return trie.NewStateTrie(id, pastNodes{chain: m.chain, height: m.height, over: m.ctx.Err})
}

// accounts makes the part of accounts that begins at start, and the storages that are too large for it. more is false at
// the partition's end.
func (m *snapshotMaker) accounts(start types.Hash) (next types.Hash, more bool, err error) {
	t, err := m.open(trie.StateTrieID(m.root))
	if err != nil {
		return next, false, err
	}
	it, err := t.NodeIterator(start[:])
	if err != nil {
		return next, false, err
	}
	end, bounded := partitionOf(start)
	part, size := &types.SnapshotPart{}, 0
	leaves := trie.NewIterator(it)
	for leaves.Next() {
		one, err := m.account(types.Hash(leaves.Key), leaves.Value)
		if err != nil {
			return next, false, err
		}
		part.Accounts = append(part.Accounts, *one)
		size += one.Size()
		if partFull(size, len(part.Accounts)) || bounded && !before(one.Key, end) {
			break
		}
	}
	if leaves.Err != nil {
		return next, false, leaves.Err
	}
	if part.Proof, err = edges(t, start, len(part.Accounts), func(i int) types.Hash { return part.Accounts[i].Key }); err != nil {
		return next, false, err
	}
	if err := m.put(types.SnapshotAccounts, types.Hash{}, start, part); err != nil || len(part.Accounts) == 0 {
		return next, false, err
	}
	last := part.Accounts[len(part.Accounts)-1].Key
	if bounded && !before(last, end) || !partFull(size, len(part.Accounts)) {
		return next, false, nil
	}
	next, more = successor(last)
	return next, more && (!bounded || before(next, end)), nil
}

// before reports whether a comes before b.
func before(a, b types.Hash) bool { return string(a[:]) < string(b[:]) }

// partBytes is types.SnapshotPartBytes; tests cut smaller states.
var partBytes = types.SnapshotPartBytes

// partFull reports whether a part ends here.
func partFull(size, items int) bool {
	return size >= partBytes || items >= types.MaxSnapshotItems
}

// edges are the nodes that prove a range's start and its last key.
func edges(t *trie.StateTrie, start types.Hash, items int, key func(int) types.Hash) ([][]byte, error) {
	paths := &pathSet{seen: make(map[string]bool)}
	if err := t.Prove(start[:], paths); err != nil {
		return nil, err
	}
	if items > 0 {
		last := key(items - 1)
		if err := t.Prove(last[:], paths); err != nil {
			return nil, err
		}
	}
	return paths.nodes, nil
}

// account is one account with what is small of it. A storage that is large is cut into parts of its own.
func (m *snapshotMaker) account(key types.Hash, value []byte) (*types.SnapshotAccount, error) {
	one := &types.SnapshotAccount{Key: key, Value: common.CopyBytes(value)}
	account, err := decodeAccount(value)
	if err != nil {
		return nil, err
	}
	if hash := common.BytesToHash(account.CodeHash); hash != ethtypes.EmptyCodeHash {
		code := rawdb.ReadCode(m.chain.disk, hash)
		if len(code) == 0 {
			return nil, fmt.Errorf("code %s: %w", hash, ErrUnknown)
		}
		if len(code) <= types.MaxSnapshotInlineCode {
			one.Code = code
		}
	}
	if account.Root == ethtypes.EmptyRootHash {
		return one, nil
	}
	small, whole, err := m.slots(key, account.Root, types.Hash{}, types.MaxSnapshotInlineSlots)
	if err != nil {
		return nil, err
	}
	if whole {
		one.Slots = small.Slots
		return one, nil
	}
	return one, m.storage(key, account.Root)
}

// storage makes the parts of a large storage. One account may stand in the parts of two partitions: then it is there.
func (m *snapshotMaker) storage(owner types.Hash, root common.Hash) error {
	if done, err := m.chain.disk.Has(snapshotKey(m.height, types.SnapshotStorage, owner, types.Hash{})); err != nil || done {
		return err
	}
	for start, more := (types.Hash{}), true; more; {
		part, whole, err := m.slots(owner, root, start, types.MaxSnapshotItems)
		if err != nil {
			return err
		}
		if err := m.put(types.SnapshotStorage, owner, start, part); err != nil || whole {
			return err
		}
		start, more = successor(part.Slots[len(part.Slots)-1].Key)
	}
	return nil
}

// slots reads at most so many slots of a storage; whole if there are no more.
func (m *snapshotMaker) slots(owner types.Hash, root common.Hash, start types.Hash, most int) (*types.SnapshotPart, bool, error) {
	t, err := m.open(trie.StorageTrieID(m.root, common.Hash(owner), root))
	if err != nil {
		return nil, false, err
	}
	it, err := t.NodeIterator(start[:])
	if err != nil {
		return nil, false, err
	}
	part, size, whole := &types.SnapshotPart{}, 0, true
	leaves := trie.NewIterator(it)
	for leaves.Next() {
		if len(part.Slots) > 0 && (partFull(size, len(part.Slots)) || len(part.Slots) == most) {
			whole = false
			break
		}
		slot := types.SnapshotSlot{Key: types.Hash(leaves.Key), Value: common.CopyBytes(leaves.Value)}
		part.Slots = append(part.Slots, slot)
		size += slot.Size()
	}
	if leaves.Err != nil {
		return nil, false, leaves.Err
	}
	if most > types.MaxSnapshotInlineSlots {
		part.Proof, err = edges(t, start, len(part.Slots), func(i int) types.Hash { return part.Slots[i].Key })
	}
	return part, whole, err
}

func (m *snapshotMaker) put(kind types.SnapshotKind, owner, start types.Hash, part *types.SnapshotPart) error {
	encoded := part.Encode()
	if m.bytes += int64(len(encoded)); m.bytes > m.chain.config.WitnessBytes/snapshotShare {
		return ErrSnapshotSize
	}
	return m.chain.disk.Put(snapshotKey(m.height, kind, owner, start), encoded)
}

func decodeAccount(value []byte) (*ethtypes.StateAccount, error) {
	account := new(ethtypes.StateAccount)
	if err := rlp.DecodeBytes(value, account); err != nil {
		return nil, fmt.Errorf("account: %w: %w", types.ErrMalformed, err)
	}
	return account, nil
}
