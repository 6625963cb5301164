package verified

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	gethrpc "github.com/ethereum/go-ethereum/rpc"

	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/fraud"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/rpc/backend"
	"github.com/etherscale/bedrock/types"
)

// followed is what a light client knows of a chain: values up to a settled and an asserted height.
type followed struct {
	s                 *exectest.Swarm
	settled, asserted types.Height
}

func (f *followed) value(h types.Height) fraud.Parent {
	p, err := fraud.OwnParent(f.s.Chain, h)
	if err != nil {
		f.s.TB.Fatal(err)
	}
	return p
}

func (f *followed) Settled() fraud.Parent  { return f.value(f.settled) }
func (f *followed) Asserted() fraud.Parent { return f.value(f.asserted) }
func (f *followed) At(h types.Height) (fraud.Parent, bool) {
	if h > f.asserted {
		return fraud.Parent{}, false
	}
	return f.value(h), true
}

func (f *followed) Header(h types.Height) (types.Header, bool) {
	header, err := f.s.Chain.Header(h)
	return header, err == nil
}

func (f *followed) Body(_ context.Context, h types.Header) ([]byte, error) { return f.s.Data(h.Height) }

// peerFunc is a peer that answers questions.
type peerFunc func(*types.StateRequest) ([]byte, error)

// honest answers from an executed chain, as a node does.
func honest(s *exectest.Swarm) peerFunc {
	return func(r *types.StateRequest) ([]byte, error) {
		if decoded, err := types.DecodeStateRequest(r.Encode()); err != nil || decoded.Kind != r.Kind {
			s.TB.Errorf("request %+v does not travel: %v", r, err)
		}
		switch r.Kind {
		case types.ProofState:
			nodes, err := s.Chain.ProveState(context.Background(), r.Height, r.Want, r.Account, r.Slots)
			return types.EncodeProofNodes(nodes), err
		case types.ProofCode:
			return s.Chain.Code(r.Want)
		case types.ProofReceipts:
			leaves, err := s.Chain.ReceiptLeaves(r.Height, r.Want, r.From)
			return types.EncodeReceiptLeaves(leaves), err
		default:
			height, err := s.Chain.PlaceOf(r.Want)
			return types.EncodePlace(height), err
		}
	}
}

// crowd is asked in order, as gossip does it.
type crowd struct {
	peers []peerFunc
	lies  int // visits that ended with a lie found
	asked int
}

func (c *crowd) Consult(ctx context.Context, visit func(context.Context, Ask) (any, error)) (any, error) {
	var problems []error
	for _, p := range c.peers {
		v, err := visit(ctx, func(r *types.StateRequest) ([]byte, error) { c.asked++; return p(r) })
		if err == nil {
			return v, nil
		}
		if errors.Is(err, types.ErrUnproven) || errors.Is(err, types.ErrMalformed) {
			c.lies++
		}
		problems = append(problems, err)
	}
	return nil, errors.Join(append(problems, errors.New("nobody is left to ask"))...)
}

// world is a chain of some blocks of everything, and who was in it.
type world struct {
	*exectest.Swarm
	transfer, logged, skipped []byte // envelopes of block last-2
	head                      types.Height
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{Swarm: exectest.New(t, nil)}
	random := rand.New(rand.NewPCG(3, 3))
	for range 4 {
		var envelopes [][]byte
		for range 25 {
			envelopes = append(envelopes, w.Torture(random))
		}
		w.Apply(envelopes...)
	}
	w.transfer, w.logged = w.Transfer(0, 1, 5), w.Call(2, &exectest.StoreAddress, 0, 200_000, exectest.Words(3, 77))
	w.skipped = w.CallAt(4, 1<<40, nil, 0, 21_000, nil)
	w.Apply(w.skipped, w.transfer, w.logged, w.Call(3, &exectest.StoreAddress, 0, 200_000, exectest.Words(4, 78)))
	w.Apply(w.Transfer(0, 1, 6))
	w.Apply(w.Transfer(0, 1, 7))
	w.head = w.Chain.Height()
	return w
}

func hashOf(t testing.TB, envelope []byte) common.Hash {
	t.Helper()
	tx := new(ethtypes.Transaction)
	if err := tx.UnmarshalBinary(envelope); err != nil {
		t.Fatal(err)
	}
	return tx.Hash()
}

// serve runs a server until the test ends.
func serve(t testing.TB, cfg rpc.Config) *gethrpc.Client {
	t.Helper()
	cfg.Address = "127.0.0.1:0"
	server, err := rpc.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx) }()
	client, err := gethrpc.Dial(server.HTTP())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		client.Close()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return client
}

// light serves a view of the world.
func (w *world) light(t testing.TB, f *followed, c *crowd) *gethrpc.Client {
	return serve(t, rpc.Config{ChainID: w.Genesis.ChainID, Verified: New(Config{Rules: w.Rules(), Chain: f, Peers: c})})
}

// full serves the chain as one that executed it does.
func (w *world) full(t testing.TB) *gethrpc.Client {
	return serve(t, rpc.Config{ChainID: w.Genesis.ChainID, Backend: backend.New(w.Chain, tags{w.head}), Pool: emptyPool{}})
}

type tags struct{ head types.Height }

func (t tags) Safe() types.Height      { return t.head }
func (t tags) Finalized() types.Height { return t.head }

// emptyPool is a pool that nobody uses.
type emptyPool struct{ rpc.Pool }

func (emptyPool) NewTransactions() (<-chan []*ethtypes.Transaction, func()) { return nil, func() {} }

// question is one request.
type question struct {
	name, method string
	params       []any
}

// ask is the answer as canonical JSON.
func ask(c *gethrpc.Client, q question) (string, error) {
	var out any
	if err := c.CallContext(context.Background(), &out, q.method, q.params...); err != nil {
		return "", err
	}
	encoded, err := json.Marshal(out)
	return string(encoded), err
}
