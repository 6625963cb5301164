// Package p2p is a node's libp2p host: transports, addresses, connections and the bytes that pass them.
//
//   - Being reached: what others can dial (reach.go, AutoNAT v2), a port of the router (portmapping.go, UPnP and NAT-PMP), relays for
//     those who cannot be reached and by those who can (reaching.go, relayed.go), holes through two routers (punching.go).
//   - Staying connected: nodes to join by and an address book (joining.go, addressbook.go), a machine that slept or moved
//     (line.go), connections that died unseen (superseded.go).
//   - Keeping within bounds: whom it dials in the open internet (gater.go), how many connections (host.go), how many bytes a
//     second (bandwidth.go, traffic.go).
//
// What is said over the connections is not its business. See docs/nat.md.
package p2p
