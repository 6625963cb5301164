package consensus

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/etherscale/bedrock/types"
)

// MaxCutBytes bounds the encoding of a cut's state. The largest part is what waits for a block: 64 MiB of transactions,
// of which each takes about its own size again.
const MaxCutBytes = 256 << 20

// ErrCut says that bytes are not the state of a cut of this epoch.
var ErrCut = errors.New("not the state of a cut")

// cutVersion is the version of the encoding.
const cutVersion = 2

// cutState is the order after all slots of a round: a function of the committed sequence up to there. Its encoding is
// RLP, canonical: lists are in the order that the sequence gives them, or ascending.
type cutState struct {
	Version   uint64
	Network   types.NetworkID
	Epoch     types.Epoch
	Seed      types.Hash
	Round     types.Round
	Sequenced uint64
	Recent    []types.VertexRef // appended, of rounds above Round - Horizon, in order
	Fair      cutFair
	Blocks    cutBlocks
	Headers   cutHeaders
	Verdicts  cutVerdicts
	Rewards   []uint64
	Active    types.Bitmap
	Announced []uint64
}

type cutFair struct {
	Watermarks []types.Time // by member
	Excluded   types.Bitmap
	Theta      types.Time
	Unopened   []cutTally // in order of their first receipt
	Open       []cutTally // incomplete, in order of opening
	Cursors    []uint64   // by member, into Open
	Ready      []cutTally // complete, in order of release
	Released   []cutRepeat
}

type cutTally struct {
	ID       types.BatchID
	First    types.Round
	Opened   types.Round
	FairTime types.Time // 0 while incomplete
	Entries  []Entry    // ascending by author
}

type cutRepeat struct {
	ID types.BatchID
	By types.Round
}

type cutBlocks struct {
	Previous, Current []byte // hashes of the generations, in order
	Queue             []cutQueued
	Boundary, Parent  types.Time
}

type cutQueued struct {
	Ref      TxRef
	Tx       TxInfo
	FairTime types.Time
}

type cutHeaders struct {
	Sealed  types.Height   // up to here the sequence holds certificates
	Digests []types.Hash   // of the newest headers up to there, at most signedWindow
	Signed  []types.Height // by member: the newest header up to there that it signed
	Closed  []cutClosed    // those above, in order of height
	Votes   []cutVote      // signatures above, ascending by (height, member)
}

type cutClosed struct {
	Time         types.Time
	VertexIndex  uint64
	VertexDigest types.Hash
	Txs          []TxRef
}

type cutVote struct {
	Height    types.Height
	Member    types.Member
	Digest    types.Hash
	Signature types.Signature
}

// CutDigest names a state: equal at all honest members that passed the same round.
func CutDigest(state []byte) types.Hash {
	h := sha256.New()
	h.Write([]byte("bedrock/cut/1"))
	h.Write(state)
	return types.Hash(h.Sum(nil))
}

func (s *cutState) encode() []byte { return types.Marshal(s) }

// decodeCut is the strict inverse of encode, for a core of the configuration.
func decodeCut(cfg *Config, state []byte) (*cutState, error) {
	if len(state) > MaxCutBytes {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrCut, len(state), MaxCutBytes)
	}
	s := new(cutState)
	if err := types.Unmarshal(state, s); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCut, err)
	}
	return s, s.check(cfg)
}

// check refuses what would not fit the core's structures. That the content is true is for a quorum to say.
func (s *cutState) check(cfg *Config) error {
	n, f := cfg.Committee.Len(), &s.Fair
	windows, last := cfg.Windows.withDefaults(), newEpochEnd(cfg).last
	for _, must := range []struct {
		hold bool
		what string
	}{
		{s.Version == cutVersion, "version"},
		{s.Network == cfg.Network && s.Epoch == cfg.Epoch && s.Seed == cfg.Seed, "epoch"},
		{s.Round > 0 && s.Round < maxRound && s.Round%windows.Cuts == 0, "round"},
		{len(f.Watermarks) == n && len(f.Cursors) == n && len(s.Rewards) == n && len(s.Announced) == n, "number of members"},
		{f.Excluded.Check(cfg.Committee) == nil && s.Active.Check(cfg.Committee) == nil, "bitmaps"},
		{cfg.Committee.StakeOf(f.Excluded) <= cfg.Committee.F(), "excluded stake"},
		{len(s.Blocks.Previous)%32 == 0 && len(s.Blocks.Previous)/32 <= windows.Transactions, "older generation"},
		{len(s.Blocks.Current)%32 == 0 && len(s.Blocks.Current)/32 <= windows.Transactions, "newer generation"},
		{s.Blocks.Boundary > 0 && uint64(s.Blocks.Boundary)%cfg.Rules.Interval == 0, "boundary"},
		{s.Headers.Sealed >= cfg.Parent.Height && s.Headers.Sealed < 1<<62, "height"},
		{last == 0 || s.Headers.Sealed+types.Height(len(s.Headers.Closed)) <= last, "last height"},
		{len(s.Headers.Digests) > 0 && len(s.Headers.Digests) <= signedWindow && len(s.Headers.Signed) == n, "newest headers"},
		{s.Verdicts.fits(n, cfg.Parent.Height, s.Headers.Sealed+types.Height(len(s.Headers.Closed))), "verdicts"},
		{s.placesFit(cfg), "places"}, {s.talliesFit(n), "entries"},
	} {
		if !must.hold {
			return fmt.Errorf("%w: its %s does not fit", ErrCut, must.what)
		}
	}
	return nil
}

// placesFit checks the members, rounds and heights that the state speaks of.
func (s *cutState) placesFit(cfg *Config) bool {
	for _, ref := range s.Recent {
		if !cfg.Committee.Has(ref.Author) || ref.Round == 0 || ref.Round > s.Round || ref.Round+Horizon <= s.Round {
			return false
		}
	}
	for i, v := range s.Headers.Votes {
		before := i > 0 && (s.Headers.Votes[i-1].Height > v.Height ||
			s.Headers.Votes[i-1].Height == v.Height && s.Headers.Votes[i-1].Member >= v.Member)
		if before || !cfg.Committee.Has(v.Member) || v.Height <= s.Headers.Sealed {
			return false
		}
	}
	for _, at := range s.Fair.Cursors {
		if at > uint64(len(s.Fair.Open)) {
			return false
		}
	}
	return true
}

// talliesFit checks that each batch has its own place and its authors are members.
func (s *cutState) talliesFit(n int) bool {
	seen := make(map[types.BatchID]bool)
	for k, list := range [][]cutTally{s.Fair.Unopened, s.Fair.Open, s.Fair.Ready} {
		for _, t := range list {
			if seen[t.ID] || (k == 0) != (t.Opened == 0) || len(t.Entries) > n {
				return false
			}
			seen[t.ID] = true
			for i, e := range t.Entries {
				if int(e.Author) >= n || i > 0 && t.Entries[i-1].Author >= e.Author {
					return false
				}
			}
		}
	}
	return true
}
