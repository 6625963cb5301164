package gossip

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/etherscale/bedrock/types"
)

// tape is a stream in memory without a sense of time.
type tape struct{ bytes.Buffer }

func (*tape) SetReadDeadline(time.Time) error  { return nil }
func (*tape) SetWriteDeadline(time.Time) error { return nil }

func TestFrames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.OneOf(rapid.IntRange(0, 300), rapid.IntRange(framePiece-2, framePiece+2), rapid.IntRange(0, 300_000)).Draw(t, "size")
		body := bytes.Repeat([]byte{byte(size)}, size)
		cut := rapid.IntRange(0, size).Draw(t, "cut")
		var s tape
		if err := writeFrame(&s, body[:cut], body[cut:]); err != nil {
			t.Fatal(err)
		}
		if s.Len() != size+4 {
			t.Fatalf("%d bytes on the wire", s.Len())
		}
		wire := bytes.Clone(s.Bytes())
		got, err := readFrame(&s, size, time.Second)
		if err != nil || !bytes.Equal(got, body) || s.Len() != 0 {
			t.Fatal(len(got), err)
		}
		if size > 0 {
			if _, err := readFrame(&tape{*bytes.NewBuffer(wire)}, size-1, time.Second); !errors.Is(err, types.ErrMalformed) {
				t.Fatal("above the limit:", err)
			}
			if _, err := readFrame(&tape{*bytes.NewBuffer(wire[:len(wire)-1])}, size, time.Second); err == nil {
				t.Fatal("a short frame is read")
			}
		}
	})
}

// I1: memory follows what arrived, not what was claimed.
func TestFrameMemoryFollowsWhatArrives(t *testing.T) {
	claim := make([]byte, 4, 1004)
	binary.BigEndian.PutUint32(claim, 64<<20)
	claim = append(claim, make([]byte, 1000)...)
	const runs = 100
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		if _, err := readFrame(&tape{*bytes.NewBuffer(claim)}, 64<<20, time.Second); err == nil {
			t.Fatal("a short frame is read")
		}
	}
	runtime.ReadMemStats(&after)
	bytesUsed := (after.TotalAlloc - before.TotalAlloc) / runs
	if bytesUsed > 4*framePiece {
		t.Fatalf("%d bytes allocated for 1000 that arrived", bytesUsed)
	}
}

func FuzzReadFrame(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0})
	f.Add([]byte{0, 0, 0, 2, 1, 2})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, wire []byte) {
		got, err := readFrame(&tape{*bytes.NewBuffer(bytes.Clone(wire))}, 1<<16, time.Second)
		if err != nil {
			return
		}
		var back tape
		if err := writeFrame(&back, got); err != nil || !bytes.HasPrefix(wire, back.Bytes()) {
			t.Fatal("does not round-trip", err)
		}
	})
}

func FuzzBlockRequest(f *testing.F) {
	id := types.BatchIDOf([]byte("x"))
	tx := types.TransactionCID(types.Hash{1})
	for _, r := range []blockRequest{
		{Kind: uint64(kindHeaders), Height: 7, Max: 9}, {Kind: uint64(kindBody), Height: 7}, {Kind: uint64(kindAudit), ID: id[:]},
		{Kind: uint64(kindAudit), ID: tx[:]}, {Kind: uint64(kindChallenge), ID: tx[:]}, {Kind: uint64(kindHeaders), Max: MaxHeaders + 1},
		{Kind: 99}, {Kind: uint64(kindBody), ID: id[:]}, {Kind: uint64(kindOpening), Max: 1},
	} {
		f.Add(r.encode())
	}
	f.Fuzz(func(t *testing.T, encoded []byte) {
		r, err := decodeBlockRequest(encoded)
		if err != nil {
			if !errors.Is(err, types.ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		if !bytes.Equal(r.encode(), encoded) {
			t.Fatal("two spellings of one request")
		}
		if kind(r.Kind) == kindChallenge && !r.id().Valid() || kind(r.Kind) == kindHeaders && r.Max > MaxHeaders {
			t.Fatalf("out of bounds: %+v", r)
		}
	})
}

func TestBlockRequestIsStrict(t *testing.T) {
	id := types.BatchIDOf([]byte("x"))
	tx := types.TransactionCID(types.Hash{1})
	for name, r := range map[string]blockRequest{
		"no kind": {}, "unknown kind": {Kind: 8}, "no headers": {Kind: uint64(kindHeaders)}, "too many": {Kind: uint64(kindHeaders), Max: MaxHeaders + 1},
		"body with id": {Kind: uint64(kindBody), ID: id[:]}, "body with max": {Kind: uint64(kindBody), Max: 1}, "audit without id": {Kind: uint64(kindAudit)},
		"audit with height": {Kind: uint64(kindAudit), Height: 1, ID: id[:]}, "short id": {Kind: uint64(kindAudit), ID: id[:35]},
		"challenge by transaction": {Kind: uint64(kindChallenge), ID: tx[:]}, "id of zeros": {Kind: uint64(kindAudit), ID: make([]byte, 36)},
	} {
		if _, err := decodeBlockRequest(r.encode()); !errors.Is(err, types.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzAnswers(f *testing.F) {
	f.Add(encodeHeaders([]types.CertifiedHeader{certified(3), certified(4)}))
	f.Add(encodeIDs([]types.BatchID{types.BatchIDOf([]byte("x"))}))
	f.Add([]byte{0xc0})
	f.Fuzz(func(t *testing.T, encoded []byte) {
		if headers, err := decodeHeaders(encoded, 3, 8); err == nil {
			if len(headers) == 0 || len(headers) > 8 || headers[0].Header.Height != 3 || !bytes.Equal(encodeHeaders(headers), encoded) {
				t.Fatalf("%d headers", len(headers))
			}
		}
		if ids, err := decodeIDs(encoded); err == nil && !bytes.Equal(encodeIDs(ids), encoded) {
			t.Fatal("two spellings of one list of ids")
		}
		_, _ = splitResponse(encoded)
	})
}

func TestAnswersStayWithinAMessage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sizes := rapid.SliceOfN(rapid.IntRange(0, 700<<10), 0, 20).Draw(t, "sizes")
		items := make([][]byte, len(sizes))
		for i, n := range sizes {
			items[i] = make([]byte, n)
		}
		kept := boundItems(items)
		if len(types.Marshal(kept)) > types.MaxMessageBytes || (len(items) > 0 && len(kept) == 0) {
			t.Fatalf("%d of %d items kept", len(kept), len(items))
		}
		if got, err := decodeItems(types.Marshal(kept)); err != nil || len(got) != len(kept) {
			t.Fatal(err)
		}
	})
}
