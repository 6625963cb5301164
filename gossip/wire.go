package gossip

import (
	"errors"
	"fmt"

	"github.com/etherscale/bedrock/types"
)

// kind is what a block request asks for.
type kind uint64

const (
	kindHeaders      kind = 1 // certified headers from Height on, at most Max
	kindBody         kind = 2 // data of block Height
	kindOpening      kind = 3 // opening of block Height
	kindAudit        kind = 4 // audit record of batch or transaction ID
	kindChallenge    kind = 5 // challenge ID
	kindChallengeIDs kind = 6 // CIDs of valid challenges against block Height
	kindAssertions   kind = 7 // assertions for block Height
)

// Bounds of requests and answers.
const (
	// MaxHeaders bounds the headers of one answer.
	MaxHeaders = 256
	// maxListItems and maxListBytes bound an answer that names several things.
	maxListItems = 1024
	maxListBytes = types.MaxFetchBytes
	// maxBlockRequest and maxFetchRequest are above the longest encodings of these requests.
	maxBlockRequest = 128
	maxFetchRequest = 64 + types.MaxFetchItems*40
	// maxResponseHeader is the status byte.
	maxResponseHeader = 1
)

// blockRequest is the one message from client to server on a block stream: an RLP list. Fields that the kind does not
// use are zero; ID is empty or 36 bytes.
type blockRequest struct {
	Kind   uint64
	Height uint64
	Max    uint64
	ID     []byte
}

func (r *blockRequest) encode() []byte { return types.Marshal(r) }

// decodeBlockRequest is the strict inverse of encode.
func decodeBlockRequest(encoded []byte) (*blockRequest, error) {
	if len(encoded) > maxBlockRequest {
		return nil, fmt.Errorf("block request of %d bytes: %w", len(encoded), types.ErrMalformed)
	}
	r := new(blockRequest)
	if err := types.Unmarshal(encoded, r); err != nil {
		return nil, fmt.Errorf("block request: %w", err)
	}
	return r, r.check()
}

func (r *blockRequest) check() error {
	var id types.BatchID
	wantID := kind(r.Kind) == kindAudit || kind(r.Kind) == kindChallenge
	copy(id[:], r.ID)
	known := id.Valid() || (kind(r.Kind) == kindAudit && id.NamesTransaction())
	switch {
	case kind(r.Kind) < kindHeaders || kind(r.Kind) > kindAssertions:
		return fmt.Errorf("block request of kind %d: %w", r.Kind, types.ErrMalformed)
	case wantID && (len(r.ID) != len(id) || !known || r.Height != 0):
		return fmt.Errorf("block request %d: id of %d bytes: %w", r.Kind, len(r.ID), types.ErrMalformed)
	case !wantID && len(r.ID) != 0:
		return fmt.Errorf("block request %d carries an id: %w", r.Kind, types.ErrMalformed)
	case kind(r.Kind) == kindHeaders && (r.Max == 0 || r.Max > MaxHeaders):
		return fmt.Errorf("block request for %d headers, want 1..%d: %w", r.Max, MaxHeaders, types.ErrMalformed)
	case kind(r.Kind) != kindHeaders && r.Max != 0:
		return fmt.Errorf("block request %d carries a count: %w", r.Kind, types.ErrMalformed)
	}
	return nil
}

func (r *blockRequest) id() types.BatchID { return types.BatchID(r.ID) }

// decodeItems reads a list of byte strings: the answer to the requests that name several things.
func decodeItems(encoded []byte) ([][]byte, error) {
	if len(encoded) > types.MaxMessageBytes {
		return nil, fmt.Errorf("list of %d bytes: %w", len(encoded), types.ErrMalformed)
	}
	if err := types.CheckCount(encoded, maxListItems); err != nil {
		return nil, err
	}
	var items [][]byte
	if err := types.Unmarshal(encoded, &items); err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	return items, nil
}

// boundItems keeps the first items that fit an answer.
func boundItems(items [][]byte) [][]byte {
	size := 0
	for i, item := range items {
		size += len(item) + 9
		if i == maxListItems || (i > 0 && size > maxListBytes) || size > types.MaxMessageBytes-64 {
			return items[:i]
		}
	}
	return items
}

// decodeHeaders reads an answer to kindHeaders: at least one header, heights ascending by one from the height asked.
func decodeHeaders(encoded []byte, from types.Height, max int) ([]types.CertifiedHeader, error) {
	items, err := decodeItems(encoded)
	if err != nil {
		return nil, err
	}
	if len(items) == 0 || len(items) > max {
		return nil, fmt.Errorf("%d headers, want 1..%d: %w", len(items), max, types.ErrMalformed)
	}
	headers := make([]types.CertifiedHeader, len(items))
	for i, item := range items {
		ch, err := types.DecodeCertifiedHeader(item)
		if err != nil {
			return nil, err
		}
		if ch.Header.Height != from+types.Height(i) {
			return nil, fmt.Errorf("header %d where %d was asked: %w", ch.Header.Height, from+types.Height(i), types.ErrMalformed)
		}
		headers[i] = *ch
	}
	return headers, nil
}

// decodeIDs reads an answer to kindChallengeIDs.
func decodeIDs(encoded []byte) ([]types.BatchID, error) {
	items, err := decodeItems(encoded)
	if err != nil {
		return nil, err
	}
	ids := make([]types.BatchID, len(items))
	for i, item := range items {
		if copy(ids[i][:], item); len(item) != len(ids[i]) || !ids[i].Valid() {
			return nil, fmt.Errorf("challenge id of %d bytes: %w", len(item), types.ErrMalformed)
		}
	}
	return ids, nil
}

// status is the first byte of every answer.
type status byte

const (
	statusOK       status = 0
	statusNotFound status = 1
	statusBusy     status = 2
	statusRefused  status = 3
)

// Errors of requests to peers.
var (
	// ErrNotFound says that the peers asked do not have it.
	ErrNotFound = errors.New("no peer asked has it")
	// ErrBusy says that the peer is over its limits: ask later or ask another.
	ErrBusy = errors.New("peer is busy")
	// ErrRefused says that the peer does not take the request or the batch.
	ErrRefused = errors.New("peer refused")
	// ErrNoPeers says that no connected peer serves the request: check the connection to the network.
	ErrNoPeers = errors.New("no connected peer serves this; check the connection to the network")
)

// splitResponse separates the status from the payload.
func splitResponse(frame []byte) ([]byte, error) {
	if len(frame) == 0 {
		return nil, fmt.Errorf("empty answer: %w", types.ErrMalformed)
	}
	switch status(frame[0]) {
	case statusOK:
		return frame[1:], nil
	case statusNotFound:
		return nil, ErrNotFound
	case statusBusy:
		return nil, ErrBusy
	case statusRefused:
		return nil, ErrRefused
	default:
		return nil, fmt.Errorf("answer with status %d: %w", frame[0], types.ErrMalformed)
	}
}
