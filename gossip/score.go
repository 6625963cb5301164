package gossip

import (
	"net"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"
)

// Peer scoring (gossipsub v1.1, "Peer scoring"). Only misbehaviour lowers a score: invalid messages, broken protocol
// promises, many peers on one address, and what the rest of the node reports by Penalize. Mesh delivery rates (P3) are
// not scored, because most topics are quiet and a home uplink is slow without malice.
//
// A peer below ScoreGraylist is not listened to at all. One invalid message costs 10 points and is forgotten by half in
// about 10 minutes; four of them in that time are a graylist.
const (
	scoreGossip    = -40
	scorePublish   = -80
	ScoreGraylist  = -160
	scoreDecay     = 10 * time.Second
	penaltyScore   = -20 // for each Penalize not yet forgotten
	colocatedPeers = 16
)

func scoreThresholds() *pubsub.PeerScoreThresholds {
	return &pubsub.PeerScoreThresholds{
		GossipThreshold:             scoreGossip,
		PublishThreshold:            scorePublish,
		GraylistThreshold:           ScoreGraylist,
		AcceptPXThreshold:           20,
		OpportunisticGraftThreshold: 2,
	}
}

func scoreParams(names []string, appScore func(peer.ID) float64) *pubsub.PeerScoreParams {
	params := &pubsub.PeerScoreParams{
		Topics:                      make(map[string]*pubsub.TopicScoreParams, len(names)),
		TopicScoreCap:               40,
		AppSpecificScore:            appScore,
		AppSpecificWeight:           1,
		IPColocationFactorWeight:    -5,
		IPColocationFactorThreshold: colocatedPeers,
		IPColocationFactorWhitelist: localNetworks(),
		BehaviourPenaltyWeight:      -2,
		BehaviourPenaltyThreshold:   8,
		BehaviourPenaltyDecay:       pubsub.ScoreParameterDecayWithBase(10*time.Minute, scoreDecay, 0.01),
		DecayInterval:               scoreDecay,
		DecayToZero:                 0.01,
		RetainScore:                 30 * time.Minute,
	}
	for _, name := range names {
		params.Topics[name] = topicScore()
	}
	return params
}

func topicScore() *pubsub.TopicScoreParams {
	return &pubsub.TopicScoreParams{
		TopicWeight:                    1,
		TimeInMeshWeight:               0.01,
		TimeInMeshQuantum:              time.Second,
		TimeInMeshCap:                  600,
		FirstMessageDeliveriesWeight:   0.1,
		FirstMessageDeliveriesDecay:    pubsub.ScoreParameterDecayWithBase(5*time.Minute, scoreDecay, 0.01),
		FirstMessageDeliveriesCap:      50,
		InvalidMessageDeliveriesWeight: -10, // times the square of the count
		InvalidMessageDeliveriesDecay:  pubsub.ScoreParameterDecayWithBase(time.Hour, scoreDecay, 0.01),
	}
}

// localNetworks are not subject to the limit of peers on one address: a laboratory or a devnet runs there, and nobody
// on the Internet can pretend to come from them.
func localNetworks() []*net.IPNet {
	var nets []*net.IPNet
	for _, cidr := range []string{"127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fe80::/10"} {
		if _, n, err := net.ParseCIDR(cidr); err == nil {
			nets = append(nets, n)
		}
	}
	return nets
}

// scoresEvery is how old the scores may be that are shown.
const scoresEvery = 2 * time.Second

// Score is a peer's gossipsub score, as it was up to two seconds ago; 0 of a peer without one.
func (g *Gossip) Score(p peer.ID) float64 {
	if scores := g.scores.Load(); scores != nil {
		return (*scores)[p]
	}
	return 0
}
