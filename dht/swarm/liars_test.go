package swarm

import (
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
)

// The row protocol once more, from its description (package dht, wire.go), so that peers can lie in it.
const (
	askOffer   = 1
	askGet     = 2
	askHas     = 3
	askOpening = 4
)

// question is a request of the row protocol; of an offer only the indices are of interest.
type question struct {
	version    byte
	kind       byte
	commitment types.Hash
	indices    []uint32
}

var errQuestion = errors.New("not a request")

func readQuestion(s network.Stream) (*question, error) {
	_ = s.SetDeadline(time.Now().Add(time.Minute))
	raw, err := readFrame(s)
	if err != nil || len(raw) < 2 {
		return nil, errQuestion
	}
	q, rest := &question{version: raw[0], kind: raw[1]}, raw[2:]
	if q.kind == askOffer {
		if len(rest) < 6 {
			return nil, errQuestion
		}
		proof := binary.LittleEndian.Uint32(rest[2:])
		if rest = rest[6:]; int64(len(rest)) < int64(proof) {
			return nil, errQuestion
		}
		rest = rest[proof:]
	} else {
		if len(rest) < 32 {
			return nil, errQuestion
		}
		q.commitment, rest = types.Hash(rest[:32]), rest[32:]
	}
	for rest = rest[min(4, len(rest)):]; len(rest) >= 4; rest = rest[4:] {
		q.indices = append(q.indices, binary.LittleEndian.Uint32(rest))
	}
	return q, nil
}

func readFrame(r io.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	raw := make([]byte, min(1<<20, binary.LittleEndian.Uint32(head[:])))
	_, err := io.ReadFull(r, raw)
	return raw, err
}

func frame(payload ...byte) []byte {
	return append(binary.LittleEndian.AppendUint32(nil, uint32(len(payload))), payload...)
}

// give answers a get: it announces the rows for which there is a shard, and sends them.
func (q *question) give(s network.Stream, shard func(i uint32) []byte) {
	marks, rows := make([]byte, (len(q.indices)+7)/8), [][]byte(nil)
	for j, i := range q.indices {
		if raw := shard(i); raw != nil {
			marks[j/8] |= 1 << (j % 8)
			rows = append(rows, raw)
		}
	}
	_, _ = s.Write(frame(append([]byte{q.version, 0}, marks...)...))
	for _, raw := range rows {
		_, _ = s.Write(raw)
	}
	_ = s.Close()
}

// giveOpening answers a question for the opening.
func (q *question) giveOpening(s network.Stream, o coding.Opening) {
	raw, err := o.MarshalBinary()
	if err != nil {
		_ = s.Reset()
		return
	}
	_, _ = s.Write(append(frame(q.version, 0), frame(raw...)...))
	_ = s.Close()
}

// encoded is the encoded shard of a row of a block, changed by spoil if that is not nil.
func encoded(b *Block, i uint32, spoil func(*coding.Shard)) []byte {
	shard, err := b.Coded.Shard(i)
	if err != nil {
		return nil
	}
	if spoil != nil {
		shard.Row = slices.Clone(shard.Row)
		spoil(&shard)
	}
	raw, err := shard.MarshalBinary()
	if err != nil {
		return nil
	}
	return raw
}

// onRows makes a conduct out of what a peer does on the row protocol; all else it does honestly, and so what lie declines.
func onRows(lie func(s network.Stream, q *question) bool) Conduct {
	return func(s network.Stream, honest network.StreamHandler) {
		if !IsRowProtocol(s.Protocol()) {
			honest(s)
			return
		}
		q, err := readQuestion(s)
		if err != nil || !lie(s, q) {
			_ = s.Reset()
		}
	}
}

// wrongRows claims to have every row and sends each with a bit turned; the opening it gives is right.
func wrongRows(b *Block) Conduct {
	return onRows(func(s network.Stream, q *question) bool {
		switch q.kind {
		case askGet:
			q.give(s, func(i uint32) []byte { return encoded(b, i, func(x *coding.Shard) { x.Row[i%64] ^= 1 }) })
		case askOpening:
			q.giveOpening(s, b.Coded.Opening())
		}
		return q.kind != askOffer && q.kind != askHas
	})
}

// staleRows answers with the rows and the opening of another block of the same shape.
func staleRows(other *Block) Conduct {
	return onRows(func(s network.Stream, q *question) bool {
		switch q.kind {
		case askGet:
			q.give(s, func(i uint32) []byte { return encoded(other, i, nil) })
		case askOpening:
			q.giveOpening(s, other.Coded.Opening())
		}
		return q.kind == askGet || q.kind == askOpening
	})
}

// wrongOpenings gives openings with one combination wrong, and right rows.
func wrongOpenings(b *Block) Conduct {
	return onRows(func(s network.Stream, q *question) bool {
		switch q.kind {
		case askGet:
			q.give(s, func(i uint32) []byte { return encoded(b, i, nil) })
		case askOpening:
			o := b.Coded.Opening()
			o.Y = slices.Clone(o.Y)
			o.Y[len(o.Y)-1][15] ^= 1
			q.giveOpening(s, o)
		}
		return q.kind == askGet || q.kind == askOpening
	})
}

// tarpit takes every question and never answers.
func tarpit(s network.Stream, _ network.StreamHandler) {
	_, _ = io.Copy(io.Discard, s)
	time.Sleep(time.Minute)
	_ = s.Reset()
}

// withholder is a whole swarm in one hand. It has the block and must not let K rows out, but serves chosen clients, one
// more whenever there are rows enough for it: each gets what its first rule accepts, and what is out already.
type withholder struct {
	block  *Block
	chosen map[peer.ID]bool

	mu  sync.Mutex
	out map[uint32]bool
	got map[peer.ID]map[uint32]bool // rows that each client served has
}

// enough is how many rows a client gets: what its first rule accepts.
const enough = 28

func (w *withholder) conduct() Conduct {
	return onRows(func(s network.Stream, q *question) bool {
		switch client := s.Conn().RemotePeer(); q.kind {
		case askGet:
			q.give(s, func(i uint32) []byte {
				if !w.lets(client, i) {
					return nil
				}
				return encoded(w.block, i, nil)
			})
		case askOpening:
			q.giveOpening(s, w.block.Coded.Opening())
		}
		return q.kind == askGet || q.kind == askOpening
	})
}

// lets decides whether a client gets a row.
func (w *withholder) lets(client peer.ID, i uint32) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	got := w.got[client]
	if got == nil && !w.admit(client) {
		return false
	}
	got = w.got[client]
	if !w.out[i] && len(got) >= enough {
		return false
	}
	w.out[i], got[i] = true, true
	return true
}

// admit takes a client on if the rows left suffice for it and for all taken on before.
func (w *withholder) admit(client peer.ID) bool {
	promised := len(w.out) + enough
	for _, got := range w.got {
		promised += max(0, enough-len(got))
	}
	if !w.chosen[client] || promised > w.block.Coded.Params().K-1 {
		return false
	}
	w.got[client] = make(map[uint32]bool)
	return true
}

func newWithholder(b *Block, chosen []*Light) *withholder {
	w := &withholder{block: b, chosen: make(map[peer.ID]bool), out: make(map[uint32]bool), got: make(map[peer.ID]map[uint32]bool)}
	for _, c := range chosen {
		w.chosen[c.ID()] = true
	}
	return w
}
