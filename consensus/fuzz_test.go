package consensus

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/etherscale/bedrock/types"
)

// FuzzStep feeds a core with whatever the bytes spell: vertices over random parents with random fields, garbage
// vertices, bodies, clock jumps, answers nobody asked for. It must neither panic nor break the promises of its effects.
func FuzzStep(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("round after round of vertices over all parents, some of them twins, some late"))
	for i := range 16 {
		seed := make([]byte, 600)
		x := uint64(i)*0x9E3779B97F4A7C15 + 1
		for k := range seed {
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
			seed[k] = byte(x)
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4096 {
			return
		}
		fuzzOnce(t, data)
	})
}

type fuzzer struct {
	d         *drawer
	data      []byte
	made      []*types.Vertex
	persisted map[types.Hash]bool
	rounds    map[types.Round]bool
}

func (z *fuzzer) next() int {
	if len(z.data) == 0 {
		return 0
	}
	b := z.data[0]
	z.data = z.data[1:]
	return int(b)
}

func fuzzOnce(t *testing.T, data []byte) {
	z := &fuzzer{d: newDrawer(t, 4, 0), data: data, persisted: map[types.Hash]bool{}, rounds: map[types.Round]bool{}}
	if z.d.core.draft != nil {
		z.step(Signed{Digest: z.d.core.draft.Digest()})
	}
	for len(z.data) > 0 && z.d.core.Err() == nil {
		switch z.next() % 8 {
		case 0, 1, 2, 3:
			z.vertex()
		case 4:
			z.step(BatchHeld{ID: types.BatchIDOf([]byte{byte(z.next() % 8)}), Txs: []TxInfo{{Hash: types.Hash{byte(z.next())}, Gas: uint64(z.next()) << 20, Size: uint64(z.next()) << 14}},
				Size: uint64(z.next()) << 12, Time: z.d.now, Admitted: z.next()%2 == 0, From: z.next()%6 - 1})
		case 5:
			z.d.now = z.d.now.Add(time.Duration(z.next()-64) * 10 * time.Millisecond)
			z.step(Tick{})
		case 6:
			z.garbage()
		case 7:
			z.step(Encoded{Height: types.Height(z.next() % 4)})
			z.step(Executed{types.Height(z.next())})
			z.step(Signed{Digest: types.Hash{byte(z.next())}})
			z.step(Upheld{verdictOn(byte(z.next()%4), z.next()%8)})
		}
	}
}

// vertex draws one that is often valid: mostly over all the last round's vertices.
func (z *fuzzer) vertex() {
	author, back := types.Member(z.next()%4), z.next()
	var top types.Round
	byRound := map[types.Round][]*types.Vertex{}
	for _, v := range z.made {
		byRound[v.Round()] = append(byRound[v.Round()], v)
		top = max(top, v.Round())
	}
	round := types.Round(1)
	var parents []*types.Vertex
	if top > 0 && back%16 != 0 {
		round = top + 1 - types.Round(back%3)
		seen := map[types.Member]bool{}
		for i := range byRound[round-1] {
			v := byRound[round-1][(i+back)%len(byRound[round-1])]
			if !seen[v.Author()] && (back/32 == 0 || z.next()%8 != 0) {
				seen[v.Author()] = true
				parents = append(parents, v)
			}
		}
	}
	if round == 0 {
		return
	}
	v := z.d.draw(author, round, parents, at(testStart+types.Time(round)*types.Time(1+z.next()*64)), marked(uint64(z.next()%2)))
	if z.next()%3 == 0 {
		v = z.d.draw(author, round, parents, receipt(byte(z.next()%8), v.Time()-types.Time(z.next()%4)), at(v.Time()),
			func(_ *types.VertexID, b *types.VertexBody) {
				b.HeaderSignatures = []types.HeaderSignature{{Height: types.Height(z.next() % 3), Digest: types.Hash{byte(z.next() % 2)}}}
				b.Verdicts = []types.Verdict{verdictOn(byte(z.next()%4), z.next()%8)}
			})
	}
	z.made = append(z.made, v)
	z.step(VertexReceived{Vertex: v, From: types.Member(z.next() % 5), Asked: z.next()%4 == 0})
}

// garbage gives a vertex whose every number may be extreme.
func (z *fuzzer) garbage() {
	big := func() uint64 {
		v := uint64(z.next())
		if v%3 == 0 {
			return ^uint64(0) - v
		}
		return binary.BigEndian.Uint64([]byte{byte(v), 0, 0, 0, 0, 0, byte(z.next()), byte(z.next())})
	}
	body := types.VertexBody{Parents: types.Bitmap{byte(z.next() % 16)}}
	for range body.Parents.Count() {
		body.ParentDigests = append(body.ParentDigests, types.Hash{byte(z.next())})
	}
	if z.next()%2 == 0 {
		body.Weak = []types.VertexRef{{Author: types.Member(z.next() % 5), Round: types.Round(big()), Digest: types.Hash{byte(z.next())}}}
	}
	if len(z.made) > 0 && z.next()%2 == 0 {
		x := z.made[z.next()%len(z.made)]
		body.Evidence = []types.Equivocation{types.NewEquivocation(x.Signed(), x.Signed())}
	}
	v := types.NewVertex(types.VertexID{Version: types.Version, Network: types.NetworkID{5}, Round: types.Round(big()),
		Author: types.Member(z.next() % 5), Time: types.Time(big())}, body)
	z.step(VertexReceived{Vertex: v, From: types.Member(z.next() % 5), Asked: z.next()%2 == 0})
	z.step(VertexReceived{})
}

func (z *fuzzer) step(ev Event) {
	fx := z.d.step(ev)
	for _, v := range fx.Persist {
		if z.persisted[v.Digest()] {
			panic(fmt.Sprintf("%v is persisted twice", v.Ref()))
		}
		z.persisted[v.Digest()] = true
	}
	for _, s := range fx.Send {
		own := s.Vertices[len(s.Vertices)-1]
		if !z.persisted[own.Digest()] || own.Author() != 0 {
			panic("sent before it is persisted, or not the own one")
		}
	}
	if fx.Wake != 0 && fx.Wake <= z.d.now {
		panic("a wake-up in the past")
	}
	for _, digest := range fx.Sign {
		if d := z.d.core.draft; d != nil && d.Digest() == digest {
			if z.rounds[d.Round()] {
				panic(fmt.Sprintf("two own vertices of round %d", d.Round()))
			}
			z.rounds[d.Round()] = true
		}
		z.step(Signed{Digest: digest})
	}
	for _, e := range fx.Encode {
		z.step(Encoded{Height: e.Height, Commitment: types.Hash{byte(e.Height)}})
	}
}
