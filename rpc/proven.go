package rpc

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/types"
	gethrpc "github.com/ethereum/go-ethereum/rpc"
)

// Proven serves the eth_ methods of a node that executes nothing. None answers null: what is not proven is an error.
type Proven struct {
	v       Verified
	gasCap  uint64
	maxLogs int
	timeout time.Duration
	slots   chan struct{} // as many requests work at once as fit; the others wait within their time
}

// begin bounds the time of a request and waits for its turn; the caller calls end.
func (p *Proven) begin(ctx context.Context) (within context.Context, end func(), err error) {
	within, cancel := context.WithTimeout(ctx, p.timeout)
	select {
	case p.slots <- struct{}{}:
		return within, func() { <-p.slots; cancel() }, nil
	case <-within.Done():
		cancel()
		return nil, nil, limitExceeded("too many requests are running (waited %v): try again", p.timeout)
	}
}

// ChainId answers eth_chainId.
func (p *Proven) ChainId() *hexutil.Big { return (*hexutil.Big)(p.v.ChainConfig().ChainID) }

// Accounts is empty: this server holds no keys.
func (p *Proven) Accounts() []common.Address { return []common.Address{} }

// BlockNumber is the height that the tag latest stands for.
func (p *Proven) BlockNumber() (hexutil.Uint64, error) {
	at, err := p.v.At(nil)
	if err != nil {
		return 0, unavailable(err)
	}
	return hexutil.Uint64(at.Header.Number.Uint64()), nil
}

// read runs f on the proven state behind a block parameter.
func read[T any](ctx context.Context, p *Proven, at *gethrpc.BlockNumberOrHash, f func(*state.StateDB) T) (T, error) {
	var none T
	ctx, end, err := p.begin(ctx)
	if err != nil {
		return none, err
	}
	defer end()
	header, err := p.v.At(at)
	if err != nil {
		return none, unavailable(err)
	}
	s, failure, err := p.v.State(ctx, header)
	if err != nil {
		return none, unavailable(err)
	}
	out := f(s)
	if err := errors.Join(failure(), s.Error()); err != nil {
		return none, unavailable(err)
	}
	return out, nil
}

// GetBalance is in wei.
func (p *Proven) GetBalance(ctx context.Context, account common.Address, at *gethrpc.BlockNumberOrHash) (*hexutil.Big, error) {
	return read(ctx, p, at, func(s *state.StateDB) *hexutil.Big { return (*hexutil.Big)(s.GetBalance(account).ToBig()) })
}

// GetTransactionCount is the account's nonce. What waits in pools cannot be proven: pending is safe.
func (p *Proven) GetTransactionCount(ctx context.Context, account common.Address, at *gethrpc.BlockNumberOrHash) (hexutil.Uint64, error) {
	return read(ctx, p, at, func(s *state.StateDB) hexutil.Uint64 { return hexutil.Uint64(s.GetNonce(account)) })
}

// GetCode is 0x for an account without code.
func (p *Proven) GetCode(ctx context.Context, account common.Address, at *gethrpc.BlockNumberOrHash) (hexutil.Bytes, error) {
	return read(ctx, p, at, func(s *state.StateDB) hexutil.Bytes { return s.GetCode(account) })
}

// GetStorageAt is the 32 bytes of a slot; the key is up to 32 bytes of hex.
func (p *Proven) GetStorageAt(ctx context.Context, account common.Address, key string, at *gethrpc.BlockNumberOrHash) (hexutil.Bytes, error) {
	slot, _, err := parseSlot(key)
	if err != nil {
		return nil, err
	}
	return read(ctx, p, at, func(s *state.StateDB) hexutil.Bytes {
		value := s.GetState(account, slot)
		return value[:]
	})
}

// GetProof is the account and at most 1024 of its slots with the paths that peers gave, as they were checked.
func (p *Proven) GetProof(ctx context.Context, account common.Address, keys []string, at *gethrpc.BlockNumberOrHash) (*AccountProof, error) {
	if len(keys) > maxSlots {
		return nil, limitExceeded("too many keys (max %d)", maxSlots)
	}
	ctx, end, err := p.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	slots, shown := make([]common.Hash, len(keys)), make([]SlotProof, len(keys))
	for i, key := range keys {
		slot, length, err := parseSlot(key)
		if err != nil {
			return nil, err
		}
		slots[i] = slot
		if shown[i].Key = hexutil.EncodeBig(slot.Big()); length == common.HashLength {
			shown[i].Key = slot.Hex()
		}
	}
	header, err := p.v.At(at)
	if err != nil {
		return nil, unavailable(err)
	}
	proven, err := p.v.Prove(ctx, header, account, slots)
	if err != nil {
		return nil, unavailable(err)
	}
	for i, s := range proven.Slots {
		shown[i].Value, shown[i].Proof = (*hexutil.Big)(s.Value.Big()), pathOf(s.Path)
	}
	out := &AccountProof{Address: account, AccountProof: pathOf(proven.Path), Balance: new(hexutil.Big), StorageProof: shown}
	if a := proven.Account; a != nil {
		out.Balance, out.Nonce = (*hexutil.Big)(a.Balance.ToBig()), hexutil.Uint64(a.Nonce)
		out.CodeHash, out.StorageHash = common.BytesToHash(a.CodeHash), a.Root
	}
	return out, nil
}

func pathOf(nodes [][]byte) []hexutil.Bytes {
	out := make([]hexutil.Bytes, len(nodes))
	for i, n := range nodes {
		out[i] = n
	}
	return out
}

// SendRawTransaction hands a signed transaction to peers and returns its hash; it does not wait for the order.
func (p *Proven) SendRawTransaction(ctx context.Context, envelope hexutil.Bytes) (common.Hash, error) {
	tx := new(types.Transaction)
	if err := tx.UnmarshalBinary(envelope); err != nil {
		return common.Hash{}, err
	}
	if !tx.Protected() {
		return common.Hash{}, errors.New("only replay-protected (EIP-155) transactions allowed over RPC")
	}
	ctx, end, err := p.begin(ctx)
	if err != nil {
		return common.Hash{}, err
	}
	defer end()
	if err := p.v.Send(ctx, envelope); err != nil {
		return common.Hash{}, fmt.Errorf("no peer took the transaction: %w", err)
	}
	return tx.Hash(), nil
}
