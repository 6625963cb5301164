package dht

import (
	"context"
	"errors"
	"fmt"

	ds "github.com/ipfs/go-datastore"
	"github.com/ipfs/go-datastore/query"
	recpb "github.com/libp2p/go-libp2p-record/pb"
	"github.com/multiformats/go-base32"
	"google.golang.org/protobuf/proto"
)

// errReadOnly is what kad-dht's PUT_VALUE runs into: it cannot know who sends, so it stores nothing.
var errReadOnly = errors.New("dht: rows enter by the row protocol only")

// view is the datastore that kad-dht serves GET_VALUE from. It shows the held rows as DHT records and refuses all
// writes. kad-dht files the record of key k under "/<namespace>/<base32 of k>".
type view struct{ d *DHT }

var _ ds.Batching = view{}

// recordKey is the inverse of kad-dht's file name.
func recordKey(k ds.Key) (string, error) {
	raw, err := base32.RawStdEncoding.DecodeString(k.BaseNamespace())
	if err != nil || k.Parent().String() != "/"+Namespace {
		return "", ds.ErrNotFound
	}
	if want := len("/"+Namespace+"/") + 32; len(raw) != want {
		return "", ds.ErrNotFound
	}
	return string(raw), nil
}

// Get implements ds.Read.
func (v view) Get(ctx context.Context, k ds.Key) ([]byte, error) {
	key, err := recordKey(k)
	if err != nil {
		return nil, err
	}
	value, err := v.d.record(ctx, key)
	if err != nil {
		return nil, err
	}
	return proto.Marshal(&recpb.Record{Key: []byte(key), Value: value})
}

// Has implements ds.Read.
func (v view) Has(ctx context.Context, k ds.Key) (bool, error) {
	key, err := recordKey(k)
	if err != nil {
		return false, nil
	}
	_, err = v.d.record(ctx, key)
	if errors.Is(err, ds.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// GetSize implements ds.Read.
func (v view) GetSize(ctx context.Context, k ds.Key) (int, error) {
	value, err := v.Get(ctx, k)
	return len(value), err
}

// Query implements ds.Read: nothing is listed, so that nobody but this package expires anything.
func (v view) Query(_ context.Context, q query.Query) (query.Results, error) {
	return query.ResultsWithEntries(q, nil), nil
}

// Put implements ds.Write.
func (v view) Put(_ context.Context, k ds.Key, _ []byte) error {
	return fmt.Errorf("%w: %s", errReadOnly, k)
}

// Delete implements ds.Write.
func (v view) Delete(context.Context, ds.Key) error { return errReadOnly }

// Batch implements ds.Batching.
func (v view) Batch(context.Context) (ds.Batch, error) { return readOnlyBatch{}, nil }

// Sync implements ds.Datastore.
func (v view) Sync(context.Context, ds.Key) error { return nil }

// Close implements ds.Datastore: the store belongs to whoever opened it.
func (v view) Close() error { return nil }

type readOnlyBatch struct{}

func (readOnlyBatch) Put(context.Context, ds.Key, []byte) error { return errReadOnly }
func (readOnlyBatch) Delete(context.Context, ds.Key) error      { return errReadOnly }
func (readOnlyBatch) Commit(context.Context) error              { return nil }
