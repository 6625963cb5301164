package node

import (
	"context"
	"errors"
	"net"
	"syscall"
	"time"

	"github.com/etherscale/bedrock/node/p2p"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/rpc/backend"
	"github.com/etherscale/bedrock/types"
)

// openRPC binds the JSON-RPC address.
func (n *Node) openRPC() (err error) {
	if n.cfg.RPC == "" {
		return nil
	}
	answers := &service{n: n}
	config := rpc.Config{
		Address: n.cfg.RPC, ChainID: n.cfg.Genesis.ChainID, Version: p2p.UserAgent, Bedrock: answers, Debug: true, Logger: n.log,
		Joining: n.stillJoining,
	}
	if n.exec != nil {
		answers.executed = backend.New(n.exec, tags{n})
		answers.waiting = backend.NewPool(n.wallets)
		config.Backend, config.Pool = answers.executed, answers.waiting
	}
	if n.view != nil {
		config.Verified = n.view
	}
	if n.rpc, err = rpc.New(config); n.cfg.RPCMayMove && errors.Is(err, syscall.EADDRINUSE) {
		taken := config.Address
		config.Address = net.JoinHostPort(hostOf(taken), "0")
		if n.rpc, err = rpc.New(config); err == nil {
			n.log.Info("the usual address of the JSON-RPC server is taken: it has another", "usual", taken, "rpc", n.rpc.Addr())
		}
	}
	if err != nil {
		return err
	}
	n.onClose(func() error {
		if err := n.rpc.Close(); !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	return nil
}

// hostOf is the host of a host:port.
func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}

// tags says what the block tags stand for at this node.
type tags struct{ n *Node }

var _ backend.Tags = tags{}

// Safe implements backend.Tags: certified and sampled here.
func (t tags) Safe() types.Height { return t.n.sampled() }

// Finalized implements backend.Tags: settled. Just after a restart less may be known as sampled than is stored as settled.
func (t tags) Finalized() types.Height { return min(t.n.settled(), t.n.sampled()) }

// sampled is the height up to which every block is available to this node.
func (n *Node) sampled() types.Height {
	if n.sampling == nil {
		return 0
	}
	return min(n.sampling.Safe(), n.chain.Sound())
}

// service answers bedrock_*.
type service struct {
	n        *Node
	executed *backend.Chain // nil at nodes that execute nothing
	waiting  *backend.Pool
}

var _ rpc.Bedrock = (*service)(nil)

// Status implements rpc.Bedrock.
func (s *service) Status(context.Context) (*rpc.Status, error) {
	n := s.n
	head := n.chain.Head().Header
	status := &rpc.Status{
		Role: string(n.cfg.Role), PeerID: n.PeerID(), NetworkID: n.network.String(), Epoch: uint64(n.chain.Epoch()),
		Height: rpc.Height(head.Height), Certified: rpc.Height(head.Height), Sampled: rpc.Height(n.sampled()),
		Asserted: rpc.Height(n.asserted()), Settled: rpc.Height(n.settled()), Peers: len(n.host.Network().Peers()),
	}
	if committee, ok := n.chain.Committee(n.chain.Epoch()); ok {
		status.Committee = rpc.CommitteeSize{Size: committee.Len(), Quorum: committee.Quorum()}
	}
	n.addState(status)
	status.Stopped, status.Bond, status.Unsettled = n.stopped(), n.standing(), n.unsettled()
	if n.exec != nil {
		status.Height = rpc.Height(n.exec.Height())
	}
	if n.order != nil {
		if seq, _, ok := n.order.Current(); ok {
			status.Round = uint64(seq.Status().Round)
		}
	}
	return status, nil
}

// Header implements rpc.Bedrock.
func (s *service) Header(_ context.Context, h types.Height) (*types.CertifiedHeader, *types.Committee, error) {
	if h == 0 {
		return &types.CertifiedHeader{Header: s.n.chain.Genesis()}, s.n.committeeOf(0), nil
	}
	ch, ok := s.n.chain.Header(h)
	if !ok {
		return nil, nil, nil
	}
	committee, _ := s.n.chain.Committee(ch.Header.Epoch)
	return &ch, committee, nil
}

// Sampling implements rpc.Bedrock.
func (s *service) Sampling(_ context.Context, h types.Height) (*rpc.Sampling, error) {
	if s.n.sampling == nil {
		return nil, nil
	}
	r, ok := s.n.sampling.Sampling(h)
	if !ok {
		if _, known := s.n.chain.Header(h); !known {
			return nil, nil
		}
		return &rpc.Sampling{Verdict: rpc.VerdictPending, Indices: []int{}}, nil
	}
	out := &rpc.Sampling{Verdict: rpc.Verdict(r.Verdict), Asked: r.Asked, Answered: r.Answered, Wrong: r.Wrong, MissLog2: r.MissLog2,
		Took: float64(r.Elapsed.Milliseconds()), Stale: s.n.sampling.Stale(), Indices: []int{}}
	if share, known := s.n.dht.Health(r.Commitment); known {
		out.Live = &share
	}
	for _, i := range r.Indices {
		out.Indices = append(out.Indices, int(i))
	}
	return out, nil
}

var _ rpc.SamplingReceipts = (*service)(nil)

// SamplingReceipt implements rpc.SamplingReceipts.
func (s *service) SamplingReceipt(_ context.Context, h types.Height) ([]byte, error) {
	if s.n.sampling == nil {
		return nil, nil
	}
	r, err := s.n.sampling.Receipt(h)
	if r == nil || err != nil {
		return nil, err
	}
	return r.Encode(), nil
}

// auditPatience bounds how long sequencers are asked for evidence.
const auditPatience = 10 * time.Second

// Audit implements rpc.Bedrock.
func (s *service) Audit(ctx context.Context, tx rpc.TxHash) (*rpc.Audit, error) {
	ctx, cancel := context.WithTimeout(ctx, auditPatience)
	defer cancel()
	place, err := s.n.audited(ctx, types.Hash(tx))
	if err != nil || place == nil {
		return nil, err
	}
	out := &rpc.Audit{Batch: place.record.Batch, FairTime: place.record.FairTime, Spread: place.record.Spread(),
		Height: rpc.Height(place.height), Index: place.index}
	ch, ok := s.n.chain.Header(place.height)
	if !ok {
		return nil, nil // certified a moment later
	}
	committee := s.n.committeeOf(ch.Header.Epoch)
	for _, e := range place.record.Entries {
		if !committee.Has(e.Author) {
			continue
		}
		out.Receipts = append(out.Receipts, rpc.AuditReceipt{Sequencer: committee.Member(e.Author).Key.PeerID(), Time: e.Time,
			Explicit: e.Explicit, Round: e.Vertex.Round, Vertex: e.Vertex.Digest})
	}
	return out, nil
}

// Committee implements rpc.Bedrock.
func (s *service) Committee(_ context.Context, epoch types.Epoch) (*types.Committee, error) {
	committee, ok := s.n.chain.Committee(epoch)
	if !ok {
		return nil, nil
	}
	return committee, nil
}

// TransactionStatus implements rpc.Bedrock.
func (s *service) TransactionStatus(_ context.Context, tx rpc.TxHash) (*rpc.TransactionStatus, error) {
	if s.executed == nil {
		return nil, nil
	}
	return s.executed.TransactionStatus(tx, s.waiting, s.n.asserted())
}

var _ rpc.VertexLogs = (*service)(nil)

// Genesis implements rpc.VertexLogs.
func (s *service) Genesis(context.Context) ([]byte, error) { return s.n.cfg.Genesis.Encode() }

// Log implements rpc.VertexLogs: the own log at a sequencer, else what the member answers.
func (s *service) Log(ctx context.Context, member types.Member, r *types.FetchRequest) (*types.FetchResponse, error) {
	if place, ok := s.n.placeIn(r.Epoch); ok && s.n.order != nil && place == member {
		return s.n.order.HandleFetch(ctx, r)
	}
	return s.n.gossip.Fetch(ctx, member, r)
}
