// Package swarm runs hundreds of peers of a network in one process, over a simulated wire and in virtual time: real
// libp2p hosts (QUIC), each with the DHT that nodes run, light clients with the sampling that nodes run, and blocks that a
// committee of four certifies and publishes. Only the wire, the clock and the chain of headers are simulated. Tests of
// availability and `bedrock bench sampling | survival | seeding` stand on it.
//
// # The wire
//
// Each peer has a line of its own (20 Mbit/s up and down unless set otherwise, fair queueing), a public address in a /16 of
// its own, and a one-way delay of 10 to 60 ms to each other peer, fixed for the pair, so round trips take 20 to 120 ms.
// A peer that is [Peer.Kill]ed falls silent, as a machine does whose plug is pulled: nothing it sends arrives, nobody is
// told. Packets are lost only to full queues. Source of the wire: github.com/marcopolo/simnet, wired to libp2p as
// go-libp2p's x/simlibp2p does.
//
// # Virtual time
//
// [Virtual] runs a function in a bubble in which time passes only when everybody waits. Computing takes no virtual time:
// figures are those of lines and round trips, the same on any machine. libp2p and QUIC schedule at random, so no two runs
// are alike: assert on sets and bounds, never on traces.
//
// # What is left out
//
// Servers connect to the 12 nearest and 4 random others, as after a while of running, and look for further ones less often
// than the product does by default: a hundred hosts in full mesh cost minutes of CPU. Publishers know every server, as in
// the product. Headers reach everybody at once, by no wire.
//
//	virtual.go    the bubble                        wire.go       lines, delays, bytes, silence
//	seat.go       what the DHT sees of the host     place.go      where rows belong, and are
//	network.go    building and ending a network     peer.go       one server or member
//	authority.go  committee, certificates           chain.go      certified headers
//	blocks.go     blocks: made, published, kept     light.go      light clients and what their samples cost
//	trials.go     bench sampling                    seeding.go    bench seeding
//	survival.go   bench survival
package swarm
