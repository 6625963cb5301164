package verified

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/state"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/triedb"

	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/types"
)

// maxReads bounds the proofs that one request makes this node fetch: a read of an account, a slot or a code is one.
const maxReads = 512

// errReadOnly is the answer to everything that a state for reading has no use for.
var errReadOnly = errors.New("a proven state is for reading")

// proofs is the state after one block as a database: whatever is read is fetched and proven on the way. A read that fails
// fails the whole request, whose result then means nothing; failure says so.
type proofs struct {
	view   *View
	ctx    context.Context // of the request; state readers have no other way to get one
	height types.Height
	root   common.Hash

	mu     sync.Mutex
	reads  int
	failed error
}

var (
	_ state.Database = (*proofs)(nil)
	_ state.Reader   = (*proofs)(nil)
)

// State implements rpc.Verified.
func (v *View) State(ctx context.Context, at *rpc.ProvenHeader) (*state.StateDB, func() error, error) {
	p := &proofs{view: v, ctx: ctx, height: at.Certified.Height, root: at.Header.Root}
	s, err := state.New(p.root, p)
	return s, p.failure, err
}

// failure is why a read failed; nil: all reads so far were proven.
func (p *proofs) failure() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failed
}

func (p *proofs) fail(err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed == nil {
		p.failed = err
	}
	return err
}

// count counts a read against the bound.
func (p *proofs) count() error {
	p.mu.Lock()
	p.reads++
	over := p.reads > maxReads
	failed := p.failed
	p.mu.Unlock()
	if failed != nil {
		return failed // nothing more is fetched for a result that will not be given
	}
	if over {
		return p.fail(fmt.Errorf("the request reads more than %d accounts, slots and codes; ask for less, or a full node: %w", maxReads, ErrUnproven))
	}
	return nil
}

// Account implements state.StateReader.
func (p *proofs) Account(address common.Address) (*ethtypes.StateAccount, error) {
	if err := p.count(); err != nil {
		return nil, err
	}
	a, err := p.view.account(p.ctx, p.height, p.root, address)
	if err != nil {
		return nil, p.fail(err)
	}
	return a.copyOf(), nil
}

// Storage implements state.StateReader.
func (p *proofs) Storage(address common.Address, key common.Hash) (common.Hash, error) {
	if err := p.count(); err != nil {
		return common.Hash{}, err
	}
	a, err := p.view.account(p.ctx, p.height, p.root, address, key)
	if err != nil {
		return common.Hash{}, p.fail(err)
	}
	return a.slots[key].value, nil
}

// Code implements state.ContractCodeReader.
func (p *proofs) Code(_ common.Address, hash common.Hash) []byte {
	if p.count() != nil {
		return nil
	}
	code, err := p.view.code(p.ctx, hash)
	if err != nil {
		_ = p.fail(err)
	}
	return code
}

// CodeSize implements state.ContractCodeReader.
func (p *proofs) CodeSize(address common.Address, hash common.Hash) int {
	return len(p.Code(address, hash))
}

// Has implements state.ContractCodeReader.
func (p *proofs) Has(address common.Address, hash common.Hash) bool {
	return len(p.Code(address, hash)) > 0
}

// Type implements state.Database.
func (p *proofs) Type() state.DatabaseType { return state.TypeMPT }

// Reader implements state.Database.
func (p *proofs) Reader(common.Hash) (state.Reader, error) { return p, nil }

// Iteratee implements state.Database.
func (p *proofs) Iteratee(common.Hash) (state.Iteratee, error) { return nil, errReadOnly }

// OpenTrie implements state.Database.
func (p *proofs) OpenTrie(common.Hash) (state.Trie, error) { return nil, errReadOnly }

// OpenStorageTrie implements state.Database.
func (p *proofs) OpenStorageTrie(common.Hash, common.Address, common.Hash, state.Trie) (state.Trie, error) {
	return nil, errReadOnly
}

// TrieDB implements state.Database.
func (p *proofs) TrieDB() *triedb.Database { return nil }

// Commit implements state.Database.
func (p *proofs) Commit(*state.StateUpdate) error { return errReadOnly }

// Prove implements rpc.Verified.
func (v *View) Prove(ctx context.Context, at *rpc.ProvenHeader, address common.Address, slots []common.Hash) (*rpc.ProvenAccount, error) {
	out := &rpc.ProvenAccount{Slots: make([]rpc.ProvenSlot, len(slots))}
	for from := 0; from == 0 || from < len(slots); from += types.MaxProofSlots {
		part := slots[from:min(len(slots), from+types.MaxProofSlots)]
		a, err := v.account(ctx, at.Certified.Height, at.Header.Root, address, part...)
		if err != nil {
			return nil, err
		}
		out.Account, out.Path = a.copyOf(), a.path
		for i, key := range part {
			s := a.slots[key]
			out.Slots[from+i] = rpc.ProvenSlot{Value: s.value, Path: s.path}
		}
	}
	return out, nil
}
