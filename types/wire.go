package types

import (
	"fmt"

	"github.com/ethereum/go-ethereum/rlp"
)

// Bounds of the messages on direct streams.
const (
	// MaxMessageBytes caps every message of every direct stream.
	MaxMessageBytes = 4 << 20
	// MaxChallengeBytes caps a challenge, which travels in an answer of its own. A chunk's meter charges 1000 bytes for an
	// account or a slot and counts to 2 MiB, so a proof has 8 KB for each: fifteen full branches that no other path shares.
	// A witness of more takes keys whose hashes agree in eighteen nibbles, which nobody grinds.
	MaxChallengeBytes = 16 << 20
	// MaxFetchItems bounds the references in one request.
	MaxFetchItems = 256
	// MaxFetchBytes is where a responder stops adding to an answer.
	MaxFetchBytes = 2 << 20
	// MaxCutNames bounds the cuts in one answer: a member keeps two.
	MaxCutNames = 2
	// maxItems bounds the values in the lists of one message: more than an honest one has, and few enough that decoding
	// takes no more memory than the message's bytes allow.
	maxItems = 1 << 16
)

// Push is one message on a dag stream: vertices (ancestors first, the sender's own last) and the bodies of batches they
// receipt, as far as the receiver is not known to hold them. A peer has one dag stream whatever epochs it takes part in:
// Epoch says whose member the sender speaks as.
type Push struct {
	Epoch    Epoch
	Batches  [][]byte
	Vertices [][]byte
}

// FetchRequest asks for vertices by digest, for batches by id, or for the responder's log of accepted vertices from a
// position on (Log true), for the names of its newest cuts (Cuts true), or for the bytes of a cut's state from an offset on
// (Cut set); all of one epoch. An answer is bounded by MaxFetchBytes; what is missing from it may be asked again.
type FetchRequest struct {
	Epoch    Epoch
	Vertices []Hash
	Batches  []BatchID
	Log      bool
	From     uint64 // position in the responder's log of accepted vertices, or offset in the cut's state
	Cuts     bool
	Cut      Hash // digest of the cut's state; zero: none is asked for
}

// FetchResponse carries what the responder has. For a Log request Vertices are in the order the responder accepted
// them, Batches are the bodies they receipt, and Next is the position to ask from next. Piece answers Cut, Cuts answers Cuts.
type FetchResponse struct {
	Batches  [][]byte
	Vertices [][]byte
	Next     uint64
	End      uint64 // position after the newest vertex of the responder's log
	First    uint64 // position of the oldest one it keeps: of earlier ones it answers nothing but this
	Cuts     []CutName
	Piece    []byte
}

// CutName names a state of the ordering core that the responder keeps, newest first in an answer.
type CutName struct {
	Round    Round  // whose slots it has decided
	Digest   Hash   // of its bytes; equal at every honest member
	Size     uint64 // of its bytes
	Position uint64 // from which on the responder's log is to be read after it
}

// Encode is the canonical encoding.
func (p *Push) Encode() []byte { return mustEncode(p) }

// Encode is the canonical encoding.
func (r *FetchRequest) Encode() []byte { return mustEncode(r) }

// Encode is the canonical encoding.
func (r *FetchResponse) Encode() []byte { return mustEncode(r) }

// DecodePush is the strict inverse of Push.Encode; the items are still encoded and unchecked.
func DecodePush(encoded []byte) (*Push, error) {
	p := new(Push)
	return p, decodeMessage("push", encoded, p)
}

// DecodeFetchRequest is the strict inverse of FetchRequest.Encode.
func DecodeFetchRequest(encoded []byte) (*FetchRequest, error) {
	r := new(FetchRequest)
	if err := decodeMessage("fetch request", encoded, r); err != nil {
		return nil, err
	}
	if len(r.Vertices)+len(r.Batches) > MaxFetchItems {
		return nil, fmt.Errorf("fetch request of %d items, at most %d: %w", len(r.Vertices)+len(r.Batches), MaxFetchItems, ErrMalformed)
	}
	return r, nil
}

// DecodeFetchResponse is the strict inverse of FetchResponse.Encode; the items are still encoded and unchecked.
func DecodeFetchResponse(encoded []byte) (*FetchResponse, error) {
	r := new(FetchResponse)
	if err := decodeMessage("fetch response", encoded, r); err != nil {
		return nil, err
	}
	if len(r.Cuts) > MaxCutNames {
		return nil, fmt.Errorf("fetch response with %d cuts, at most %d: %w", len(r.Cuts), MaxCutNames, ErrMalformed)
	}
	return r, nil
}

func decodeMessage(what string, encoded []byte, into any) error {
	if len(encoded) > MaxMessageBytes {
		return fmt.Errorf("%s of %d bytes, at most %d: %w", what, len(encoded), MaxMessageBytes, ErrMalformed)
	}
	if err := checkCounts(encoded, maxItems); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if err := rlp.DecodeBytes(encoded, into); err != nil {
		return fmt.Errorf("%s: %w: %w", what, ErrMalformed, err)
	}
	return nil
}

// checkCounts refuses a list with more than most values, in itself or in one of the lists in it: each becomes a slice of
// its own when it is decoded, and one byte of a message is enough for a value. What is no list is left to the decoder.
func checkCounts(encoded []byte, most int) error {
	content, _, err := rlp.SplitList(encoded)
	if err != nil {
		return nil
	}
	if err := checkCount(content, most); err != nil {
		return err
	}
	for len(content) > 0 {
		kind, inner, rest, err := rlp.Split(content)
		if err != nil {
			return nil
		}
		if kind == rlp.List {
			if err := checkCount(inner, most); err != nil {
				return err
			}
		}
		content = rest
	}
	return nil
}

func checkCount(list []byte, most int) error {
	n, err := rlp.CountValues(list)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if n > most {
		return fmt.Errorf("list of %d values, at most %d: %w", n, most, ErrMalformed)
	}
	return nil
}

// CheckCount refuses an encoded list with more than most values, before it is decoded. What is no list it leaves to the
// decoder.
func CheckCount(encoded []byte, most int) error {
	content, _, err := rlp.SplitList(encoded)
	if err != nil {
		return nil
	}
	return checkCount(content, most)
}

func mustEncode(v any) []byte {
	encoded, err := rlp.EncodeToBytes(v)
	if err != nil {
		panic("types: a message always encodes: " + err.Error())
	}
	return encoded
}

// ChallengeAnnouncement stands on the challenge topic for a challenge too large for pubsub: the holder, and after it
// everyone who verified it, serves it by its CID.
type ChallengeAnnouncement struct {
	Challenge BatchID
	Size      uint64 // bytes
	Holder    PublicKey
}

// Encode is the canonical encoding.
func (a *ChallengeAnnouncement) Encode() []byte { return mustEncode(a) }

// maxAnnouncementBytes is more than any announcement takes and less than any challenge.
const maxAnnouncementBytes = 96

// DecodeChallengeAnnouncement is the strict inverse of Encode.
func DecodeChallengeAnnouncement(encoded []byte) (*ChallengeAnnouncement, error) {
	a := new(ChallengeAnnouncement)
	if len(encoded) > maxAnnouncementBytes {
		return nil, fmt.Errorf("challenge announcement of %d bytes, at most %d: %w", len(encoded), maxAnnouncementBytes, ErrMalformed)
	}
	if err := decodeMessage("challenge announcement", encoded, a); err != nil {
		return nil, err
	}
	if !a.Challenge.Valid() || a.Size > MaxChallengeBytes {
		return nil, fmt.Errorf("challenge announcement names no challenge: %w", ErrMalformed)
	}
	return a, nil
}

// Marshal is the canonical RLP encoding of a value of byte strings, unsigned integers, arrays and lists of these. It is for
// the messages of other packages; it panics for types that RLP does not know, which is a mistake in the program.
func Marshal(v any) []byte { return mustEncode(v) }

// Unmarshal is the strict inverse of Marshal. The caller has capped the length.
func Unmarshal(encoded []byte, into any) error {
	if err := rlp.DecodeBytes(encoded, into); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return nil
}
