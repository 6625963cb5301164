// Package lab is an internet on one Linux machine, for tests that run as root: each host is a network namespace, and this
// process is all that lies between them. A TUN device in each namespace hands it the packets; it delays and loses some, passes
// them through the NAT of the home they come from, and puts them into the namespace of who they are for.
//
// The kernel needs namespaces and /dev/net/tun, nothing else: no netem, and nftables for AddKernelHome alone. Public addresses are of 45.0.0.0/8, which
// libp2p takes for public; a home's are of 192.168.0.0/16.
//
// Routers (RFC 4787 and 5382 have the words): PortPreserving maps one inside port to one outside port whoever it talks to, the
// same where it is free, and lets in what an inside host has sent to before, address and port ("endpoint-independent mapping,
// address and port-dependent filtering"). Symmetric maps each conversation to a port of its own, drawn at random. Mapping
// routers speak NAT-PMP (RFC 6886) besides. A Carrier is one more router, shared by homes that have routers of their own.
package lab
