package config

import (
	"fmt"
	"time"

	"github.com/etherscale/bedrock/node/p2p"
)

// Profile names a kind of machine and line. It sets the limits that the node keeps; see docs/profiles.md.
type Profile string

// The profiles.
const (
	ProfileHome      Profile = "home"      // a computer behind a home router, used for other things too
	ProfilePi        Profile = "pi"        // a small board with a memory card
	ProfileServer    Profile = "server"    // a rented or owned machine with a public address
	ProfileBootstrap Profile = "bootstrap" // a server that many strangers join by
)

// Profiles lists every profile.
func Profiles() []Profile { return []Profile{ProfileHome, ProfilePi, ProfileServer, ProfileBootstrap} }

// ParseProfile reads a profile's name.
func ParseProfile(s string) (Profile, error) {
	for _, p := range Profiles() {
		if string(p) == s {
			return p, nil
		}
	}
	return "", fmt.Errorf("%q: choose one of home, pi, server, bootstrap", s)
}

// Limits are what a profile keeps a node within.
type Limits struct {
	p2p.Limits
	// Disk and Memory are in bytes, Bandwidth in bytes a second of both directions together.
	Disk, Memory, Bandwidth int64
}

// Relay limits. A circuit carries a sequencer's vertices for minutes at full load and for its whole time at rest; when it
// ends the peers open another.
var (
	relayForMany = p2p.RelayLimits{Reservations: 512, ReservationsPerIP: 32, Circuits: 64, CircuitBytes: 256 << 20, CircuitTime: time.Hour}
	relayForFew  = p2p.RelayLimits{Reservations: 32, ReservationsPerIP: 8, Circuits: 16, CircuitBytes: 32 << 20, CircuitTime: 30 * time.Minute}
)

// mbit is a Mbit/s in bytes a second.
const mbit = 1_000_000 / 8

// LimitsOf are the limits of a profile, for a role: light clients need few peers, whatever they run on.
func LimitsOf(p Profile, r Role) Limits {
	l := Limits{Limits: p2p.Limits{ConnsLow: 36, ConnsHigh: 50, ConnsPerIP: 16, Relay: relayForFew}, Disk: 20 << 30, Memory: 1 << 30, Bandwidth: 100 * mbit}
	switch p {
	case ProfilePi:
		l.ConnsLow, l.ConnsHigh, l.Disk, l.Memory, l.Bandwidth = 24, 36, 8<<30, 512<<20, 50*mbit
	case ProfileServer:
		l.ConnsLow, l.ConnsHigh, l.ConnsPerIP, l.Disk, l.Memory, l.Bandwidth = 128, 192, 32, 200<<30, 4<<30, 1000*mbit
	case ProfileBootstrap:
		l.ConnsLow, l.ConnsHigh, l.ConnsPerIP, l.Relay, l.Disk, l.Memory, l.Bandwidth = 800, 1000, 64, relayForMany, 50<<30, 2<<30, 1000*mbit
	}
	if r == Light {
		l.ConnsLow, l.ConnsHigh, l.Disk, l.Memory, l.Bandwidth = 8, 14, 4<<30, 256<<20, 20*mbit
	}
	return l
}

// profileOf is the profile of a node that names none. The committee carries the whole network's load.
func ProfileOf(r Role) Profile {
	switch r {
	case Bootstrap:
		return ProfileBootstrap
	case Sequencer:
		return ProfileServer
	}
	return ProfileHome
}
