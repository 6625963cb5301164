package execution

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/rawdb"
	"github.com/ethereum/go-ethereum/ethdb"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/etherscale/bedrock/types"
)

// Records of our own beside go-ethereum's layout. No key of go-ethereum begins with 0xff.
const (
	keyNetwork   = "\xffbr-n" // network id: the database is complete up to genesis
	keyHeader    = "\xffbr-h" // + BE64 height: bedrock header
	keyClaims    = "\xffbr-c" // + BE64 height: claims
	keySkips     = "\xffbr-s" // + BE64 height: skipped transactions
	keySkipped   = "\xffbr-t" // + transaction hash: BE64 height, BE64 place
	keyNextEpoch = "\xffbr-e" // + BE64 height: what its state says of the next epoch
)

// ErrUnknown says that a record does not exist here: too old, not executed yet, or never.
var ErrUnknown = errors.New("not known here")

// SkippedTransaction is the record of an ordered transaction that was skipped.
type SkippedTransaction struct {
	Place  uint64
	Hash   common.Hash // keccak of the envelope
	Reason string
}

func heightKey(prefix string, height types.Height) []byte {
	return binary.BigEndian.AppendUint64([]byte(prefix), uint64(height))
}

// writeRecords stores everything of an executed block but its state.
func (c *Chain) writeRecords(b ethdb.Batch, run *executed) error {
	height := run.env.Header.Height
	block := run.block
	rawdb.WriteBlock(b, block)
	rawdb.WriteReceipts(b, block.Hash(), block.NumberU64(), run.receipts)
	rawdb.WriteCanonicalHash(b, block.Hash(), block.NumberU64())
	rawdb.WriteTxLookupEntriesByBlock(b, block)
	rawdb.WriteHeadHeaderHash(b, block.Hash())
	rawdb.WriteHeadBlockHash(b, block.Hash())
	rawdb.WriteHeadFastBlockHash(b, block.Hash())
	skips := make([]SkippedTransaction, 0, len(run.skipped))
	for _, s := range run.skipped {
		hash := common.Hash(run.hashes[s.Place])
		skips = append(skips, SkippedTransaction{Place: s.Place, Hash: hash, Reason: string(s.Reason)})
		at := binary.BigEndian.AppendUint64(heightKey("", height), s.Place)
		if err := b.Put(append([]byte(keySkipped), hash[:]...), at); err != nil {
			return err
		}
	}
	encodedSkips, err := rlp.EncodeToBytes(skips)
	if err != nil {
		return err
	}
	for _, record := range [...]struct {
		prefix string
		value  []byte
	}{
		{keyHeader, run.env.Header.Encode()},
		{keyClaims, EncodeClaims(run.claims)},
		{keySkips, encodedSkips},
	} {
		if err := b.Put(heightKey(record.prefix, height), record.value); err != nil {
			return err
		}
	}
	if run.next != nil {
		encoded, err := rlp.EncodeToBytes(run.next)
		if err != nil {
			return err
		}
		if err := b.Put(heightKey(keyNextEpoch, height), encoded); err != nil {
			return err
		}
	}
	return nil
}

// writeWitness keeps a block's witness and drops those that no challenge can need any more: older than the challenge window
// in header time, with a factor of two, and in blocks, of which each adds at most WindowStep to a window. What the budget
// has no room for goes as well, oldest first.
func (c *Chain) writeWitness(run *executed) error {
	now, height := run.env.Header.Time, run.env.Header.Height
	if err := c.witnesses.Put(height, run.witness); err != nil {
		return err
	}
	if height%segmentBlocks != 0 { // files are dropped as a whole
		return nil
	}
	g := c.config.Genesis
	blocks := types.Height(g.ChallengeWindow/g.WindowStep + 64)
	return c.witnesses.Prune(func(last types.Height) bool {
		h, err := c.Header(last)
		return err == nil && last+blocks < height && uint64(now-h.Time) >= 2*g.ChallengeWindow
	})
}

func (c *Chain) record(prefix string, height types.Height) ([]byte, error) {
	value, err := c.disk.Get(heightKey(prefix, height))
	if err != nil || len(value) == 0 {
		return nil, fmt.Errorf("block %d: %w", height, ErrUnknown)
	}
	return value, nil
}

// Header is the bedrock header of an executed height, 0 included.
func (c *Chain) Header(height types.Height) (types.Header, error) {
	encoded, err := c.record(keyHeader, height)
	if err != nil {
		return types.Header{}, err
	}
	h, err := types.DecodeHeader(encoded)
	if err != nil {
		return types.Header{}, fmt.Errorf("stored header %d: %w", height, err)
	}
	return *h, nil
}

// Claims are the claims of an executed height, one for each chunk; height 0 has one.
func (c *Chain) Claims(height types.Height) ([]Claim, error) {
	encoded, err := c.record(keyClaims, height)
	if err != nil {
		return nil, err
	}
	return DecodeClaims(encoded)
}

// LastClaim is the outcome of an executed height.
func (c *Chain) LastClaim(height types.Height) (Claim, error) {
	claims, err := c.Claims(height)
	if err != nil {
		return Claim{}, err
	}
	if len(claims) == 0 {
		return Claim{}, fmt.Errorf("block %d has no claims: %w", height, ErrUnknown)
	}
	return claims[len(claims)-1], nil
}

// Skipped lists the ordered transactions of an executed height that were skipped.
func (c *Chain) Skipped(height types.Height) ([]SkippedTransaction, error) {
	encoded, err := c.record(keySkips, height)
	if err != nil {
		return nil, err
	}
	var skips []SkippedTransaction
	if err := rlp.DecodeBytes(encoded, &skips); err != nil {
		return nil, fmt.Errorf("stored skips of block %d: %w", height, err)
	}
	return skips, nil
}

// SkippedByHash finds the latest block in which a transaction was skipped, and why.
func (c *Chain) SkippedByHash(hash common.Hash) (types.Height, SkippedTransaction, error) {
	at, err := c.disk.Get(append([]byte(keySkipped), hash[:]...))
	if err != nil || len(at) != 16 {
		return 0, SkippedTransaction{}, fmt.Errorf("skipped transaction %s: %w", hash, ErrUnknown)
	}
	height := types.Height(binary.BigEndian.Uint64(at))
	place := binary.BigEndian.Uint64(at[8:])
	skips, err := c.Skipped(height)
	if err != nil {
		return 0, SkippedTransaction{}, err
	}
	for _, s := range skips {
		if s.Place == place {
			return height, s, nil
		}
	}
	return 0, SkippedTransaction{}, fmt.Errorf("skipped transaction %s: %w", hash, ErrUnknown)
}

// Witness is the witness of a whole executed block, kept for the challenge window.
func (c *Chain) Witness(height types.Height) (Witness, error) {
	encoded, err := c.witnesses.Get(height)
	if err != nil {
		return Witness{}, err
	}
	return decodeBlockWitness(encoded, func(hash common.Hash) []byte { return rawdb.ReadCode(c.disk, hash) })
}
