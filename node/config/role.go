package config

import "fmt"

// Role is what a node does for the network.
type Role string

// The roles of docs/design.md, section 2.
const (
	Bootstrap Role = "bootstrap"
	Sequencer Role = "sequencer"
	Prover    Role = "prover"
	Peer      Role = "peer"
	Light     Role = "light"
)

// Roles lists every role.
func Roles() []Role { return []Role{Bootstrap, Sequencer, Prover, Peer, Light} }

// ParseRole reads a role's name.
func ParseRole(s string) (Role, error) {
	for _, r := range Roles() {
		if string(r) == s {
			return r, nil
		}
	}
	return "", fmt.Errorf("role %q: choose one of bootstrap, sequencer, prover, peer, light", s)
}

// Executes reports whether nodes of the role run every block in the EVM.
func (r Role) Executes() bool { return r == Sequencer || r == Prover || r == Peer }

// Stores reports whether nodes of the role keep rows for others (DHT server).
func (r Role) Stores() bool { return r != Light }

// Samples reports whether nodes of the role sample every block.
func (r Role) Samples() bool { return r != Bootstrap }

// FollowsBodies reports whether nodes of the role keep whole blocks.
func (r Role) FollowsBodies() bool { return r.Executes() }
