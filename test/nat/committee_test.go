//go:build linux

package nat

import (
	"math/big"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/node/devnet"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/sampling"
	"github.com/etherscale/bedrock/test/nat/lab"
)

// TestHalfTheCommitteeAtHome: two of four sequencers are behind routers, one of the worst kind, on lines of 25 ms and 1 % loss; a
// peer and a light client are at home too. All of them do their part, and go on after the line was away and the address changed.
func TestHalfTheCommitteeAtHome(t *testing.T) {
	s := newSwarm(t, 4)
	var members []*machine
	for i := range 2 {
		members = append(members, s.public([]string{"seq0", "seq1"}[i], s.sequencer(i)...))
	}
	members = append(members, s.home("seq2", lab.PortPreserving, s.sequencer(2)...), s.home("seq3", lab.Symmetric, s.sequencer(3)...))
	home, light := s.home("peer", lab.PortPreserving, s.peer("peer")...), s.home("light", lab.PortPreserving, s.light("light")...)
	for _, m := range append([]*machine{home, light}, members[2:]...) {
		m.host.SetLine(lab.Line{Delay: 25 * time.Millisecond, Jitter: 2 * time.Millisecond, Loss: 0.01})
	}
	for _, m := range append(members, home, light) {
		s.start(m)
	}

	ordered := s.eventually("5 blocks are certified at the home peer", func() bool { return home.status(t).Certified >= 5 })
	show(t, "nat: committee of 4, 2 behind routers (25 ms, 1 %% loss): 5 blocks certified after %.1f s", ordered.Seconds())
	// A certificate takes the first signatures that are enough. Without one of the public members it takes both home members.
	members[0].host.Cut(true)
	at := home.status(t).Certified
	both := s.eventually("blocks are certified by the members at home and one other", func() bool {
		return home.status(t).Certified > at+2 && signs(t, home, members[2]) && signs(t, home, members[3])
	})
	members[0].host.Cut(false)
	show(t, "nat: with one public member cut off both at home sign, as they must (3 blocks in %.1f s)", both.Seconds())
	for _, m := range members[2:] {
		r := m.reach(t)
		show(t, "nat: %s at home: %d peers direct, %d through relays, holes punched %d of %d", m.name, r.Direct, r.Relayed, r.Punches.Done, r.Punches.Tried)
	}
	took := s.pay(home, 0)
	show(t, "nat: a transaction sent at the home peer has its receipt after %.2f s", took.Seconds())
	took = s.eventually("the light client has sampled", func() bool { return light.status(t).Sampled > 0 })
	show(t, "nat: light client at home: sampled block %d", light.status(t).Sampled)
	s.eventually("the home peer executes", func() bool { return home.status(t).Height > 0 })
	s.eventually("the home peer stores rows", func() bool {
		var kept *rpc.Storage
		return home.ask(&kept, "bedrock_getStorage") == nil && kept != nil && kept.Rows > 0
	})
	r := home.reach(t)
	show(t, "nat: home peer stores rows; it is %s, %d relay addresses, %d peers direct, %d through relays", r.State, len(r.Relays), r.Direct, r.Relayed)

	members[2].host.Cut(true)
	time.Sleep(5 * time.Second)
	members[0].host.Cut(true) // the others are not enough without the one that comes back
	members[2].host.Move()
	members[2].host.Cut(false)
	at = home.status(t).Certified
	took = s.eventually("the sequencer whose address changed signs again", func() bool { return home.status(t).Certified > at+2 && signs(t, home, members[2]) })
	show(t, "nat: a home sequencer's line was away for 5 s and came back with another address: it signs again after %.1f s", took.Seconds())
}

// signs reports whether one of the newest two headers carries a member's signature.
func signs(t *testing.T, at *machine, member *machine) bool {
	t.Helper()
	newest := at.status(t).Certified
	for h := newest; h > 0 && h+2 > newest; h-- {
		var header *rpc.Header
		if err := at.ask(&header, "bedrock_getHeader", h); err != nil || header == nil {
			continue
		}
		for _, id := range header.Signers {
			if id == member.ready.PeerID {
				return true
			}
		}
	}
	return false
}

// serves makes blocks with data until a light client has taken a row of one from a peer, and returns how many that took: which
// of a row's holders is asked is by chance.
func (s *swarm) serves(peer, light *machine, nonce uint64) int {
	s.Helper()
	for blocks := 1; blocks <= 60; blocks++ {
		s.pay(peer, nonce+uint64(blocks)-1)
		at := peer.status(s.T).Certified
		s.eventually("the light client has sampled the newest block", func() bool { return light.status(s.T).Sampled >= at })
		if light.rowsOf(s.T, peer) > 0 {
			return blocks
		}
	}
	s.Fatal("the light client took no row of 60 blocks from the peer")
	return 0
}

// rowsOf counts the rows that a light client's newest verdicts rest on and that a peer gave, by the receipts that it keeps.
func (m *machine) rowsOf(t *testing.T, peer *machine) (rows int) {
	t.Helper()
	newest := m.status(t).Sampled
	for h := newest; h > 0 && h+8 > newest; h-- {
		var encoded *hexutil.Bytes
		if err := m.ask(&encoded, "bedrock_getSamplingReceipt", h); err != nil || encoded == nil {
			continue
		}
		receipt, err := sampling.DecodeReceipt(*encoded)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range receipt.Rows {
			if row.Peer == peer.ready.PeerID {
				rows++
			}
		}
	}
	return rows
}

// pay sends a transfer at a node and waits for its receipt there.
func (s *swarm) pay(at *machine, nonce uint64) time.Duration {
	s.Helper()
	key, err := crypto.HexToECDSA(devnet.Accounts()[0].PrivateKey[2:])
	if err != nil {
		s.Fatal(err)
	}
	to := common.HexToAddress(devnet.Accounts()[1].Address)
	chain := big.NewInt(config.DevnetChainID)
	tx := ethtypes.MustSignNewTx(key, ethtypes.LatestSignerForChainID(chain), &ethtypes.DynamicFeeTx{ChainID: chain, Nonce: nonce, To: &to,
		Value: big.NewInt(1), Gas: 21_000, GasFeeCap: big.NewInt(10e9), GasTipCap: big.NewInt(1e9)})
	envelope, err := tx.MarshalBinary()
	if err != nil {
		s.Fatal(err)
	}
	s.eventually("the home peer takes a transaction", func() bool { return at.ask(nil, "eth_sendRawTransaction", hexutil.Encode(envelope)) == nil })
	return s.eventually("the transaction has a receipt", func() bool {
		var receipt *ethtypes.Receipt
		return at.ask(&receipt, "eth_getTransactionReceipt", tx.Hash()) == nil && receipt != nil && receipt.Status == 1
	})
}
