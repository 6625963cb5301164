package fraud

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/types"
)

// assertSelector begins the calldata of an assertion.
var assertSelector = [4]byte(crypto.Keccak256([]byte("assertValue(bytes32,bytes32,uint64,uint64,bytes32,bytes)"))[:4])

// The layout of calldata, in words of 32 bytes after the selector: key, parent value, parent height, height, digest of the last
// block's header, offset of the blocks, their length, the blocks padded to whole words.
const (
	wordBytes    = 32
	headWords    = 7
	blocksOffset = (headWords - 1) * wordBytes
	callHead     = 4 + headWords*wordBytes
	blockHead    = 2 + 32 + execution.ClaimBytes // number of chunks, prefix, last claim
)

// Calldata is the call of the bonding contract that posts the assertion. For each block it has
//
//	chunks (2) | prefix (32) | last claim (104) | masks (32 each, one less than chunks)
func (a *Assertion) Calldata() []byte {
	var blocks []byte
	for i := range a.Blocks {
		b := &a.Blocks[i]
		blocks = binary.BigEndian.AppendUint16(blocks, uint16(b.Chunks()))
		blocks = append(blocks, b.Prefix[:]...)
		blocks = append(blocks, b.Last.Encode()...)
		for _, m := range b.Masks {
			blocks = append(blocks, m[:]...)
		}
	}
	out := append([]byte(nil), assertSelector[:]...)
	out = append(out, a.Prover[:]...)
	out = append(out, a.Parent[:]...)
	out = appendWord(out, uint64(a.ParentHeight))
	out = appendWord(out, uint64(a.Last()))
	out = append(out, a.Digest[:]...)
	out = appendWord(out, blocksOffset)
	out = appendWord(out, uint64(len(blocks)))
	out = append(out, blocks...)
	return append(out, make([]byte, padding(len(blocks)))...)
}

// calldataBytes is how long the calldata of blocks is that have so many chunks in all.
func calldataBytes(blocks, chunks int) int {
	n := blocks*blockHead + (chunks-blocks)*32
	return callHead + n + padding(n)
}

func padding(n int) int { return (wordBytes - n%wordBytes) % wordBytes }

func appendWord(b []byte, v uint64) []byte {
	return binary.BigEndian.AppendUint64(append(b, make([]byte, wordBytes-8)...), v)
}

// decodeCalldata is the inverse of Calldata. It takes what the contract takes and nothing else: an assertion that stands
// on the ledger and could not be read here could not be challenged.
func decodeCalldata(data []byte) (*Assertion, error) {
	if len(data) < callHead || !bytes.Equal(data[:4], assertSelector[:]) {
		return nil, fmt.Errorf("not a call of assertValue: %w", ErrAssertion)
	}
	word := func(i int) []byte { return data[4+i*wordBytes : 4+(i+1)*wordBytes] }
	var numbers [4]uint64 // parent height, height, offset, length
	for i, at := range [...]int{2, 3, 5, 6} {
		w := word(at)
		if !bytes.Equal(w[:24], make([]byte, 24)) {
			return nil, fmt.Errorf("number in word %d is above 64 bits: %w", at, ErrAssertion)
		}
		numbers[i] = binary.BigEndian.Uint64(w[24:])
	}
	parent, height, offset, length := numbers[0], numbers[1], numbers[2], numbers[3]
	rest := data[callHead:]
	if offset != blocksOffset || length > uint64(len(rest)) || len(rest) != int(length)+padding(int(length)) {
		return nil, fmt.Errorf("calldata is not laid out as it must be: %w", ErrAssertion)
	}
	if height <= parent || height-parent > MaxAssertionBlocks || height == math.MaxUint64 {
		return nil, fmt.Errorf("assertion of blocks %d to %d, want 1..%d of them: %w", parent+1, height, MaxAssertionBlocks, ErrAssertion)
	}
	a := &Assertion{Prover: types.PublicKey(word(0)), Parent: Value(word(1)), ParentHeight: types.Height(parent), Digest: types.Hash(word(4))}
	var err error
	a.Blocks, err = decodeBlocks(rest[:length], int(height-parent))
	return a, err
}

func decodeBlocks(b []byte, count int) ([]BlockClaims, error) {
	blocks := make([]BlockClaims, 0, count)
	for range count {
		if len(b) < blockHead {
			return nil, fmt.Errorf("claims of %d blocks end after %d: %w", count, len(blocks), ErrAssertion)
		}
		chunks := int(binary.BigEndian.Uint16(b))
		if chunks == 0 || len(b) < blockHead+32*(chunks-1) {
			return nil, fmt.Errorf("block with %d chunks in %d bytes: %w", chunks, len(b), ErrAssertion)
		}
		last, err := execution.DecodeClaim(b[2+32 : blockHead])
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrAssertion, err)
		}
		block := BlockClaims{Prefix: types.Hash(b[2 : 2+32]), Last: last}
		for b = b[blockHead:]; chunks > 1; chunks-- {
			block.Masks, b = append(block.Masks, types.Hash(b[:32])), b[32:]
		}
		blocks = append(blocks, block)
	}
	if len(b) > 0 {
		return nil, fmt.Errorf("%d bytes after the last block: %w", len(b), ErrAssertion)
	}
	return blocks, nil
}

// prefixOf is PrefixOf for the claims before the last alone.
func prefixOf(before []execution.Claim) types.Hash {
	return sha256.Sum256(execution.EncodeClaims(before))
}
