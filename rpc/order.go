package rpc

import (
	"context"
	"encoding/hex"

	"github.com/ethereum/go-ethereum/common/hexutil"
	gethrpc "github.com/ethereum/go-ethereum/rpc"

	"github.com/etherscale/bedrock/types"
)

// Ordering is what a Bedrock may also be: the way into the order, whatever the network's payload, and the news of it.
type Ordering interface {
	// Submit enters one transaction envelope and does not wait for the order. Its errors are shown to the client.
	Submit(ctx context.Context, envelope []byte) (types.Hash, error)
	// FollowOrder tells of the order from now on; nil at a node that does not take part in it.
	FollowOrder() OrderFollower
}

// OrderFollower hands over what was ordered since the last Take. It keeps a bounded number of transactions; of those beyond
// it only counts how many there were.
type OrderFollower interface {
	Wake() <-chan struct{} // gets a value when there is something to take
	Take() (transactions []types.Hash, missed uint64)
	Close()
}

// OrderMethods serves bedrock_sendTransaction and bedrock_subscribe("ordered").
type OrderMethods struct {
	ordering Ordering
	quota    *quota
}

// SendTransaction enters one envelope of the network's payload and returns its keccak256 hash.
func (m *OrderMethods) SendTransaction(ctx context.Context, envelope hexutil.Bytes) (TxHash, error) {
	hash, err := m.ordering.Submit(ctx, envelope)
	return TxHash(hash), err
}

// Ordered is one piece of news: transactions whose place is final at this sequencer, in order.
type Ordered struct {
	Transactions hashes `json:"transactions"`
	Missed       uint64 `json:"missed,omitempty"` // that were ordered before these and not told: the client reads too slowly
}

// Ordered subscribes to the transactions that leave the fair order here. After a restart of the node the last ones may be
// told again.
func (m *OrderMethods) Ordered(ctx context.Context) (*gethrpc.Subscription, error) {
	notifier, supported := gethrpc.NotifierFromContext(ctx)
	if !supported {
		return nil, gethrpc.ErrNotificationsUnsupported
	}
	return m.quota.subscribe(func() (*gethrpc.Subscription, error) {
		follower := m.ordering.FollowOrder()
		if follower == nil {
			return nil, invalidParams("this node does not take part in the order: ask a sequencer")
		}
		subscription := notifier.CreateSubscription()
		go tellOrder(notifier, subscription, follower)
		return subscription, nil
	})
}

// tellOrder ends with the subscription or the connection.
func tellOrder(notifier *gethrpc.Notifier, subscription *gethrpc.Subscription, follower OrderFollower) {
	defer follower.Close()
	for {
		select {
		case <-subscription.Err():
			return
		case <-follower.Wake():
		}
		transactions, missed := follower.Take()
		if err := notifier.Notify(subscription.ID, Ordered{transactions, missed}); err != nil {
			return
		}
	}
}

// hashes are written in one piece: one by one they cost most of a notification.
type hashes []types.Hash

// MarshalJSON is a list of 0x-hex strings.
func (list hashes) MarshalJSON() ([]byte, error) {
	out := make([]byte, 0, 2+len(list)*(2*len(types.Hash{})+5))
	out = append(out, '[')
	for i := range list {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, `"0x`...)
		out = hex.AppendEncode(out, list[i][:])
		out = append(out, '"')
	}
	return append(out, ']'), nil
}
