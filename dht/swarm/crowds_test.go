package swarm

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	pb "github.com/libp2p/go-libp2p-kad-dht/pb"
	recpb "github.com/libp2p/go-libp2p-record/pb"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	ma "github.com/multiformats/go-multiaddr"
	"google.golang.org/protobuf/proto"

	"github.com/etherscale/bedrock/dht"
	"github.com/etherscale/bedrock/types"
)

// Attackers of every kind at once: they put records by Kademlia, offer rows under forged certificates, offer true headers
// with false rows, and ask for what is not there, each as fast as it can. Meanwhile a block is published and sampled.
func floods(s *stage) {
	old := s.block(128<<10, func(int) bool { return false })
	attackers, err := s.n.AddLights(context.Background(), 4)
	if err != nil {
		s.Error(err)
		return
	}
	rowProtocol := protocolOf(s.n.Peers[0], IsRowProtocol)
	kadProtocol := protocolOf(s.n.Peers[0], func(p protocol.ID) bool { return !IsRowProtocol(p) && len(p) > 60 })
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	victims := s.n.Servers()[:8]
	for kind, a := range attackers {
		for _, v := range victims {
			wg.Go(func() { flood(ctx, a, v, kind, old, rowProtocol, kadProtocol) })
		}
	}
	time.Sleep(5 * time.Second)
	b, err := s.n.Certify(512 << 10)
	if err != nil {
		s.Error(err)
	}
	start := time.Now()
	if _, err := s.n.Publish(ctx, b); err != nil {
		s.Error(err)
	}
	took := time.Since(start)
	r, _ := s.sample(s.clients[:4], b, 0)
	stop()
	wg.Wait()
	s.checkFlooded(victims, b, old)
	s.Logf("published in %v under floods, then %+v", took, r)
	if r.Accepted != r.Trials || took > 20*time.Second {
		s.Errorf("published in %v under floods, then %+v", took, r)
	}
}

// checkFlooded looks at what floods left behind.
func (s *stage) checkFlooded(victims []*Peer, b, old *Block) {
	var refused uint64
	for _, v := range victims {
		st := v.DHT.Stats()
		refused += st.Refused + st.RefusedHeader
		if held := v.DHT.Held(old.Coded.Commitment()); held != 0 {
			s.Errorf("a victim took %d false rows", held)
		}
		if st.Bytes > st.Budget {
			s.Errorf("budget exceeded: %+v", st)
		}
	}
	if refused == 0 {
		s.Error("the floods were not noticed")
	}
	held, err := s.n.Holders(b)
	if err != nil {
		s.Error(err)
	}
	few := 0
	for _, h := range held {
		if h < Replicas {
			few++
		}
	}
	// A victim's places may be taken by attackers while a row is offered; the next nearest has it then.
	if few > len(held)/10 {
		s.Errorf("%d of %d rows have too few holders", few, len(held))
	}
}

func protocolOf(p *Peer, is func(protocol.ID) bool) protocol.ID {
	for _, id := range p.Host().Mux().Protocols() {
		if is(id) {
			return id
		}
	}
	return ""
}

// flood sends one request after the other, until ctx ends. It waits for no answer longer than a blink.
func flood(ctx context.Context, from *Light, to *Peer, kind int, b *Block, row, kad protocol.ID) {
	_ = from.Host().Connect(ctx, to.Info())
	for ctx.Err() == nil {
		id, payload := row, forged(b)
		switch kind {
		case 0:
			id, payload = kad, putGarbage()
		case 1:
			payload = falseRows(b)
		case 2:
			payload = frame(append([]byte{2, askHas}, make([]byte, 36)...)...)
		}
		opening, cancel := context.WithTimeout(ctx, time.Second)
		stream, err := from.Host().NewStream(opening, to.ID(), id)
		cancel()
		if err == nil {
			_ = stream.SetDeadline(time.Now().Add(300 * time.Millisecond))
			_, _ = stream.Write(payload)
			_, _ = io.ReadFull(stream, make([]byte, 64))
			_ = stream.Reset()
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func offerOf(ch types.CertifiedHeader, indices int) []byte {
	proof := ch.Encode()
	raw := append([]byte{2, askOffer, 0, 1}, binary.LittleEndian.AppendUint32(nil, uint32(len(proof)))...)
	raw = binary.LittleEndian.AppendUint32(append(raw, proof...), uint32(indices))
	for i := range indices {
		raw = binary.LittleEndian.AppendUint32(raw, uint32(i))
	}
	return frame(raw...)
}

// forged offers rows of a header that nobody certified.
func forged(b *Block) []byte {
	ch := b.Header
	ch.Header.Commitment = types.Hash{1}
	return offerOf(ch, 64)
}

// falseRows offers all rows of a certified header, the opening unasked for, and zeros for rows.
func falseRows(b *Block) []byte {
	p := b.Coded.Params()
	raw, err := b.Coded.Opening().MarshalBinary()
	if err != nil {
		return nil
	}
	return append(append(offerOf(b.Header, p.N), frame(raw...)...), make([]byte, 4*p.ShardSize())...)
}

// putGarbage is a Kademlia message that stores a value.
func putGarbage() []byte {
	key := append([]byte("/"+dht.Namespace+"/"), make([]byte, 32)...)
	m := pb.NewMessage(pb.Message_PUT_VALUE, key, 0)
	m.Record = &recpb.Record{Key: key, Value: make([]byte, 4096)}
	return delimited(m)
}

func delimited(m *pb.Message) []byte {
	raw, err := proto.Marshal(m)
	if err != nil {
		return nil
	}
	return append(binary.AppendUvarint(nil, uint64(len(raw))), raw...)
}

// poison answers every Kademlia question with twenty peers that do not exist, at addresses where nobody is.
func poison(chance *rand.Rand, mu *sync.Mutex) Conduct {
	return func(s network.Stream, honest network.StreamHandler) {
		if IsRowProtocol(s.Protocol()) {
			honest(s)
			return
		}
		for r := bufio.NewReader(s); ; {
			_ = s.SetDeadline(time.Now().Add(time.Minute))
			n, err := binary.ReadUvarint(r)
			raw := make([]byte, min(n, 1<<20))
			if _, rerr := io.ReadFull(r, raw); err != nil || rerr != nil {
				_ = s.Reset()
				return
			}
			var m pb.Message
			if proto.Unmarshal(raw, &m) != nil {
				_ = s.Reset()
				return
			}
			answer := pb.NewMessage(m.GetType(), m.GetKey(), 0)
			mu.Lock()
			answer.CloserPeers = pb.RawPeerInfosToPBPeers(ghosts(chance, 20))
			mu.Unlock()
			if _, err := s.Write(delimited(answer)); err != nil {
				return
			}
		}
	}
}

// ghosts makes up peers.
func ghosts(chance *rand.Rand, count int) []peer.AddrInfo {
	out := make([]peer.AddrInfo, count)
	for i := range out {
		_, pub, err := crypto.GenerateEd25519Key(seeded{chance})
		if err != nil {
			panic(err) // not with this source
		}
		id, err := peer.IDFromPublicKey(pub)
		if err != nil {
			panic(err)
		}
		ip := net.IPv4(byte(20+chance.IntN(50)), byte(chance.IntN(256)), byte(chance.IntN(256)), 9)
		out[i] = peer.AddrInfo{ID: id, Addrs: []ma.Multiaddr{ma.StringCast("/ip4/" + ip.String() + "/udp/4848/quic-v1")}}
	}
	return out
}

type seeded struct{ chance *rand.Rand }

// Read implements io.Reader.
func (s seeded) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(s.chance.Uint32())
	}
	return len(b), nil
}

// A fifth of the servers names peers that do not exist, new ones with every answer. Clients that join meanwhile find the
// network and its rows all the same. It is played last: who heard of ghosts remembers them for a while.
func poisonedTables(s *stage) {
	b := s.block(1<<20, everyRow)
	var mu sync.Mutex
	chance := rand.New(rand.NewPCG(9, 9))
	servers := s.n.Servers()
	for _, i := range s.n.chance.Perm(len(servers))[:len(s.n.Peers)/5] {
		servers[i].Misbehave(poison(chance, &mu))
	}
	clients, err := s.n.AddLights(context.Background(), 4)
	if err != nil {
		s.Error(err)
		return
	}
	for _, c := range clients {
		s.Logf("a client among poisoners believes in %d servers", c.DHT.Stats().Servers)
	}
	r, _ := s.sample(clients, b, 0)
	s.Logf("poisoned tables: %+v", r)
	if r.Accepted < r.Trials-1 || r.P50Ms > 3000 { // ghosts slow a client down, and may make it try again
		s.Errorf("poisoned tables: %+v", r)
	}
}
