// Package gossip is a node's part in the swarm's messages: four pubsub topics and four direct stream protocols, over a
// libp2p host that the caller owns.
//
// # Topics
//
// gossipsub topics /bedrock/<network id>/{batch,head,assertion,challenge}; StrictNoSign, so a message names no author,
// and message id = the CID of the bytes with the topic, so equal bytes on a topic are one message. A topic's handler judges each message once and
// says accept (pass on), ignore (drop) or reject (drop, and the sender loses score). A topic without a handler is not
// joined, but can be published to.
//
// # Direct streams
//
// All messages are frames (frame.go), with a length that is checked before it is believed:
//
//	/bedrock/<network id>/dag/1       one-directional, long-lived, member to member: types.Push, one after another,
//	                                  each of one epoch. The sender is who libp2p authenticated; anyone outside the live
//	                                  committees is reset.
//	/bedrock/<network id>/dagfetch/1  types.FetchRequest -> status, types.FetchResponse; served to anyone
//	/bedrock/<network id>/block/1     headers, bodies, openings, audit records, challenges, assertions; served to anyone
//	/bedrock/<network id>/tx/1        an encoded batch -> status; served by sequencers
//
// # Epochs
//
// Two committees are live: that of the newest epoch told by SetCommittee, and the one before, whose members may still be
// signing its last header. A peer that is in both has one stream. A push of any other epoch is counted and dropped.
//
// # Invariants
//
//	I1  Nothing a peer sends makes memory grow with what it claims, only with what it sent, up to a cap per message kind.
//	I2  Push never blocks. A member that reads slowly or not at all costs its own queue (8 MiB, oldest dropped) and
//	    one goroutine; the others do not notice.
//	I3  A request to a peer ends: every piece has a deadline, and the whole has one.
//	I4  What is served to one peer is bounded in requests at once, requests a second and bytes a second.
//
// # Adversary
//
// Any peer may send anything. Bytes that no honest peer sends cost its standing: it is asked last, and gossipsub lowers
// its score until it is no longer heard. Answers are not verified here, except for what is cheap and needs nothing else
// (the CID of a challenge, the order of headers, an opening against its commitment): callers verify and report a wrong
// answer by DistrustHeaders, DistrustBody or Penalize. A limited (relayed) connection carries no push stream.
//
// # Goroutines
//
// New starts the pubsub library's own goroutines, which live until its context ends. Run owns the rest: one writer (and
// one that waits for the remote end) for each other member, and the running stream handlers; it returns when all have
// ended. All exported methods may be called from anywhere, also before Run.
//
// Map of the files: config.go (Config, Handlers, Verdict), gossip.go (New, Run), protocol.go (names, caps), topics.go and
// score.go (pubsub), frame.go and wire.go (bytes), roster.go (committees), link.go and push.go (vertex streams), serve.go and gate.go (answering),
// request.go and client.go (asking), standing.go (who answered wrongly), identity.go, counters.go.
package gossip
