// Package node assembles a role out of the other packages and owns the lifetime of every goroutine: configuration, keys,
// home directory, libp2p host, and the wiring between gossip, ordering, availability, execution, proving and RPC.
//
// A role is a configuration value, not a program: the same home directory serves any role (docs/design.md, section 2).
//
// Open builds a node and claims its home directory; Run blocks until its context ends or a part fails, then stops every
// goroutine; Close releases the directory. Nothing outside this package starts a goroutine of a node.
//
// Map of the files: role.go, home.go (files of a home directory), keys.go, genesis.go (defaults of a new network),
// host.go (libp2p), node.go (Open, Run, Close), and one file for each wire between parts: ordering.go (sequencer),
// following.go (headers and bodies), availability.go (rows and sampling), executing.go, proving.go, serving.go (RPC).
package node
