package fraud

import (
	"errors"
	"fmt"

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
	// Routine reports whether a block holds no transactions but such as keep the ledger itself going: no reason for an assertion.
	Routine(types.Height) (bool, error)
}

var _ Executor = (*execution.Chain)(nil)

// Place is the first wrong claim of an assertion.
type Place struct {
	Block int // index into the assertion's blocks
	Chunk int // index into the block's claims, or their number if one is missing
	// Prefix: all claims are right, and the prefix is not their hash. Chunk is then the last.
	Prefix bool
}

// Compare finds the first claim of an assertion that differs from the own; wrong is false if none does. Errors:
// ErrForeignParent, ErrNotExecuted, or the executor's.
func Compare(exec Executor, a *Assertion) (at Place, wrong bool, err error) {
	if a.Last() > exec.Height() {
		return at, false, fmt.Errorf("assertion up to block %d, executed are %d: %w", a.Last(), exec.Height(), ErrNotExecuted)
	}
	own, err := OwnParent(exec, a.ParentHeight)
	if err != nil {
		return at, false, err
	}
	if own.Value() != a.Parent {
		return at, false, fmt.Errorf("assertion on block %d: %w", a.ParentHeight, ErrForeignParent)
	}
	header, err := exec.Header(a.Last())
	if err != nil {
		return at, false, err
	}
	if header.Digest() != a.Digest {
		return at, false, fmt.Errorf("assertion names another header of block %d: %w", a.Last(), ErrForeignParent)
	}
	for i := range a.Blocks {
		claims, err := exec.Claims(a.Height(i))
		if err != nil {
			return at, false, err
		}
		if at, wrong := a.Blocks[i].compare(a.Prover, claims); wrong {
			at.Block = i
			return at, true, nil
		}
	}
	return at, false, nil
}

// compare finds the first claim that is wrong, missing or too many, or else a wrong prefix.
func (b *BlockClaims) compare(prover types.PublicKey, own []execution.Claim) (Place, bool) {
	for i := range b.Chunks() {
		if i >= len(own) || !b.says(prover, i, own[i]) {
			return Place{Chunk: i}, true
		}
	}
	if b.Chunks() < len(own) {
		return Place{Chunk: b.Chunks()}, true
	}
	return Place{Chunk: len(own) - 1, Prefix: true}, b.Prefix != PrefixOf(own)
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
	if body.Block >= uint64(len(a.Blocks)) || body.Chunk > uint64(a.Blocks[body.Block].Chunks()) {
		return fmt.Errorf("assertion has no block %d with a chunk %d: %w", body.Block, body.Chunk, ErrInvalid)
	}
	block, chunk := int(body.Block), int(body.Chunk)
	height := a.Height(block)
	if a.Last() > exec.Height() {
		return nil
	}
	if err := a.Bind(executed(exec)); err != nil {
		return invalid(err)
	}
	parent, err := OwnParent(exec, height-1)
	if err != nil {
		return nil // no longer kept here: verification has to tell
	}
	own, err := exec.Claims(height)
	if err != nil {
		return nil // as above
	}
	claimed := &a.Blocks[block]
	rightBefore := chunk <= len(own) && a.Before(block) == parent.Value()
	for i := 0; rightBefore && i < chunk; i++ {
		rightBefore = claimed.says(a.Prover, i, own[i])
	}
	if !rightBefore {
		return fmt.Errorf("challenge of block %d, chunk %d: %w", height, chunk, ErrForeignParent)
	}
	if chunk < len(own) && claimed.says(a.Prover, chunk, own[chunk]) || chunk == claimed.Chunks() && chunk == len(own) {
		return fmt.Errorf("challenge of block %d, chunk %d: the claim is the one computed here: %w", height, chunk, ErrInvalid)
	}
	return nil
}

// executed are the headers of the blocks that were executed here.
func executed(exec Executor) Headers {
	return func(height types.Height) (types.Hash, bool) {
		h, err := exec.Header(height)
		return h.Digest(), err == nil
	}
}
