package node

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/etherscale/bedrock/fraud"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// The first byte of a key in store.SpaceFraud.
const (
	keyAssertionAt   = 'a' // + height + CID -> assertedAt, JSON
	keyAssertionBody = 'A' // + CID -> encoded assertion
	keyChallengeAt   = 'c' // + height + CID + number of the accused -> rpc.Challenge, JSON
	keyChallengeBody = 'C' // + CID -> encoded challenge
	keyRefuted       = 'r' // + value before + value -> nothing
	keySettled       = 's' // -> fraud.Parent, JSON
	keyVote          = 'v' // + accused + CID -> types.Verdict, JSON: verified here and not listed yet
	keyClaim         = 'w' // + accused + CID -> ownClaim, JSON
	keyListed        = 'l' // -> height up to which the listed verdicts were looked at
	keyFalse         = 'f' // + height + CID -> rpc.FalseVerdict, JSON
	keyFalseBody     = 'F' // + CID -> encoded challenge that proves nothing
	keyQuorum        = 'q' // + height + kind of challenge -> CID: a quorum's misconduct
)

// Bounds of what is read: entries of one height, and assertions of one height that a peer is given.
const (
	mostListed = 1024
	mostGiven  = 64
)

// ledger keeps what was asserted and challenged, by height.
type ledger struct{ db *store.DB }

// assertedAt is what an assertion says of one height.
type assertedAt struct {
	Claim rpc.Assertion `json:"claim"`
	Step  fraud.Step    `json:"step"`
}

func refutedKey(s fraud.Step) []byte {
	return append(append([]byte{keyRefuted}, s.Before[:]...), s.Value[:]...)
}

func heightKey(kind byte, h types.Height) []byte {
	return append([]byte{kind}, store.BigEndian(h)...)
}

// addAssertion stores an assertion under every height it covers.
func (l ledger) addAssertion(s *fraud.SignedAssertion, id types.BatchID, millis uint64) error {
	batch := l.db.Batch()
	a := &s.Assertion
	batch.Set(store.SpaceFraud, append([]byte{keyAssertionBody}, id[:]...), s.Encode())
	for i := range a.Blocks {
		if !a.Names(i) {
			continue
		}
		step := a.Step(i)
		entry := assertedAt{Step: step, Claim: rpc.Assertion{Prover: a.Prover.PeerID(), From: rpc.Height(a.ParentHeight + 1), To: rpc.Height(a.Last()),
			Claim: types.Hash(step.Value), Chunks: a.Blocks[i].Chunks(), Time: millis}}
		encoded, err := json.Marshal(entry)
		if err != nil {
			return fmt.Errorf("assertion: %w", err)
		}
		batch.Set(store.SpaceFraud, append(heightKey(keyAssertionAt, a.Height(i)), id[:]...), encoded)
	}
	return batch.Commit(store.Unsynced)
}

// list visits the entries of one kind and height: their CID and value.
func (l ledger) list(kind byte, from, to types.Height, visit func(id types.BatchID, value []byte) error) error {
	count := 0
	return l.db.Scan(store.SpaceFraud, store.Range{From: heightKey(kind, from), To: heightKey(kind, to+1)}, func(key, value []byte) error {
		if count++; count > mostListed*int(to-from+1) {
			return store.ErrStop
		}
		return visit(types.BatchID(key[9:]), value)
	})
}

// assertions lists what was asserted of a height.
func (l ledger) assertions(h types.Height) (out []assertedAt, err error) {
	err = l.list(keyAssertionAt, h, h, func(_ types.BatchID, value []byte) error {
		var entry assertedAt
		if err := json.Unmarshal(value, &entry); err != nil {
			return fmt.Errorf("stored assertion of block %d: %w: %w", h, store.ErrBroken, err)
		}
		out = append(out, entry)
		return nil
	})
	return out, err
}

// assertionBodies lists encoded assertions that cover a height: one for each step that is not refuted, so that no number
// of lies hides the truth.
func (l ledger) assertionBodies(h types.Height) (out [][]byte) {
	seen := make(map[fraud.Step]bool)
	_ = l.list(keyAssertionAt, h, h, func(id types.BatchID, value []byte) error {
		var entry assertedAt
		if json.Unmarshal(value, &entry) != nil || seen[entry.Step] || l.refuted(entry.Step) {
			return nil
		}
		seen[entry.Step] = true
		if body, err := l.db.Get(store.SpaceFraud, append([]byte{keyAssertionBody}, id[:]...)); err == nil {
			out = append(out, body)
		}
		if len(out) == mostGiven {
			return store.ErrStop
		}
		return nil
	})
	return out
}

// assertionsAbove lists all encoded assertions that cover a block above a height.
func (l ledger) assertionsAbove(h types.Height) (out [][]byte) {
	seen := make(map[types.BatchID]bool)
	visit := func(key, _ []byte) error {
		id := types.BatchID(key[9:])
		if seen[id] {
			return nil
		}
		seen[id] = true
		if body, err := l.db.Get(store.SpaceFraud, append([]byte{keyAssertionBody}, id[:]...)); err == nil {
			out = append(out, body)
		}
		return nil
	}
	_ = l.db.Scan(store.SpaceFraud, store.Range{From: heightKey(keyAssertionAt, h+1), To: []byte{keyAssertionAt + 1}}, visit)
	return out
}

// addChallenge stores a challenge that was verified here, with one record for each of the accused.
func (l ledger) addChallenge(id types.BatchID, encoded []byte, records []rpc.Challenge, f *fraud.Finding) error {
	batch := l.db.Batch()
	for i, record := range records {
		summary, err := json.Marshal(record)
		if err != nil {
			return fmt.Errorf("challenge: %w", err)
		}
		key := append(heightKey(keyChallengeAt, f.Height), id[:]...)
		batch.Set(store.SpaceFraud, binary.BigEndian.AppendUint16(key, uint16(i)), summary)
	}
	if len(f.Signed) > 0 {
		batch.Set(store.SpaceFraud, quorumKey(f), id[:])
	}
	batch.Set(store.SpaceFraud, append([]byte{keyChallengeBody}, id[:]...), encoded)
	if f.Refuted != nil {
		batch.Set(store.SpaceFraud, refutedKey(*f.Refuted), nil)
	}
	return batch.Commit(store.Synced)
}

// challenge is an upheld challenge by its CID.
func (l ledger) challenge(id types.BatchID) ([]byte, bool) {
	body, err := l.db.Get(store.SpaceFraud, append([]byte{keyChallengeBody}, id[:]...))
	return body, err == nil
}

// challengeIDs names the challenges upheld against a height. Those of height 0 concern no one block: sequencers' twin
// vertices, and all that convicts a quorum, which everybody should learn whatever its height.
func (l ledger) challengeIDs(h types.Height) (ids []types.BatchID) {
	_ = l.list(keyChallengeAt, h, h, func(id types.BatchID, _ []byte) error { ids = append(ids, id); return nil })
	ids = slices.Compact(ids) // the accused of one challenge follow each other
	if h == 0 {
		ids = append(ids, l.quorumIDs()...)
	}
	return ids
}

// challenges lists the challenges of heights from..to, inclusive.
func (l ledger) challenges(from, to types.Height) (out []rpc.Challenge, err error) {
	err = l.list(keyChallengeAt, from, to, func(id types.BatchID, value []byte) error {
		var c rpc.Challenge
		if err := json.Unmarshal(value, &c); err != nil {
			return fmt.Errorf("stored challenge: %w: %w", store.ErrBroken, err)
		}
		c.ID = id.String()
		out = append(out, c)
		return nil
	})
	return out, err
}

// refuted reports whether a value, as claimed on the value before, was refuted here, also before a restart.
func (l ledger) refuted(s fraud.Step) bool {
	known, err := l.db.Has(store.SpaceFraud, refutedKey(s))
	return err == nil && known
}

// forget drops what is known of heights up to one, but what an assertion says of higher ones, and the proofs that
// sequencers lied, which are kept for good.
func (l ledger) forget(upTo types.Height) error {
	batch := l.db.Batch()
	up := func(kind byte) store.Range { return store.Range{From: heightKey(kind, 0), To: heightKey(kind, upTo+1)} }
	drop := func(key []byte, body byte, whole bool) {
		batch.Delete(store.SpaceFraud, slices.Clone(key))
		if whole {
			batch.Delete(store.SpaceFraud, append([]byte{body}, key[9:9+len(types.BatchID{})]...))
		}
	}
	assertions := l.db.Scan(store.SpaceFraud, up(keyAssertionAt), func(key, value []byte) error {
		var entry assertedAt
		if json.Unmarshal(value, &entry) == nil {
			batch.Delete(store.SpaceFraud, refutedKey(entry.Step))
		}
		drop(key, keyAssertionBody, types.Height(entry.Claim.To) <= upTo)
		return nil
	})
	challenges := l.db.Scan(store.SpaceFraud, up(keyChallengeAt), func(key, value []byte) error {
		var record rpc.Challenge
		if json.Unmarshal(value, &record) == nil && (record.Kind == fraud.KindWrongState.String() || record.Kind == fraud.KindWrongPrefix.String()) {
			drop(key, keyChallengeBody, true)
		}
		return nil
	})
	if err := errors.Join(assertions, challenges); err != nil {
		return fmt.Errorf("forget assertions up to block %d: %w", upTo, err)
	}
	return batch.Commit(store.Unsynced)
}

// settled is the settled value stored last.
func (l ledger) settled() (parent fraud.Parent, ok bool, err error) {
	stored, err := l.db.Get(store.SpaceFraud, []byte{keySettled})
	if errors.Is(err, store.ErrNotFound) {
		return parent, false, nil
	}
	if err != nil {
		return parent, false, err
	}
	if err := json.Unmarshal(stored, &parent); err != nil {
		return parent, false, fmt.Errorf("stored settled value: %w: %w", store.ErrBroken, err)
	}
	return parent, true, nil
}

// keepSettled stores the settled value if it is new.
func (l ledger) keepSettled(p fraud.Parent) error {
	if known, ok, err := l.settled(); err != nil || (ok && known == p) || p.Height == 0 {
		return err
	}
	encoded, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("settled value: %w", err)
	}
	return l.db.Set(store.SpaceFraud, []byte{keySettled}, encoded, store.Unsynced)
}
