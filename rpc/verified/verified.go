package verified

import (
	"context"
	"errors"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/lru"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"
	gethrpc "github.com/ethereum/go-ethereum/rpc"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/fraud"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/types"
)

// Chain is what the node knows by itself. Methods are called concurrently.
type Chain interface {
	// Settled and Asserted are the newest settled value and the newest asserted one.
	Settled() fraud.Parent
	Asserted() fraud.Parent
	// At is the settled or asserted value of a height; false: none is known (any more).
	At(types.Height) (fraud.Parent, bool)
	// Header is the certified header of a height, 0 included.
	Header(types.Height) (types.Header, bool)
	// Body is a block's data, checked against the header's commitment.
	Body(context.Context, types.Header) ([]byte, error)
}

// Ask puts one question to the peer that is being consulted.
type Ask = func(*types.StateRequest) ([]byte, error)

// Peers are those who execute.
type Peers interface {
	// Consult has visit question one peer after another until one returns no error, and gives its value. A peer for which
	// visit returns types.ErrUnproven or types.ErrMalformed loses score. Visits may overlap.
	Consult(ctx context.Context, visit func(context.Context, Ask) (any, error)) (any, error)
}

// Sender takes a signed transaction for ordering.
type Sender interface {
	Submit(ctx context.Context, envelope []byte) error
}

// ErrUnproven says that no peer asked gave a proof; what they gave instead is in the error.
var ErrUnproven = errors.New("not proven")

// Config makes a View.
type Config struct {
	Rules  execution.Rules
	Chain  Chain
	Peers  Peers
	Sender Sender // nil: transactions are not taken
	// Asserted makes the tag latest stand for the newest asserted value instead of the newest settled one.
	Asserted bool
}

// Bounds of what is kept, all of it proven.
const (
	cachedAccounts = 4096
	cachedCode     = 16 << 20 // bytes
	cachedBlocks   = 16
)

// View is the network's state as far as it is proven to this node.
type View struct {
	Config
	rules    *params.ChainConfig
	accounts *lru.Cache[accountKey, *account]
	codes    *lru.SizeConstrainedCache[common.Hash, []byte]
	blocks   *lru.Cache[types.Hash, *rpc.ProvenBlock]
	bodies   *lru.Cache[types.Hash, [][]byte]
}

var _ rpc.Verified = (*View)(nil)

// New makes a view; it does nothing by itself.
func New(c Config) *View {
	return &View{
		Config: c, rules: c.Rules.ChainConfig(),
		accounts: lru.NewCache[accountKey, *account](cachedAccounts),
		codes:    lru.NewSizeConstrainedCache[common.Hash, []byte](cachedCode),
		blocks:   lru.NewCache[types.Hash, *rpc.ProvenBlock](cachedBlocks),
		bodies:   lru.NewCache[types.Hash, [][]byte](cachedBlocks),
	}
}

// ChainConfig implements rpc.Verified.
func (v *View) ChainConfig() *params.ChainConfig { return v.rules }

// At implements rpc.Verified.
func (v *View) At(at *gethrpc.BlockNumberOrHash) (*rpc.ProvenHeader, error) {
	if at == nil {
		return v.known(v.latest())
	}
	if digest, ok := at.Hash(); ok {
		return v.byDigest(types.Hash(digest))
	}
	number, ok := at.Number()
	if !ok {
		return nil, fmt.Errorf("neither a block number nor a block hash was given")
	}
	switch number {
	case gethrpc.LatestBlockNumber:
		return v.known(v.latest())
	case gethrpc.FinalizedBlockNumber:
		return v.known(v.Chain.Settled())
	case gethrpc.SafeBlockNumber, gethrpc.PendingBlockNumber: // what waits in pools is not provable
		return v.known(v.Chain.Asserted())
	case gethrpc.EarliestBlockNumber:
		number = 0
	}
	return v.atHeight(types.Height(number))
}

func (v *View) latest() fraud.Parent {
	if v.Asserted {
		return v.Chain.Asserted()
	}
	return v.Chain.Settled()
}

func (v *View) atHeight(h types.Height) (*rpc.ProvenHeader, error) {
	value, ok := v.Chain.At(h)
	if ok {
		return v.known(value)
	}
	if settled, asserted := v.Chain.Settled().Height, v.Chain.Asserted().Height; h <= settled {
		return nil, fmt.Errorf("block %d: its claim settled before this node began to follow, or too long ago; the newest settled block is %d: %w", h, settled, ErrUnproven)
	} else if h <= asserted {
		return nil, fmt.Errorf("block %d: its claim was just refuted: %w", h, ErrUnproven)
	} else {
		return nil, fmt.Errorf("block %d: no claim stands for it yet; the newest asserted block is %d, the newest settled one %d: %w", h, asserted, settled, ErrUnproven)
	}
}

// searchedHeights bounds the values that are looked through for a digest.
const searchedHeights = 1 << 13

// byDigest finds a block by the digest of its certified header, which is what this node can know a block by.
func (v *View) byDigest(digest types.Hash) (*rpc.ProvenHeader, error) {
	h := v.Chain.Asserted().Height
	for range searchedHeights {
		if value, ok := v.Chain.At(h); ok && value.Digest == digest {
			return v.known(value)
		}
		if h == 0 {
			break
		}
		h--
	}
	return nil, fmt.Errorf("block %s: no block with a known claim has a certified header of this digest (a node that executes nothing knows blocks by the digest "+
		"of their certified headers, which is parentBeaconBlockRoot in a full node's answers, not by Ethereum's block hash): %w", digest, ErrUnproven)
}

// known puts a value's claim and its certified header together.
func (v *View) known(value fraud.Parent) (*rpc.ProvenHeader, error) {
	header, ok := v.Chain.Header(value.Height)
	if !ok || header.Digest() != value.Digest {
		return nil, fmt.Errorf("block %d: its certified header is not here: %w", value.Height, ErrUnproven)
	}
	digest := common.Hash(value.Digest)
	beacon, random := digest, execution.Random(&header)
	if value.Height == 0 {
		beacon, random = common.Hash{}, common.Hash{} // nothing was executed in it
	}
	return &rpc.ProvenHeader{
		Header: &ethtypes.Header{
			ParentHash: common.Hash(header.Parent), UncleHash: ethtypes.EmptyUncleHash, Coinbase: v.Rules.Vault, Root: value.Claim.Root,
			Difficulty: new(big.Int), Number: new(big.Int).SetUint64(uint64(value.Height)), GasLimit: v.Rules.BlockGas,
			GasUsed: value.Claim.Gas, Time: execution.Seconds(&header), MixDigest: random,
			BaseFee: new(big.Int).SetUint64(value.Claim.BaseFee), WithdrawalsHash: &ethtypes.EmptyWithdrawalsHash, BlobGasUsed: new(uint64),
			ExcessBlobGas: new(uint64), ParentBeaconRoot: &beacon, RequestsHash: &ethtypes.EmptyRequestsHash,
		},
		Value: types.Hash(value.Value()), Digest: digest, Certified: header, Receipts: value.Claim.Receipts, Executed: value.Claim.Transactions, Places: value.Claim.Place,
		Settled: value.Height <= v.Chain.Settled().Height,
	}, nil
}

// unproven turns what peers answered into an error that says so.
func unproven(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w: %w", what, ErrUnproven, err)
}

// Send implements rpc.Verified.
func (v *View) Send(ctx context.Context, envelope []byte) error {
	if v.Sender == nil {
		return errors.New("this node takes no transactions")
	}
	return v.Sender.Submit(ctx, envelope)
}
