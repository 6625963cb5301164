package fraud

import (
	"errors"
	"fmt"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/types"
)

// WrongState shows that the claim after one chunk is not what executing the chunk comes to, or that the number of claims
// of a block is wrong. It is meant for the first wrong claim of an assertion, whose predecessor everybody knows.
type WrongState struct {
	Assertion []byte       // signed assertion
	Block     uint64       // index into its blocks
	Chunk     uint64       // index into the block's claims; their number: a claim is missing at the end
	Parent    []byte       // what the assertion's parent value names, where the block is its first; else empty
	Before    []byte       // the claim before, encoded, where the assertion masks it; else empty
	Header    []byte       // certified header of the assertion's last block
	Ancestors [][]byte     // headers below it, newest first: to the block's parent, and further as BLOCKHASH needs them
	Rows      [][]byte     // stand-alone data rows that hold the table of lengths and the chunk's transactions, ascending
	Frontier  []types.Hash // receipts frontier before the chunk
	Nodes     [][]byte     // trie nodes of the state before the chunk, packed
	Codes     [][]byte     // contract codes
}

// wrongState is a WrongState challenge with everything decoded and checked but its execution.
type wrongState struct {
	signed   *SignedAssertion
	block    int
	chunk    int
	headers  *past
	header   types.Header    // of the block
	parent   execution.Claim // the last of the block before
	before   execution.Claim // of the chunk before; unset for the first
	witness  execution.Witness
	frontier execution.Frontier
	rows     [][]byte
}

func (w *wrongState) claims() *BlockClaims { return &w.signed.Assertion.Blocks[w.block] }

// openWrongState decodes the parts and does the checks that cost little: header and its certificate, headers below,
// assertion and its prover, the claims before, frontier.
func openWrongState(c *Challenge, trust *Trust) (*wrongState, error) {
	var body WrongState
	if err := decodeBody(c, &body); err != nil {
		return nil, err
	}
	headers, err := openPast(body.Header, body.Ancestors)
	if err != nil {
		return nil, err
	}
	signed, err := trust.openAssertion(body.Assertion, headers)
	if err != nil {
		return nil, err
	}
	a := &signed.Assertion
	if body.Block >= uint64(len(a.Blocks)) || body.Chunk > uint64(a.Blocks[body.Block].Chunks()) {
		return nil, fmt.Errorf("assertion has no block %d with a chunk %d: %w", body.Block, body.Chunk, ErrInvalid)
	}
	w := &wrongState{signed: signed, block: int(body.Block), chunk: int(body.Chunk), headers: headers, rows: body.Rows,
		witness: execution.Witness{Nodes: body.Nodes, Codes: body.Codes}}
	height := a.Height(w.block)
	if headers.at(height) == nil || headers.at(height-1) == nil {
		return nil, fmt.Errorf("headers of block %d and its parent are not in the challenge: %w", height, ErrInvalid)
	}
	w.header = *headers.at(height)
	if err := headers.verify(trust); err != nil {
		return nil, err
	}
	if err := w.openClaims(&body); err != nil {
		return nil, err
	}
	return w, w.openFrontier(body.Frontier)
}

// openClaims finds the claims that the challenged one builds on.
func (w *wrongState) openClaims(body *WrongState) error {
	masked := w.chunk > 0 && w.chunk < w.claims().Chunks()
	if w.block > 0 && len(body.Parent) > 0 || !masked && len(body.Before) > 0 {
		return fmt.Errorf("parent or claim before where none is needed: %w", ErrInvalid)
	}
	if w.block > 0 {
		w.parent = w.signed.Assertion.Blocks[w.block-1].Last
	} else {
		parent, err := DecodeParent(body.Parent)
		if err != nil {
			return invalid(err)
		}
		if parent.Value() != w.signed.Assertion.Parent || parent.Height != w.signed.Assertion.ParentHeight || parent.Digest != w.header.Parent {
			return fmt.Errorf("not what the assertion's parent value names, or a value of no block of this chain: %w", ErrInvalid)
		}
		w.parent = parent.Claim
	}
	claims := w.claims()
	if w.chunk == 0 {
		return nil
	}
	if !masked {
		w.before = claims.Last
		return nil
	}
	before, err := execution.DecodeClaim(body.Before)
	if err != nil {
		return invalid(err)
	}
	if !claims.says(w.signed.Assertion.Prover, w.chunk-1, before) {
		return fmt.Errorf("not the claim that the assertion masks: %w", ErrInvalid)
	}
	w.before = before
	return nil
}

func (w *wrongState) openFrontier(hashes []types.Hash) error {
	size, root := uint64(0), execution.Frontier{}.Root()
	if w.chunk > 0 {
		size, root = w.before.Transactions, w.before.Receipts
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
	h := &w.header
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
		case w.chunk == claims.Chunks() && more:
			finding.Differences = []string{"claims missing at the block's end"}
			return finding, nil
		case w.chunk == claims.Chunks():
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
	finding.Computed = chunk.Claim
	if claims.says(w.signed.Assertion.Prover, w.chunk, chunk.Claim) {
		return nil, fmt.Errorf("the challenged claim is right: %w", ErrInvalid)
	}
	finding.Differences = []string{"masked claim"}
	if w.chunk == claims.Chunks()-1 {
		finding.Claimed, finding.Differences = &claims.Last, claims.Last.Differences(chunk.Claim)
	}
	return finding, nil
}

// environment prepares the block's execution from the parts; missing is set when BLOCKHASH asks beyond the ancestors.
func (w *wrongState) environment(rules *execution.Rules, missing *bool) (*execution.Env, execution.Claim) {
	env := execution.NewEnv(rules, w.header, *w.headers.at(w.header.Height - 1), w.parent, func(height uint64) types.Hash {
		digest, known := w.headers.digest(types.Height(height))
		*missing = *missing || !known
		return digest
	})
	if w.chunk == 0 {
		return env, env.Start(w.parent)
	}
	return env, w.before
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
