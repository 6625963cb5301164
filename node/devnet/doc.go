// Package devnet runs a whole swarm on one machine: separate nodes over loopback, each with its own identity, directory,
// libp2p host and role, built only through node.Config. No node holds another's Go value; what the devnet prints it
// learns from the facts that each node tells its watcher.
//
// Map of the files: devnet.go (Open, Run), plan.go (who is in the swarm, kept on disk), accounts.go (development
// accounts), board.go (facts of many nodes put together by height), screen.go (what a person reads).
package devnet
