package rpc

import "context"

// Peer is a peer that the node is connected to, by its best connection.
type Peer struct {
	ID          string   `json:"id"`
	Member      *uint64  `json:"member,omitempty"` // place in the committee of the epoch; absent: not in it
	Keeps       bool     `json:"keeps"`            // rows for others; who does not is a light client
	Addr        string   `json:"addr"`
	Transport   string   `json:"transport"` // quic, tcp; relay: only through a relay
	Direction   string   `json:"direction"` // in, out: who opened the connection
	Connections int      `json:"connections"`
	Since       int64    `json:"since"`               // Unix time of the connection's opening, in seconds
	Latency     *float64 `json:"latencyMs,omitempty"` // of an echo, there and back; absent: not asked, or none came
	Score       float64  `json:"score"`               // gossip's, below 0 for who sent what is invalid
	Agent       string   `json:"agent"`               // what it calls its program; its own word
}

// Peers is what a Bedrock may also be: it tells who it is connected to and how others reach it.
type Peers interface {
	// Peers lists connected peers, members of the committee first; measured: with latencies, which takes up to two seconds.
	Peers(ctx context.Context, measured bool) ([]Peer, error)
	// Reachability is what the node knows of how others can reach it.
	Reachability(ctx context.Context) (*Reachability, error)
}

// Peers answers bedrock_peers, to this machine only.
func (m *BedrockMethods) Peers(ctx context.Context, measured *bool) ([]Peer, error) {
	asked, err := m.owner(ctx)
	if err != nil {
		return nil, err
	}
	return asked.Peers(ctx, measured != nil && *measured)
}

// Reachability answers bedrock_reachability, to this machine only.
func (m *BedrockMethods) Reachability(ctx context.Context) (*Reachability, error) {
	asked, err := m.owner(ctx)
	if err != nil {
		return nil, err
	}
	return asked.Reachability(ctx)
}

// owner is the node for who asks from its own machine.
func (m *BedrockMethods) owner(ctx context.Context) (Peers, error) {
	if !isLocal(ctx) {
		return nil, errNotLocal
	}
	asked, ok := m.b.(Peers)
	if !ok {
		return nil, invalidParams("this node does not tell about its peers")
	}
	return asked, nil
}
