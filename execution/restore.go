package execution

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/rawdb"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/etherscale/bedrock/types"
)

// What a restoration writes before it is whole, in the state's database: a crash loses nothing of it.
const (
	keyRestore      = "\xffbr-r" // encoded target
	keyRestoreReady = "\xffbr-q" // everything is here: the state is being replaced
	keyStagedPlan   = "\xffbr-w" // + 't' + kind + owner: what is still to be fetched
	keyStagedState  = "\xffbr-v" // + 'a' + account, 'o' + account + slot
	keyFirst        = "\xffbr-f" // BE64: the height whose state was restored last
)

// ErrTarget says that the piece is not of what is being restored.
var ErrTarget = errors.New("not a piece of the state that is being restored")

// Target names a state to be restored: that after a settled block. Claims are the block's; Block is what others call it.
type Target struct {
	Header types.Header
	Claims []Claim
	Block  *ethtypes.Header
}

// NamedState is what a peer says names the state after a block: its claims, and what others call the block.
type NamedState struct {
	Claims []Claim
	Block  *ethtypes.Header
}

// DecodeNamedState reads a peer's answer; there is one claim at least. What it says is for the caller to prove.
func DecodeNamedState(r *types.SnapshotRoot) (NamedState, error) {
	claims, err := DecodeClaims(r.Claims)
	if err != nil {
		return NamedState{}, err
	}
	if len(claims) == 0 {
		return NamedState{}, fmt.Errorf("root of a snapshot without claims: %w", types.ErrMalformed)
	}
	block := new(ethtypes.Header)
	if err := rlp.DecodeBytes(r.Header, block); err != nil {
		return NamedState{}, fmt.Errorf("root of a snapshot: %w: %w", types.ErrMalformed, err)
	}
	return NamedState{claims, block}, nil
}

// encodedTarget is a Target as it is stored.
type encodedTarget struct {
	Header, Claims, Block []byte
}

// Root is the state's root.
func (t *Target) Root() common.Hash { return t.Claims[len(t.Claims)-1].Root }

// Validate returns what is wrong with the Ethereum-style header as that of the block: all that can be known of it.
func (t *Target) Validate(rules *Rules) error {
	if len(t.Claims) == 0 || t.Block == nil {
		return fmt.Errorf("target of a snapshot without claims or block: %w", types.ErrMalformed)
	}
	last, b := t.Claims[len(t.Claims)-1], t.Block
	digest := common.Hash(t.Header.Digest())
	switch {
	case b.Number == nil || !b.Number.IsUint64() || b.Number.Uint64() != uint64(t.Header.Height),
		b.Root != last.Root, b.GasUsed != last.Gas, b.Time != Seconds(&t.Header), b.MixDigest != Random(&t.Header),
		b.BaseFee == nil || !b.BaseFee.IsUint64() || b.BaseFee.Uint64() != last.BaseFee, b.Coinbase != rules.Vault, b.GasLimit != rules.BlockGas,
		b.ParentBeaconRoot == nil || *b.ParentBeaconRoot != digest:
		return fmt.Errorf("the Ethereum-style header of block %d does not fit its claim: %w", t.Header.Height, types.ErrUnproven)
	}
	return nil
}

// Task is one piece that is still to be fetched. Kind is never SnapshotBase.
type Task struct {
	Kind  types.SnapshotKind
	Owner types.Hash // partition's start for accounts
	Start types.Hash
	root  common.Hash // of the storage
}

// Restoration collects the pieces of one state until it is whole. Tasks, Add and AddCode may be called from several
// goroutines.
type Restoration struct {
	chain  *Chain
	target Target

	mu       sync.Mutex
	tasks    map[taskName]Task
	accounts uint64
	bytes    uint64
}

type taskName struct {
	kind  types.SnapshotKind
	owner types.Hash
}

// Restore begins to collect a state, or goes on where a restart interrupted it.
func (c *Chain) Restore(target Target) (*Restoration, error) {
	if err := target.Validate(&c.rules); err != nil {
		return nil, err
	}
	if target.Header.Height <= c.Height() {
		return nil, fmt.Errorf("state of block %d, the head is %d: %w", target.Header.Height, c.Height(), ErrExecuted)
	}
	encoded, err := encodeTarget(&target)
	if err != nil {
		return nil, err
	}
	r := &Restoration{chain: c, target: target, tasks: make(map[taskName]Task)}
	stored, err := c.disk.Get([]byte(keyRestore))
	if err == nil && string(stored) == string(encoded) {
		return r, r.load()
	}
	if err := c.dropStaged(); err != nil {
		return nil, err
	}
	return r, r.begin(encoded)
}

func encodeTarget(t *Target) ([]byte, error) {
	block, err := rlp.EncodeToBytes(t.Block)
	if err != nil {
		return nil, err
	}
	return rlp.EncodeToBytes(&encodedTarget{t.Header.Encode(), EncodeClaims(t.Claims), block})
}

func decodeTarget(encoded []byte) (*Target, error) {
	var e encodedTarget
	if err := rlp.DecodeBytes(encoded, &e); err != nil {
		return nil, err
	}
	header, err := types.DecodeHeader(e.Header)
	if err != nil {
		return nil, err
	}
	claims, err := DecodeClaims(e.Claims)
	if err != nil {
		return nil, err
	}
	block := new(ethtypes.Header)
	return &Target{*header, claims, block}, rlp.DecodeBytes(e.Block, block)
}

// StoredTarget is the state whose restoration a restart interrupted.
func (c *Chain) StoredTarget() (*Target, bool) {
	stored, err := c.disk.Get([]byte(keyRestore))
	if err != nil || len(stored) == 0 {
		return nil, false
	}
	target, err := decodeTarget(stored)
	return target, err == nil
}

// dropStaged forgets what an earlier restoration collected.
func (c *Chain) dropStaged() error {
	for _, prefix := range []string{keyStagedPlan, keyStagedState} {
		if err := c.disk.DeleteRange([]byte(prefix), append([]byte(prefix), 0xff)); err != nil {
			return err
		}
	}
	return errors.Join(c.disk.Delete([]byte(keyRestore)), c.disk.Delete([]byte(keyRestoreReady)))
}

func (r *Restoration) begin(encoded []byte) error {
	batch := r.chain.disk.NewBatch()
	for partition := range 16 {
		t := Task{Kind: types.SnapshotAccounts, Owner: types.Hash{byte(partition << 4)}, Start: types.Hash{byte(partition << 4)}}
		r.tasks[t.name()] = t
		if err := batch.Put(t.key(), t.value()); err != nil {
			return err
		}
	}
	if err := batch.Put([]byte(keyRestore), encoded); err != nil {
		return err
	}
	return batch.Write()
}

func (r *Restoration) load() error {
	it := r.chain.disk.NewIterator([]byte(keyStagedPlan), nil)
	defer it.Release()
	for it.Next() {
		t, err := decodeTask(it.Key()[len(keyStagedPlan):], it.Value())
		if err != nil {
			return err
		}
		r.tasks[t.name()] = t
	}
	return it.Error()
}

func (t Task) name() taskName { return taskName{t.Kind, t.Owner} }

func (t Task) key() []byte {
	return append(append([]byte(keyStagedPlan), byte(t.Kind)), t.Owner[:]...)
}

func (t Task) value() []byte { return append(append([]byte{}, t.Start[:]...), t.root[:]...) }

func decodeTask(key, value []byte) (Task, error) {
	if len(key) != 33 || len(value) != 64 {
		return Task{}, fmt.Errorf("stored piece of a snapshot, %d and %d bytes: %w", len(key), len(value), types.ErrMalformed)
	}
	return Task{types.SnapshotKind(key[0]), types.Hash(key[1:]), types.Hash(value[:32]), common.Hash(value[32:])}, nil
}

// Height is the block whose state is collected.
func (r *Restoration) Height() types.Height { return r.target.Header.Height }

// Tasks lists what is still to be fetched, at most so many; none: the state is whole.
func (r *Restoration) Tasks(most int, except map[Task]bool) (list []Task) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range r.tasks {
		if len(list) == most {
			break
		}
		if !except[t] {
			list = append(list, t)
		}
	}
	return list
}

// Whole reports whether nothing is to be fetched any more.
func (r *Restoration) Whole() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.tasks) == 0
}

// Progress is how much of the keys is here, 0 to 1, by what is left of each sixteenth, and what was taken since the start.
func (r *Restoration) Progress() (share float64, accounts, bytes uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	left := 0.0
	for _, t := range r.tasks {
		if t.Kind == types.SnapshotAccounts {
			done := float64(binary.BigEndian.Uint64(t.Start[:])-binary.BigEndian.Uint64(t.Owner[:])) / float64(1<<60)
			left += (1 - done) / 16
		}
	}
	return 1 - left, r.accounts, r.bytes
}

// Request is what to ask for.
func (r *Restoration) Request(t Task) *types.SnapshotRequest {
	switch t.Kind {
	case types.SnapshotAccounts:
		return &types.SnapshotRequest{Kind: t.Kind, Height: r.Height(), Start: t.Start}
	case types.SnapshotStorage:
		return &types.SnapshotRequest{Kind: t.Kind, Height: r.Height(), Owner: t.Owner, Start: t.Start}
	default:
		return &types.SnapshotRequest{Kind: types.SnapshotCode, Owner: t.Owner}
	}
}

// Add takes a peer's answer to a task. types.ErrUnproven and types.ErrMalformed are the peer's lies.
func (r *Restoration) Add(t Task, answer []byte) error {
	if t.Kind == types.SnapshotCode {
		return r.addCode(t, answer)
	}
	part, err := types.DecodeSnapshotPart(answer)
	if err != nil {
		return err
	}
	if t.Kind == types.SnapshotAccounts {
		return r.addAccounts(t, part, len(answer))
	}
	done, err := checkSlots(t.root, t.Start, part)
	if err != nil {
		return err
	}
	s := r.stage(t)
	s.slots(t.Owner, part.Slots)
	return s.commit(part.Slots[len(part.Slots)-1].Key, done, 0, len(answer))
}

func (r *Restoration) addCode(t Task, code []byte) error {
	if types.Hash(crypto.Keccak256Hash(code)) != t.Owner {
		return unprovenPart("another code than %s", t.Owner)
	}
	s := r.stage(t)
	rawdb.WriteCode(s.batch, common.Hash(t.Owner), code)
	return s.commit(types.Hash{}, true, 0, len(code))
}

func (r *Restoration) addAccounts(t Task, part *types.SnapshotPart, size int) error {
	accounts, done, err := checkAccounts(r.target.Root(), t.Start, part)
	if err != nil {
		return err
	}
	s := r.stage(t)
	for i := range accounts {
		s.account(&accounts[i])
	}
	last := types.Hash{}
	if len(accounts) > 0 {
		last = accounts[len(accounts)-1].Key
		if end, bounded := partitionOf(t.Owner); bounded {
			next, more := successor(last)
			done = done || !more || !before(next, end)
		}
	}
	return s.commit(last, done, len(accounts), size)
}
