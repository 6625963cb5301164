package config

import "strconv"

// DefaultMetrics is where a node's metrics are unless told otherwise.
const DefaultMetrics = "127.0.0.1:9848"

// LightSamplingRate is how many bytes a second a light client's sampling receives unless told otherwise: 4 Mbit/s, what samples of
// the largest blocks take twice a second, and little enough for a phone.
const LightSamplingRate = 512 << 10

// DefaultRPC is where the JSON-RPC of a role is unless told otherwise: one node of each kind fits on a machine.
func DefaultRPC(r Role) string {
	switch r {
	case Light:
		return "127.0.0.1:8546"
	case Bootstrap:
		return "127.0.0.1:8547"
	}
	return "127.0.0.1:8545"
}

func actualProfile(s *Settings) string { return string(ProfileOf(s.Role)) }

func actualLogLevel(s *Settings) string {
	if s.Role == Light {
		return "warn"
	}
	return "info"
}

// limits are those of the profile that holds.
func (s *Settings) limits() Limits {
	p := s.Profile
	if p == "" {
		p = ProfileOf(s.Role)
	}
	return LimitsOf(p, s.Role)
}

func actualListen(s *Settings) string {
	if s.Role == Light {
		return "any port"
	}
	return "TCP and QUIC on port 4848 of all interfaces"
}

func actualSamplingRate(s *Settings) string {
	if s.Role == Light {
		return strconv.Itoa(LightSamplingRate)
	}
	return "no bound"
}
