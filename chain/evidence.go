package chain

import (
	"encoding/binary"
	"fmt"

	"github.com/etherscale/bedrock/types"
)

const (
	evidenceVersion = 1
	// maxDetail caps the text in a conflict, in bytes.
	maxDetail = 1 << 10
)

// Encode is the canonical encoding:
//
//	version (1) | kind (1) | LE32 length, known header | LE32 length, other header | LE32 length, detail
func (e *ConflictError) Encode() []byte {
	detail := e.Detail
	if len(detail) > maxDetail {
		detail = detail[:maxDetail]
	}
	out := []byte{evidenceVersion, byte(e.Kind)}
	for _, part := range [][]byte{e.Known.Encode(), e.Other.Encode(), []byte(detail)} {
		out = binary.LittleEndian.AppendUint32(out, uint32(len(part)))
		out = append(out, part...)
	}
	return out
}

// DecodeConflict is the strict inverse of Encode. It verifies no signature.
func DecodeConflict(encoded []byte) (*ConflictError, error) {
	if len(encoded) < 2 || encoded[0] != evidenceVersion {
		return nil, fmt.Errorf("conflict: want version %d: %w", evidenceVersion, types.ErrMalformed)
	}
	kind := ConflictKind(encoded[1])
	if kind < ConflictTwoHeaders || kind > ConflictEncoding {
		return nil, fmt.Errorf("conflict: %s: %w", kind, types.ErrMalformed)
	}
	parts, err := splitParts(encoded[2:])
	if err != nil {
		return nil, err
	}
	known, err := types.DecodeCertifiedHeader(parts[0])
	if err != nil {
		return nil, fmt.Errorf("conflict: known header: %w", err)
	}
	other, err := types.DecodeCertifiedHeader(parts[1])
	if err != nil {
		return nil, fmt.Errorf("conflict: other header: %w", err)
	}
	if len(parts[2]) > maxDetail {
		return nil, fmt.Errorf("conflict: detail of %d bytes: %w", len(parts[2]), types.ErrMalformed)
	}
	return &ConflictError{Kind: kind, Known: *known, Other: *other, Detail: string(parts[2])}, nil
}

// splitParts cuts three length-prefixed parts that fill b exactly; they alias b.
func splitParts(b []byte) (parts [3][]byte, err error) {
	for i := range parts {
		if len(b) < 4 || uint64(binary.LittleEndian.Uint32(b)) > uint64(len(b)-4) {
			return parts, fmt.Errorf("conflict: part %d is cut off: %w", i, types.ErrMalformed)
		}
		n := 4 + int(binary.LittleEndian.Uint32(b))
		parts[i], b = b[4:n], b[n:]
	}
	if len(b) > 0 {
		return parts, fmt.Errorf("conflict: %d bytes after its end: %w", len(b), types.ErrMalformed)
	}
	return parts, nil
}
