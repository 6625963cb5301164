package fraud

import (
	"errors"
	"fmt"
	"slices"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/types"
)

// Errors of comparing an assertion with the own execution.
var (
	// ErrForeignParent: the assertion's parent is not what this peer computed. If anybody asserted that parent, that is
	// the claim to challenge; if not, the assertion leads nowhere.
	ErrForeignParent = errors.New("assertion builds on a value that was not computed here")
	// ErrNotExecuted: the assertion goes beyond the blocks executed here.
	ErrNotExecuted = errors.New("assertion covers blocks that are not executed here yet")
)

// Executor is the executing peer's own word on blocks, kept for the challenge window. *execution.Chain is one.
type Executor interface {
	Rules() execution.Rules
	Height() types.Height
	Header(types.Height) (types.Header, error)
	Claims(types.Height) ([]execution.Claim, error)
	Witness(types.Height) (execution.Witness, error)
}

var _ Executor = (*execution.Chain)(nil)

// Place is the first wrong claim of an assertion.
type Place struct {
	Block int // index into the assertion's blocks
	Chunk int // index into the block's claims, or their number if one is missing
}

// Compare finds the first claim of an assertion that differs from the own; wrong is false if none does. Errors:
// ErrForeignParent, ErrNotExecuted, or the executor's.
func Compare(exec Executor, a *Assertion) (at Place, wrong bool, err error) {
	if a.Last() > exec.Height() {
		return at, false, fmt.Errorf("assertion up to block %d, executed are %d: %w", a.Last(), exec.Height(), ErrNotExecuted)
	}
	own, err := OwnParent(exec, a.Parent.Height)
	if err != nil {
		return at, false, err
	}
	if own != a.Parent {
		return at, false, fmt.Errorf("assertion on block %d: %w", a.Parent.Height, ErrForeignParent)
	}
	for i := range a.Blocks {
		header, err := exec.Header(a.Height(i))
		if err != nil {
			return at, false, err
		}
		if header.Digest() != a.Blocks[i].Digest {
			return at, false, fmt.Errorf("assertion names another header of block %d: %w", a.Height(i), ErrForeignParent)
		}
		claims, err := exec.Claims(a.Height(i))
		if err != nil {
			return at, false, err
		}
		if chunk, differs := firstDifference(a.Blocks[i].Claims, claims); differs {
			return Place{Block: i, Chunk: chunk}, true, nil
		}
	}
	return at, false, nil
}

// firstDifference is the index of the first claim that is wrong, missing or too many.
func firstDifference(claimed, own []execution.Claim) (int, bool) {
	for i, c := range claimed {
		if i >= len(own) || c != own[i] {
			return i, true
		}
	}
	return len(claimed), len(claimed) < len(own)
}

// OwnParent is the value this peer computed for a height, as a parent.
func OwnParent(exec Executor, height types.Height) (Parent, error) {
	header, err := exec.Header(height)
	if err != nil {
		return Parent{}, err
	}
	claims, err := exec.Claims(height)
	if err != nil {
		return Parent{}, err
	}
	if len(claims) == 0 {
		return Parent{}, fmt.Errorf("no claims of block %d: %w", height, execution.ErrUnknown)
	}
	return ParentOf(height, header.Digest(), claims), nil
}

// Foresee compares a challenge with the own execution before anything of it is executed again. It returns nil if the
// challenge may be right or cannot be foreseen here, an error wrapping ErrInvalid if it attacks a claim this peer computed
// itself, and ErrForeignParent if an earlier claim is wrong already: then that one is to challenge, and this challenge,
// which would execute a state of the accused's own making, is to be ignored.
func Foresee(exec Executor, c *Challenge) error {
	if c.Kind != KindWrongState {
		return nil
	}
	var body WrongState
	if err := decodeBody(c, &body); err != nil {
		return err
	}
	signed, err := DecodeAssertion(body.Assertion)
	if err != nil {
		return invalid(err)
	}
	a := &signed.Assertion
	if body.Block >= uint64(len(a.Blocks)) || body.Chunk > uint64(len(a.Blocks[body.Block].Claims)) {
		return fmt.Errorf("assertion has no block %d with a chunk %d: %w", body.Block, body.Chunk, ErrInvalid)
	}
	block, chunk := int(body.Block), int(body.Chunk)
	height := a.Height(block)
	if height > exec.Height() {
		return nil
	}
	parent, err := OwnParent(exec, height-1)
	if err != nil {
		return nil // no longer kept here: verification has to tell
	}
	own, err := exec.Claims(height)
	if err != nil {
		return nil // as above
	}
	claimed := a.Blocks[block].Claims
	before, _ := a.Before(block)
	if before != parent.Value() || chunk > len(own) || !slices.Equal(claimed[:chunk], own[:chunk]) {
		return fmt.Errorf("challenge of block %d, chunk %d: %w", height, chunk, ErrForeignParent)
	}
	if chunk < len(claimed) && chunk < len(own) && claimed[chunk] == own[chunk] || chunk == len(claimed) && chunk == len(own) {
		return fmt.Errorf("challenge of block %d, chunk %d: the claim is the one computed here: %w", height, chunk, ErrInvalid)
	}
	return nil
}
