package gossip

import (
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/etherscale/bedrock/types"
)

// Topic is one of the four pubsub topics.
type Topic string

// The topics, as the last element of /bedrock/<network id>/<topic>.
const (
	TopicBatch     Topic = "batch"
	TopicHead      Topic = "head"
	TopicAssertion Topic = "assertion"
	TopicChallenge Topic = "challenge"
)

// topics lists them all, in the order in which they are joined.
func topics() []Topic { return []Topic{TopicBatch, TopicHead, TopicAssertion, TopicChallenge} }

// maxPubsubBytes caps a message on any topic; larger things are announced and fetched by stream.
const maxPubsubBytes = 512 << 10

// maxBytes caps a message on the topic.
func (t Topic) maxBytes() int {
	switch t {
	case TopicBatch:
		return types.MaxLoneTransactionBytes + 8
	case TopicHead:
		return types.MaxHeaderBytes + types.MaxCommittee*72
	default:
		return maxPubsubBytes
	}
}

func topicName(network types.NetworkID, t Topic) string {
	return "/bedrock/" + network.String() + "/" + string(t)
}

// protocols are the ids of the direct streams of a network.
type protocols struct {
	push  protocol.ID // vertices, one long-lived stream per ordered pair of members
	fetch protocol.ID // vertices and bodies on request
	block protocol.ID // headers, bodies, openings, audit records, challenges on request
	tx    protocol.ID // a batch handed to a sequencer directly
	state protocol.ID // proofs of the executed state on request

	instance protocol.ID // which process of a key is there
	snapshot protocol.ID // parts of a settled state on request; since v0.6, others do not offer it

	kad protocol.ID // of package dht: who offers it is no light client
}

func protocolsOf(network types.NetworkID) protocols {
	prefix := protocol.ID("/bedrock/" + network.String() + "/")
	return protocols{
		push: prefix + pushStream, fetch: prefix + fetchStream, block: prefix + blockStream, tx: prefix + txStream,
		state: prefix + stateStream, instance: prefix + instanceStream, snapshot: prefix + snapshotStream, kad: prefix + "kad/1.0.0",
	}
}

// The direct streams as name/version, behind /bedrock/<network id>/.
const (
	pushStream     = "dag/1"
	fetchStream    = "dagfetch/1"
	blockStream    = "block/1"
	txStream       = "tx/1"
	stateStream    = "state/1"
	instanceStream = "instance/1"
	snapshotStream = "snapshot/1"
)

// Streams lists the direct streams that this program speaks, as name/version.
func Streams() []string {
	return []string{pushStream, fetchStream, blockStream, txStream, stateStream, instanceStream, snapshotStream}
}
