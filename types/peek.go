package types

import (
	"fmt"

	"github.com/ethereum/go-ethereum/rlp"
)

// signaturesField is the place of HeaderSignatures in a VertexBody.
const signaturesField = 4

// PeekHeaderSignatures reads a vertex's id and the header signatures that it lists, and checks neither them nor the rest.
func PeekHeaderSignatures(encoded []byte) (id VertexID, signatures []HeaderSignature, err error) {
	if len(encoded) > MaxVertexBytes {
		return id, nil, fmt.Errorf("vertex of %d bytes, at most %d: %w", len(encoded), MaxVertexBytes, ErrMalformed)
	}
	fields, _, err := rlp.SplitList(encoded)
	if err != nil {
		return id, nil, fmt.Errorf("vertex: %w: %w", ErrMalformed, err)
	}
	head, fields, err := firstItem(fields)
	if err == nil {
		err = rlp.DecodeBytes(head, &id)
	}
	var body []byte
	if err == nil {
		body, _, err = rlp.SplitList(fields)
	}
	for range signaturesField {
		if err == nil {
			_, body, err = firstItem(body)
		}
	}
	if err == nil {
		head, _, err = firstItem(body)
	}
	if err != nil {
		return id, nil, fmt.Errorf("vertex: %w: %w", ErrMalformed, err)
	}
	content, _, err := rlp.SplitList(head)
	if err == nil {
		err = checkCount(content, MaxHeaderSignatures)
	}
	if err == nil {
		err = rlp.DecodeBytes(head, &signatures)
	}
	if err != nil {
		return id, nil, fmt.Errorf("vertex: header signatures: %w: %w", ErrMalformed, err)
	}
	return id, signatures, nil
}

// firstItem splits the first item, with its prefix, from those after it.
func firstItem(items []byte) (item, rest []byte, err error) {
	_, _, rest, err = rlp.Split(items)
	return items[:len(items)-len(rest)], rest, err
}
