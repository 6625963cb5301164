package types

import "encoding/binary"

// EncodeBlockData lays out the transactions of a block: LE32 count, then count LE32 lengths, then the envelopes.
// No transactions encode to no bytes at all.
func EncodeBlockData(envelopes [][]byte) []byte {
	if len(envelopes) == 0 {
		return nil
	}
	size := 4 + 4*len(envelopes)
	for _, e := range envelopes {
		size += len(e)
	}
	data := make([]byte, 0, size)
	data = binary.LittleEndian.AppendUint32(data, uint32(len(envelopes)))
	for _, e := range envelopes {
		data = binary.LittleEndian.AppendUint32(data, uint32(len(e)))
	}
	for _, e := range envelopes {
		data = append(data, e...)
	}
	return data
}

// BlockDataSize is the length of EncodeBlockData for count envelopes of total bytes.
func BlockDataSize(count int, total uint64) uint64 {
	if count == 0 {
		return 0
	}
	return 4 + 4*uint64(count) + total
}

// DecodeBlockData is total: whatever is malformed ends the list, so every peer that holds the data reads the same
// transactions. The envelopes alias data.
func DecodeBlockData(data []byte) [][]byte {
	spans := BlockDataSpans(data)
	envelopes := make([][]byte, len(spans))
	for i, s := range spans {
		envelopes[i] = data[s.From:s.To]
	}
	return envelopes
}

// Span is a half-open range of bytes in the block data.
type Span struct{ From, To uint64 }

// BlockDataSpans tells where in the data each transaction lies. A count that the table of lengths cannot hold ends the
// list at once; an envelope that is empty or reaches beyond the data ends it there.
func BlockDataSpans(data []byte) []Span {
	if len(data) < 4 {
		return nil
	}
	count := uint64(binary.LittleEndian.Uint32(data))
	offset := 4 + 4*count
	if offset > uint64(len(data)) {
		return nil
	}
	spans := make([]Span, 0, count)
	for i := uint64(0); i < count; i++ {
		n := uint64(binary.LittleEndian.Uint32(data[4+4*i:]))
		if n == 0 || offset+n > uint64(len(data)) {
			break
		}
		spans = append(spans, Span{From: offset, To: offset + n})
		offset += n
	}
	return spans
}
