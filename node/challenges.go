package node

import (
	"context"
	"fmt"
	"net"

	"github.com/libp2p/go-libp2p/core/peer"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/etherscale/bedrock/fraud"
	"github.com/etherscale/bedrock/gossip"
	"github.com/etherscale/bedrock/node/docket"
	"github.com/etherscale/bedrock/types"
)

// announceAbove is the size in bytes above which a challenge is announced rather than published.
const announceAbove = 512 << 10

func (n *Node) publishChallenge(ctx context.Context, encoded []byte) error {
	if len(encoded) > announceAbove {
		announcement := types.ChallengeAnnouncement{Challenge: types.BatchIDOf(encoded), Size: uint64(len(encoded)), Holder: n.key}
		encoded = announcement.Encode()
	}
	return n.gossip.PublishChallenge(ctx, encoded)
}

// onChallenge judges a challenge, or the announcement of one, from the challenge topic.
func (n *Node) onChallenge(ctx context.Context, from peer.ID, encoded []byte) gossip.Verdict {
	court, sender := n.proofs.court, n.senderOf(from)
	var err error
	if announced, problem := types.DecodeChallengeAnnouncement(encoded); problem == nil {
		if announced.Size == 0 || announced.Size > fraud.MaxChallengeBytes {
			return gossip.Reject
		}
		err = court.judgeID(ctx, sender, announced.Challenge)
	} else {
		err = court.judge(ctx, sender, encoded)
	}
	switch {
	case err == nil:
		return gossip.Accept
	case isLie(err): // whoever passes it on verified nothing
		n.log.Info("challenge refused", "sender", from, "reason", err)
		return gossip.Reject
	}
	n.log.Debug("challenge not judged", "sender", from, "error", err)
	return gossip.Ignore
}

// senderOf is a peer and the network that it is connected from.
func (n *Node) senderOf(p peer.ID) docket.Sender {
	for _, conn := range n.host.Network().ConnsToPeer(p) {
		if ip, err := manet.ToIP(conn.RemoteMultiaddr()); err == nil { // of a relayed one, the relay's
			return docket.Sender{Group: networkOf(ip), Peer: string(p)}
		}
	}
	return docket.Sender{Group: "not connected", Peer: string(p)}
}

// networkOf is the network that an address belongs to, as far as addresses in it cost little once one has one of them: a /16 or,
// in IPv6, a /48.
func networkOf(ip net.IP) string {
	if v4 := ip.To4(); v4 != nil {
		return fmt.Sprintf("%s/16", v4.Mask(net.CIDRMask(16, 32)))
	}
	return fmt.Sprintf("%s/48", ip.Mask(net.CIDRMask(48, 128)))
}
