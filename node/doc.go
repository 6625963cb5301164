// Package node assembles a role out of the other packages and owns the lifetime of every goroutine: the libp2p host (package
// p2p), and the wiring between gossip, ordering, availability, execution, proving and RPC.
//
// A role is a configuration value, not a program: the same home directory serves any role (docs/design.md, section 2).
//
// Open builds a node and claims its data directory; Run blocks until its context ends or a part fails, then stops every
// goroutine; Close releases the directory. Nothing outside this package starts a goroutine of a node, but the libraries
// libp2p, pubsub and kad-dht, which Open starts and Close stops.
//
// Map of the files:
//
//	config.go                        what a node is built from; package config: roles, networks, settings, the home directory
//	node.go, hosting.go, background.go   Open, Run, Close; what its libp2p host is asked for (package p2p); bounded work that nobody waits for
//	transactions.go, journal.go      pool and batches; what entered here survives a crash
//	epoch.go                         committees by epoch
//	ordering.go, auditing.go         the sequencers' driver; what explains a transaction's place
//	following.go, executing.go       headers and bodies; execution
//	availability.go                  rows and sampling
//	proving.go, asserting.go         assertions: taking, comparing, settling; bond.go: who may assert; inquiring.go: peers are asked
//	posting.go, account.go           what a prover posts, and from which account; unsettled.go: why nothing settles
//	challenges.go, court.go          challenges that come; their verification, in turns (package docket)
//	upheld.go, votes.go, rewards.go  what follows: here, in a sequencer's vertices, for the challenger
//	listed.go, doublesign.go         what headers list falsely; members that sign two headers of one height
//	ledger.go, conviction.go         what was asserted and challenged; what convicts sequencers
//	serving.go                       JSON-RPC
//	fact.go, figures.go              what a watcher is told
//	meter.go, readings.go, readingswork.go, machine.go, metricsserver.go   metrics: noted, read from the parts, served (package metrics)
//	health.go, conditions.go, conditionsreach.go, agents.go, ending.go                 readiness; health codes raised and cleared (package health)
//	status.go, peers.go              what `bedrock status` and `bedrock peers` tell of the node
package node
