package dht

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
)

// The row protocol, /bedrock/<network id>/row/2. One request a stream. A frame is LE32 length | payload.
//
//	offer:    frame version | 1 | 1 to hand on, else 0 | proof kind | LE32 proof length | proof | LE32 count | count * LE32 index
//	          answer: frame version | status | 1 if the opening is needed, else 0 | two bitmaps over the indices:
//	          wanted, and held already (neither: not this server's place)
//	          then, if the opening is needed, frame opening; then each wanted shard, of the size the shape gives
//	          answer: frame version | status | LE32 shards stored
//	get:      frame version | 2 | commitment | LE32 count | count * LE32 index
//	          answer: frame version | status | bitmap over the indices: following; then each such shard
//	has:      frame version | 3 | commitment | LE32 count | count * LE32 index
//	          answer: frame version | status | bitmap over the indices: held
//	opening:  frame version | 4 | commitment
//	          answer: frame version | status; if it is ok, frame opening
//
// Indices ascend without repeats. Every length is checked before anything is allocated.
const (
	wireVersion = 2

	// maxIndices are the rows of the largest block; what follows holds that many of them.
	maxIndices = coding.Expansion * coding.MaxK
	// maxProof holds the longest certified header.
	maxProof = types.MaxHeaderBytes + types.MaxCommittee*72
	// The longest request, first frame of an answer, and opening.
	maxRequest = 4 + 4 + maxProof + 4 + 4*maxIndices
	maxAnswer  = 3 + 2*maxIndices/8
	maxOpening = 1 + 32 + 16*coding.MaxK
	// maxGetBytes is where a server stops adding rows to an answer.
	maxGetBytes = 4 << 20
)

type requestKind byte

const (
	kindOffer   requestKind = 1
	kindGet     requestKind = 2
	kindHas     requestKind = 3
	kindOpening requestKind = 4
)

type proofKind byte

const (
	// proofCertified: the proof is an encoded certified header.
	proofCertified proofKind = 1
	// proofMember: the proof is a header signed by one member of the committee: key (32) | signature (64) | header.
	proofMember proofKind = 2
)

type status byte

const (
	statusOK      status = 0
	statusUnknown status = 1 // no certified header has this commitment
	statusFull    status = 2
	statusBad     status = 3 // the request, the opening or a row is wrong
)

// String names the status for error messages.
func (s status) String() string {
	switch s {
	case statusOK:
		return "ok"
	case statusUnknown:
		return "header unknown or not certified"
	case statusFull:
		return "budget used up"
	case statusBad:
		return "wrong request"
	}
	return fmt.Sprintf("status %d", byte(s))
}

// request is any of the four requests.
type request struct {
	kind       requestKind
	handOn     bool       // offer: pass on what is new to you
	proofKind  proofKind  // offer
	proof      []byte     // offer
	commitment types.Hash // get, has, opening
	indices    []uint32   // offer, get, has; ascending
}

func (r *request) encode() []byte {
	b := []byte{wireVersion, byte(r.kind)}
	if r.kind == kindOffer {
		b = append(b, boolByte(r.handOn), byte(r.proofKind))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(r.proof)))
		b = append(b, r.proof...)
	} else {
		b = append(b, r.commitment[:]...)
	}
	if r.kind == kindOpening {
		return b
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(len(r.indices)))
	for _, i := range r.indices {
		b = binary.LittleEndian.AppendUint32(b, i)
	}
	return b
}

func decodeRequest(b []byte) (*request, error) {
	if len(b) < 3 || b[0] != wireVersion {
		return nil, fmt.Errorf("%w: request of %d bytes", ErrMalformed, len(b))
	}
	r := &request{kind: requestKind(b[1])}
	rest := b[2:]
	var err error
	switch r.kind {
	case kindOffer:
		if rest, err = r.takeProof(rest); err != nil {
			return nil, err
		}
	case kindGet, kindHas, kindOpening:
		if len(rest) < 32 {
			return nil, fmt.Errorf("%w: commitment of %d bytes", ErrMalformed, len(rest))
		}
		r.commitment, rest = types.Hash(rest[:32]), rest[32:]
	default:
		return nil, fmt.Errorf("%w: request of kind %d", ErrMalformed, r.kind)
	}
	if r.kind == kindOpening {
		if len(rest) != 0 {
			return nil, fmt.Errorf("%w: %d bytes after the request", ErrMalformed, len(rest))
		}
		return r, nil
	}
	r.indices, err = decodeIndices(rest)
	return r, err
}

func (r *request) takeProof(b []byte) ([]byte, error) {
	if len(b) < 6 {
		return nil, fmt.Errorf("%w: no proof", ErrMalformed)
	}
	if b[0] > 1 {
		return nil, fmt.Errorf("%w: flag %d", ErrMalformed, b[0])
	}
	r.handOn, r.proofKind, b = b[0] == 1, proofKind(b[1]), b[2:]
	if r.proofKind != proofCertified && r.proofKind != proofMember {
		return nil, fmt.Errorf("%w: proof of kind %d", ErrMalformed, r.proofKind)
	}
	n := binary.LittleEndian.Uint32(b)
	if b = b[4:]; n > maxProof || int(n) > len(b) {
		return nil, fmt.Errorf("%w: proof of %d bytes", ErrMalformed, n)
	}
	r.proof = b[:n:n]
	return b[n:], nil
}

func decodeIndices(b []byte) ([]uint32, error) {
	if len(b) < 4 {
		return nil, fmt.Errorf("%w: no indices", ErrMalformed)
	}
	n := binary.LittleEndian.Uint32(b)
	if b = b[4:]; n == 0 || n > maxIndices || len(b) != 4*int(n) {
		return nil, fmt.Errorf("%w: %d indices in %d bytes", ErrMalformed, n, len(b))
	}
	indices := make([]uint32, n)
	for j := range indices {
		indices[j] = binary.LittleEndian.Uint32(b[4*j:])
		if indices[j] >= maxIndices || (j > 0 && indices[j] <= indices[j-1]) {
			return nil, fmt.Errorf("%w: index %d", ErrMalformed, indices[j])
		}
	}
	return indices, nil
}

// answer is the first frame of every answer. For an offer, extra says that the opening is needed.
type answer struct {
	status status
	extra  bool
	marks  bitmap
	held   bitmap // offer only
}

func (a answer) encode(kind requestKind) []byte {
	b := []byte{wireVersion, byte(a.status)}
	if kind == kindOffer {
		b = append(b, boolByte(a.extra))
	}
	return append(append(b, a.marks...), a.held...)
}

// decodeAnswer reads an answer to a request of kind about n indices. A status other than ok carries no marks.
func decodeAnswer(b []byte, kind requestKind, n int) (answer, error) {
	head, size, maps := 2, (n+7)/8, 1
	switch kind {
	case kindOffer:
		head, maps = 3, 2
	case kindOpening:
		maps = 0
	}
	if len(b) < head || b[0] != wireVersion || b[1] > byte(statusBad) {
		return answer{}, fmt.Errorf("%w: answer of %d bytes", ErrMalformed, len(b))
	}
	a := answer{status: status(b[1])}
	if a.status != statusOK {
		maps = 0
	}
	if kind == kindOffer {
		if b[2] > 1 {
			return answer{}, fmt.Errorf("%w: flag %d", ErrMalformed, b[2])
		}
		a.extra = b[2] == 1
	}
	if len(b) != head+maps*size {
		return answer{}, fmt.Errorf("%w: answer of %d bytes, want %d", ErrMalformed, len(b), head+maps*size)
	}
	if maps > 0 {
		a.marks = bitmap(b[head : head+size])
	}
	if maps > 1 {
		a.held = bitmap(b[head+size:])
	}
	if !a.marks.within(n) || !a.held.within(n) {
		return answer{}, fmt.Errorf("%w: marks beyond the last index", ErrMalformed)
	}
	return a, nil
}

// bitmap marks positions, least significant bit of byte 0 first.
type bitmap []byte

func newBitmap(n int) bitmap { return make(bitmap, (n+7)/8) }

func (b bitmap) set(i int)      { b[i/8] |= 1 << (i % 8) }
func (b bitmap) has(i int) bool { return i/8 < len(b) && b[i/8]&(1<<(i%8)) != 0 }

func (b bitmap) unset(i int) { b[i/8] &^= 1 << (i % 8) }

// count is the number of marks.
func (b bitmap) count() int {
	n := 0
	for _, v := range b {
		n += bits.OnesCount8(v)
	}
	return n
}

// within reports whether nothing at or above n is marked; b has the length for n, or none.
func (b bitmap) within(n int) bool {
	return n%8 == 0 || len(b) == 0 || b[len(b)-1]>>(n%8) == 0
}

// pick lists the marked ones of indices.
func (b bitmap) pick(indices []uint32) []uint32 {
	var out []uint32
	for j, i := range indices {
		if b.has(j) {
			out = append(out, i)
		}
	}
	return out
}

func boolByte(v bool) byte {
	if v {
		return 1
	}
	return 0
}

var errFrame = errors.New("dht: frame too long")

// readFrame reads one frame of at most limit bytes.
func readFrame(r io.Reader, limit int) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint32(head[:])
	if int64(n) > int64(limit) {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", errFrame, n, limit)
	}
	b := make([]byte, n)
	_, err := io.ReadFull(r, b)
	return b, err
}

func writeFrame(w io.Writer, payload []byte) error {
	b := make([]byte, 0, 4+len(payload))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(payload)))
	_, err := w.Write(append(b, payload...))
	return err
}
