package fraud

import (
	"errors"
	"fmt"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/types"
)

// maxAncestors is how far BLOCKHASH reaches back.
const maxAncestors = 256

// WrongState shows that the claim after one chunk is not what executing the chunk comes to, or that the number of claims
// of a block is wrong. It is meant for the first wrong claim of an assertion, whose predecessor everybody knows.
type WrongState struct {
	Assertion []byte       // signed assertion
	Block     uint64       // index into its blocks
	Chunk     uint64       // index into the block's claims; their number: a claim is missing at the end
	Header    []byte       // certified header of the block
	Ancestors [][]byte     // headers below it, newest first: the parent's, and further as BLOCKHASH needs them
	Rows      [][]byte     // stand-alone data rows that hold the table of lengths and the chunk's transactions, ascending
	Frontier  []types.Hash // receipts frontier before the chunk
	Nodes     [][]byte     // trie nodes of the state before the chunk, packed
	Codes     [][]byte     // contract codes
}

// wrongState is a WrongState challenge with everything decoded and checked but its execution.
type wrongState struct {
	signed    *SignedAssertion
	block     int
	chunk     int
	certified *types.CertifiedHeader
	ancestors []types.Header
	witness   execution.Witness
	frontier  execution.Frontier
	rows      [][]byte
}

func (w *wrongState) claims() []execution.Claim { return w.signed.Assertion.Blocks[w.block].Claims }

// openWrongState decodes the parts and does the checks that cost little: assertion and its prover, header and its
// certificate, ancestors, frontier.
func openWrongState(c *Challenge, trust *Trust) (*wrongState, error) {
	var body WrongState
	if err := decodeBody(c, &body); err != nil {
		return nil, err
	}
	signed, err := DecodeAssertion(body.Assertion)
	if err != nil {
		return nil, invalid(err)
	}
	a := &signed.Assertion
	if !trust.prover(a.Prover) {
		return nil, fmt.Errorf("%s: %w: %w", a.Prover, ErrNotProver, ErrInvalid)
	}
	if err := signed.Verify(trust.Rules.Network); err != nil {
		return nil, invalid(err)
	}
	if body.Block >= uint64(len(a.Blocks)) || body.Chunk > uint64(len(a.Blocks[body.Block].Claims)) {
		return nil, fmt.Errorf("assertion has no block %d with a chunk %d: %w", body.Block, body.Chunk, ErrInvalid)
	}
	w := &wrongState{signed: signed, block: int(body.Block), chunk: int(body.Chunk), rows: body.Rows,
		witness: execution.Witness{Nodes: body.Nodes, Codes: body.Codes}}
	if err := w.openHeaders(&body, trust); err != nil {
		return nil, err
	}
	return w, w.openFrontier(body.Frontier)
}

func (w *wrongState) openHeaders(body *WrongState, trust *Trust) error {
	a := &w.signed.Assertion
	certified, err := trust.header(body.Header)
	if err != nil {
		return err
	}
	h := &certified.Header
	if h.Height != a.Height(w.block) || h.Digest() != a.Blocks[w.block].Digest {
		return fmt.Errorf("header %d is not the one the assertion speaks of: %w", h.Height, ErrInvalid)
	}
	if len(body.Ancestors) == 0 || len(body.Ancestors) > maxAncestors {
		return fmt.Errorf("%d ancestors, want 1..%d: %w", len(body.Ancestors), maxAncestors, ErrInvalid)
	}
	expected := h.Parent
	for i, encoded := range body.Ancestors {
		ancestor, err := types.DecodeHeader(encoded)
		if err != nil {
			return invalid(err)
		}
		if ancestor.Digest() != expected {
			return fmt.Errorf("ancestor %d is not in the header's past: %w", i, ErrInvalid)
		}
		expected = ancestor.Parent
		w.ancestors = append(w.ancestors, *ancestor)
	}
	before := a.Parent.Digest
	if w.block > 0 {
		before = a.Blocks[w.block-1].Digest
	}
	if before != h.Parent {
		return fmt.Errorf("assertion builds on another header than block %d does: it names no value of this chain: %w", h.Height, ErrInvalid)
	}
	w.certified = certified
	return nil
}

func (w *wrongState) openFrontier(hashes []types.Hash) error {
	size, root := uint64(0), execution.Frontier{}.Root()
	if w.chunk > 0 {
		before := w.claims()[w.chunk-1]
		size, root = before.Transactions, before.Receipts
	}
	frontier, err := execution.NewFrontier(size, hashes)
	if err != nil {
		return invalid(err)
	}
	if frontier.Root() != root {
		return fmt.Errorf("frontier is not that of the claim before: %w", ErrInvalid)
	}
	w.frontier = frontier
	return nil
}

// judge does the costly checks and executes. It returns nil if the challenged claim is indeed wrong.
func (w *wrongState) judge(trust *Trust) (*Finding, error) {
	h := &w.certified.Header
	set, err := openRows(h, w.rows)
	if err != nil {
		return nil, err
	}
	reader := newBlockReader(h.DataLength, set.read)
	missing := false
	env, before := w.environment(&trust.Rules, &missing)
	finding := w.finding(before)
	claims := w.claims()
	if w.chunk > 0 { // the last chunk of a block ends where the block does
		_, _, more, err := reader.span(before.Place)
		switch {
		case err != nil:
			return nil, invalid(err)
		case w.chunk == len(claims) && more:
			finding.Differences = []string{"claims missing at the block's end"}
			return finding, nil
		case w.chunk == len(claims):
			return nil, fmt.Errorf("the last claim covers the whole block: %w", ErrInvalid)
		case !more:
			finding.Differences = []string{"claim beyond the block's end"}
			return finding, nil
		}
	}
	if w.witness.Nodes, err = unpackNodes(w.witness.Nodes); err != nil {
		return nil, err
	}
	if err := checkNodes(before.Root, w.witness.Nodes); err != nil {
		return nil, err
	}
	chunk, err := env.Replay(w.witness, w.chunk == 0, before, w.frontier, reader.source)
	if err != nil {
		return nil, invalid(err)
	}
	if missing {
		return nil, fmt.Errorf("BLOCKHASH needs a header that is not in the challenge: %w", ErrInvalid)
	}
	finding.Computed, finding.Claimed = chunk.Claim, claims[w.chunk]
	finding.Differences = claims[w.chunk].Differences(chunk.Claim)
	if len(finding.Differences) == 0 {
		return nil, fmt.Errorf("the challenged claim is right: %w", ErrInvalid)
	}
	return finding, nil
}

// environment prepares the block's execution from the parts; missing is set when BLOCKHASH asks beyond the ancestors.
func (w *wrongState) environment(rules *execution.Rules, missing *bool) (*execution.Env, execution.Claim) {
	h := w.certified.Header
	_, parentClaim := w.signed.Assertion.Before(w.block)
	env := execution.NewEnv(rules, h, w.ancestors[0], parentClaim, func(height uint64) types.Hash {
		back := uint64(h.Height) - 1 - height
		if back == 0 {
			return h.Parent
		}
		if back > uint64(len(w.ancestors)) {
			*missing = true
			return types.Hash{}
		}
		return w.ancestors[back-1].Parent
	})
	if w.chunk == 0 {
		return env, env.Start(parentClaim)
	}
	return env, w.claims()[w.chunk-1]
}

func (w *wrongState) finding(before execution.Claim) *Finding {
	a := &w.signed.Assertion
	step := a.Step(w.block)
	return &Finding{Kind: KindWrongState, Accused: []types.PublicKey{a.Prover}, Height: a.Height(w.block), Chunk: w.chunk,
		Assertion: w.signed.ID().String(), Refuted: &step, Before: before}
}

// invalid marks an error as the challenger's.
func invalid(err error) error {
	if errors.Is(err, ErrInvalid) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrInvalid, err)
}
