// Package sequencer drives the ordering core: it owns the one goroutine that steps it, the vertex log, the node's key,
// and all traffic between the core and the world. It knows neither libp2p nor the EVM; those come in through the small
// interfaces in config.go.
//
// Invariants (a test is named after each):
//
//	D1 disk before wire: an own vertex, its ancestors and every body they receipt are in the log and synced, by one
//	   fsync for all, before the vertex is pushed or shown to anybody.
//	D2 the node never persists, hence never sends, two vertices of one round, nor one of a round below its newest.
//	D3 the node signs a header only after its own encoding of the block is stored.
//	D4 of every body the driver holds the core was told, and is told again when it forgot, but for those from gossip that
//	   the own pool refuses: these are kept within a bound and told when a vertex receipts them; in the log a vertex's
//	   bodies come before it.
//	D5 what a restarted node replays gives the headers it stored before; anything else stops it.
//	D6 every queue has a stated capacity and a policy when full; a slow or hostile member delays only itself.
//	D7 a cut is saved with the round of the own newest vertex, so D2 holds however little of the log is replayed; what lies in
//	   the log below the older of the two kept cuts, and what no rule asks for any more, may be dropped, but never the own
//	   newest vertex.
//	D8 others' state is taken up only when members with more than f stake name its digest.
//
// Adversary: members may send anything, at any rate, and answer a request with lies or never. A push is bounded in bytes
// before it is queued, queued per member, and checked by a worker before the core hears of it; bodies that the own pool
// refuses are limited in bytes a second. Answers are taken only as far as they were asked for. Strangers may ask for the log; answers are bounded in bytes and in number at a time.
//
// A Sequencer is of one epoch. Epochs runs them one after the other: it begins an epoch when the chain knows the last header of the
// one before, and ends the old one when a quorum is at work in the new. Its own loop waits for them, never the other way round.
//
// Goroutines: Run starts them all and returns when all have ended. The loop owns the core, the fetch table and the
// schedule. Two workers check pushes; one goroutine encodes and stores blocks in order, one publishes rows, one asks the
// pool again, and at most FetchLimit a member fetch. Hold, Verdict, HandlePush, HandleFetch, Executed, Status and Stats may be called
// from anywhere, before Run too, and never wait for the core.
//
// A node that lost its log (empty, and Config.FirstStart false) first follows with a core that makes nothing, until others
// holding a quorum of stake have shown their newest vertices and those are accepted; see recovery.
//
// A start replays the log from the newest usable cut on, else from its beginning. A node that is behind reads another member's
// log; one that is further behind than Config.JoinLag, or than the others keep their logs, or whose own log lacks its
// beginning and every cut, goes on from others' state (join.go). Its log leaps there. Blocks that it did not build itself come
// as to any follower of the chain.
//
// Files: config.go (interfaces, bounds), sequencer.go (the loop), effects.go (what a step asks for), persist.go (D1, D2),
// blocks.go (encode, store, publish), intake.go, inbox.go, allowance.go, verify.go and verified.go (pushes), bodies.go, parked.go, fetch.go, catchup.go, serve.go,
// restore.go, guard.go, recover.go, handover.go (what one epoch tells the next), cuts.go, join.go, mailbox.go, stats.go. Above
// them epochs.go, term.go, carry.go, epochs_calls.go (Epochs, E1 to E3) and archive.go (logs of epochs that are over).
package sequencer
