package rpc_test

import (
	"context"
	"errors"
	"testing"
	"time"

	gethrpc "github.com/ethereum/go-ethereum/rpc"

	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/types"
)

// sequencer is a network whose node takes part in the order; what is sent to it is ordered at once.
type sequencer struct {
	*network
	wake   chan struct{}
	news   chan []types.Hash
	closed chan struct{}
}

func newSequencer() *sequencer {
	return &sequencer{new(network), make(chan struct{}, 1), make(chan []types.Hash, 8), make(chan struct{})}
}

func (s *sequencer) Submit(_ context.Context, envelope []byte) (types.Hash, error) {
	if len(envelope) == 0 {
		return types.Hash{}, errors.New("oversized data: nothing at all")
	}
	hash := types.Hash{envelope[0]}
	s.news <- []types.Hash{hash, {0xff}}
	s.wake <- struct{}{}
	return hash, nil
}

func (s *sequencer) FollowOrder() rpc.OrderFollower { return s }
func (s *sequencer) Wake() <-chan struct{}          { return s.wake }
func (s *sequencer) Take() ([]types.Hash, uint64)   { return <-s.news, 7 }
func (s *sequencer) Close()                         { close(s.closed) }

// bystander is a node that takes transactions and does not order.
type bystander struct{ *sequencer }

func (bystander) FollowOrder() rpc.OrderFollower { return nil }

func dialWS(t *testing.T, config rpc.Config) *gethrpc.Client {
	t.Helper()
	config.Address = "127.0.0.1:0"
	client, err := gethrpc.Dial(run(t, config).WS())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func TestOrderIsTold(t *testing.T) {
	s := newSequencer()
	client := dialWS(t, rpc.Config{Bedrock: s})
	type news struct {
		Transactions []types.Hash `json:"transactions"`
		Missed       uint64       `json:"missed"`
	}
	told := make(chan news, 1)
	subscription, err := client.Subscribe(context.Background(), "bedrock", told, "ordered")
	if err != nil {
		t.Fatal(err)
	}
	var hash types.Hash
	if err := client.Call(&hash, "bedrock_sendTransaction", "0x2a00"); err != nil || hash != (types.Hash{0x2a}) {
		t.Fatalf("%v, %v", hash, err)
	}
	got := <-told
	if len(got.Transactions) != 2 || got.Transactions[0] != hash || got.Transactions[1] != (types.Hash{0xff}) || got.Missed != 7 {
		t.Fatalf("told %v", got)
	}
	subscription.Unsubscribe()
	select {
	case <-s.closed:
	case <-time.After(10 * time.Second):
		t.Fatal("the follower goes on after the subscription")
	}
}

func TestRefusalsOfSubmissionsReachTheClient(t *testing.T) {
	client := dialWS(t, rpc.Config{Bedrock: newSequencer()})
	if err := client.Call(nil, "bedrock_sendTransaction", "0x"); err == nil || err.Error() != "oversized data: nothing at all" {
		t.Fatalf("error %v", err)
	}
}

func TestOnlySequencersTellTheOrder(t *testing.T) {
	client := dialWS(t, rpc.Config{Bedrock: bystander{newSequencer()}})
	if _, err := client.Subscribe(context.Background(), "bedrock", make(chan any), "ordered"); err == nil {
		t.Fatal("a node outside the order told of it")
	}
}

// TestOrderSubscriptionsAreBounded holds I6 at the limit and one past it.
func TestOrderSubscriptionsAreBounded(t *testing.T) {
	client := dialWS(t, rpc.Config{Bedrock: newSequencer(), Subscriptions: 1})
	if _, err := client.Subscribe(context.Background(), "bedrock", make(chan any), "ordered"); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Subscribe(context.Background(), "bedrock", make(chan any), "ordered"); err == nil {
		t.Fatal("a second subscription of one")
	}
}
